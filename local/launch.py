"""Bring the embedded cloud up, and take it down."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

from local.deploy import SETTINGS, deploy
from local.emulator import emulator
from local.emulator.emulator import Emulator
from local.providers import issue
from local.watch import Live, code
from operate.client import open_page
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
    """Start an emulator unless one is up, deploy onto it, check that it works, and write its `cloud.json`.

    If this fails, it stops an emulator that it has started.

    Args:
        home: The cloud's folder.
        with_parent: Whether the cloud ends with this process, even when this process is killed.
        variables: Further settings of MiniStack.
        settings: The folder with the settings of the stage `local`.
        port: The port to listen on; a free one by default.
        say: Prints each step.

    Raises:
        LaunchError: Another process uses the cloud, or the deployed pages do not answer.
        EmulatorError: The emulator did not start.
        DeployError: The stacks could not be deployed.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        running = emulator.serving(home)
        if running and running.parent:
            raise LaunchError(f"a demo, process {running.parent}, uses the cloud; wait for its end, or run `make down`")
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
    """Restart a cloud with IAM enforced on every call of its functions, with the same port and data.

    The cloud must persist its state: an emulator that enforces IAM from its start refuses `cdk deploy`.
    """
    running.stop()
    return restart(running, {"AUTH": "true"})


def restart(stopped: Emulator, variables: Mapping[str, str]) -> Emulator:
    """Start a stopped emulator with its persisted state, on the same port."""
    settings = {"PERSIST_STATE": "1", **variables}
    return emulator.start(stopped.home, with_parent=stopped.parent is not None, port=stopped.port, variables=settings)


def take_down(home: Path = HOME) -> bool:
    """Stop the cloud of a folder, and remove its `cloud.json`.

    Returns:
        Whether one was running.
    """
    cloud.remove(home)
    last = emulator.recorded(home)
    return last.stop() if last else False


def _deploy(running: Emulator, settings: Path) -> Cloud:
    outputs = deploy(running, settings)
    secrets = issue(running.endpoint_url, cloud.merged(outputs, "Providers"))
    issue(running.endpoint_url, cloud.merged(outputs, "LookKeys"))  # the providers deny these API keys
    for stack in outputs.values():
        if arn := stack.get("ChannelSecret"):
            issue(running.endpoint_url, {"channel": {"scheme": "", "secret": arn}})
    deployed = Cloud.on(running.endpoint_url, outputs, secrets)
    page = open_page(f"{deployed.api_url}/review?t=nobody")
    if page.answer.status != HTTPStatus.NOT_FOUND or not page.text:
        raise LaunchError(
            f"the deployed review page answered {page.answer.status} instead of 404 to an unknown link: "
            f"{page.text[:300]}\n  The functions' log: {running.log}"
        )
    deployed.write(running.home)
    return deployed


def _deploy_again(running: Emulator, settings: Path) -> Cloud:
    """Deploy, and replace code that `make watch` has brought, which CloudFormation does not know."""
    deployed = _deploy(running, settings)
    Live(running.endpoint_url).bring(code())
    return deployed


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchError(f"another process is bringing up the cloud in {home}; try again after its end") from None
        yield
