"""Bringing the embedded cloud up and taking it down."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

from local.client import open_page
from local.deploy import SETTINGS, deploy
from local.emulator import emulator
from local.emulator.emulator import Emulator
from local.providers import issue
from local.watch import Live, code
from operate.embedded import cloud
from operate.embedded.cloud import HOME, Cloud


class LaunchError(Exception):
    """The cloud cannot be used; the message says why, and what to do."""


def bring_up(
    home: Path = HOME,
    *,
    with_parent: bool = False,
    variables: Mapping[str, str] | None = None,
    settings: Path = SETTINGS,
    port: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Emulator, Cloud]:
    """Start an emulator, unless one is up, deploy onto it, see that it works, and write where everything is.

    Nothing is left running when this fails, unless it ran before.

    Args:
        home: The folder that is the cloud's own.
        with_parent: End it with this process, however that ends.
        variables: Settings of MiniStack beside those that it always gets.
        settings: The folder with the settings of the stage `local`.
        port: Where to listen; a free port by default.
        say: Is told what is being done.

    Raises:
        LaunchError: Another process is at it, or what was deployed does not answer.
        EmulatorError: The emulator did not come up.
        DeployError: The stacks could not be deployed.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        running = emulator.serving(home)
        if running and running.parent:
            raise LaunchError(f"process {running.parent}, a demo, has the cloud; wait for its end, or run `make down`")
        if running and port not in (None, running.port):
            raise LaunchError(f"the cloud is up already, on port {running.port}; run `make down` first")
        cloud.remove(home)
        if running:
            say(f"the emulator is up already, on port {running.port}; deploying onto it again")
            return running, _deploy_again(running, settings)
        started = emulator.start(home, with_parent=with_parent, port=port, variables=variables)
        try:
            say(f"started the emulator on 127.0.0.1:{started.port}; deploying the stacks with the AWS CDK")
            return started, _deploy(started, settings)
        except BaseException:
            started.stop()
            raise


def enforce_iam(running: Emulator) -> Emulator:
    """Start a cloud again with IAM enforced on every call of its functions, on the same port and with all it holds.

    It must have been started to persist: `cdk deploy` itself is refused by an emulator that enforces IAM.
    """
    running.stop()
    return restart(running, {"AUTH": "true"})


def restart(stopped: Emulator, variables: Mapping[str, str]) -> Emulator:
    """Start a stopped emulator that persists again, where it was."""
    settings = {"PERSIST_STATE": "1", **variables}
    return emulator.start(stopped.home, with_parent=stopped.parent is not None, port=stopped.port, variables=settings)


def take_down(home: Path = HOME) -> bool:
    """Stop the cloud of a folder and remove what names it.

    Returns:
        Whether one was running.
    """
    cloud.remove(home)
    last = emulator.recorded(home)
    return last.stop() if last else False


def _deploy(running: Emulator, settings: Path) -> Cloud:
    outputs = deploy(running, settings)
    secrets = issue(running.endpoint_url, cloud.merged(outputs, "Providers"))
    for stack in outputs.values():
        if arn := stack.get("ChannelSecret"):
            issue(running.endpoint_url, {"channel": {"scheme": "", "secret": arn}})
    deployed = Cloud.on(running.endpoint_url, outputs, secrets)
    page = open_page(f"{deployed.api_url}/review?t=nobody")
    if page.answer.status != HTTPStatus.NOT_FOUND or not page.text:
        raise LaunchError(
            f"the deployed review page answered {page.answer.status} instead of 404 to an unknown link: "
            f"{page.text[:300]}\n  What the functions logged: {running.log}"
        )
    deployed.write(running.home)
    return deployed


def _deploy_again(running: Emulator, settings: Path) -> Cloud:
    """Deploy, and replace what `make watch` has made live, of which CloudFormation knows nothing."""
    deployed = _deploy(running, settings)
    Live(running.endpoint_url).bring(code())
    return deployed


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchError(f"another process is bringing up the cloud in {home}; try again after it") from None
        yield
