"""The embedded cloud from the command line: `python -m local up`, `down`, `demo`, `watch`, `status` and so on.

`make up`, `make down` and `make demo` run these commands after the setup that they need.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from local.demo.demo import SCENARIOS, DemoError, demo_of, show_all
from local.demo.sandbox import HABITS, Sandbox
from local.deploy import DeployError
from local.emulator import emulator
from local.emulator.emulator import EmulatorError
from local.launch import LaunchError, bring_up, take_down
from local.watch import WatchError, live
from local.watch import run as watch_for_changes
from operate.embedded.cloud import HOME, Cloud
from operate.embedded.mailbox import Mailbox, sent_elsewhere
from operate.terminal import Terminal

_USAGE = 2
_ALL = "all"
"""Name that stands for all scenarios, one after the other."""

terminal = Terminal()
app = typer.Typer(
    help="The embedded cloud on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@dataclass
class Options:
    """The options of every command.

    Attributes:
        home: The cloud's folder.
    """

    home: Path = HOME


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = Options()
    try:
        return int(app(arguments, prog_name="python -m local", standalone_mode=False, obj=options) or 0)
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]
        return _USAGE
    except WatchError as error:
        advice = "Correct the file, then run `make up`, or `make watch` before you save it. The cloud stays up."
        terminal.error(f"a function cannot be loaded: {error}", advice)
    except (EmulatorError, DeployError, LaunchError, DemoError) as error:
        terminal.error(*str(error).splitlines())
    except (BotoCoreError, ClientError, OSError) as unreachable:
        terminal.error(f"the cloud did not answer: {unreachable}")
    log = options.home / "emulator.log"
    if log.exists():
        terminal.say(f"  The log of the emulator and the functions: {log}")
    return 1


def _one_of(choices: Collection[str], hint: str | None = None) -> Callable[[str], str]:
    """Return the check that an option has one of these values, or is not given."""

    def check(value: str) -> str:
        if value and value not in choices:
            raise typer.BadParameter(f"must be one of {', '.join(choices)}, got: {value}", param_hint=hint)
        return value

    return check


@app.callback()
def _options(
    call: typer.Context,
    home: Annotated[Path, typer.Option(help="The cloud's folder.")] = HOME,
) -> None:
    call.obj.home = home


@app.command()
def up(
    call: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port; a free one by default.", show_default=False)
    ] = None,
) -> None:
    """Start the cloud, deploy, leave it running, and fail if the code of a function cannot be imported."""
    began = time.monotonic()
    terminal.title("Countersign: the embedded cloud")
    _, cloud = bring_up(call.obj.home, port=port, say=terminal.doing)
    terminal.done("up", f"in {time.monotonic() - began:.0f} seconds, until `make down`")
    _describe(cloud, call.obj.home)
    live(cloud.endpoint_url).check()


@app.command()
def down(call: typer.Context) -> None:
    """Stop the cloud, if it is up."""
    stopped = take_down(call.obj.home)
    terminal.say("The embedded cloud is stopped." if stopped else "The embedded cloud was not running.")


@app.command()
def demo(
    call: typer.Context,
    answer: Annotated[
        str, typer.Option(help="Answer without you, and fail if the workflow ends otherwise.", show_default=False)
    ] = "",
    scenario: Annotated[
        str, typer.Option(help="The workflow to run; `all` for each.", callback=_one_of([*SCENARIOS, _ALL]))
    ] = "order-approval",
) -> int:
    """Run the demo on a cloud that is up, or on one of its own."""
    if scenario == _ALL:
        return _demo_of_all(call.obj.home, answer)
    _one_of(sorted(SCENARIOS[scenario]), "'--answer'")(answer)
    terminal.title(f"Countersign: {scenario} on the embedded cloud")
    with _a_cloud(call.obj.home) as cloud:
        demo_of(scenario, cloud, answer).run()
    return 0


def _demo_of_all(home: Path, answer: str) -> int:
    if answer:
        advice = "`all` takes no answer; name one scenario to choose its answer"
        raise typer.BadParameter(advice, param_hint="'--answer'")
    terminal.title("Countersign: every workflow on the embedded cloud")
    with _a_cloud(home) as cloud:
        show_all(cloud)
    return 0


@app.command()
def watch(call: typer.Context) -> None:
    """Bring changed code onto the running cloud, until Ctrl-C."""
    terminal.title("Countersign: changed code goes live within seconds; Ctrl-C stops it")
    watch_for_changes(call.obj.home, terminal)


@app.command()
def status(call: typer.Context) -> int:
    """Print whether the cloud is up; exit with 0 if it is, and with 1 if not."""
    running, cloud = emulator.serving(call.obj.home), Cloud.read(call.obj.home)
    if running and cloud:
        terminal.say("The embedded cloud is up.")
        _describe(cloud, call.obj.home)
        return 0
    terminal.say("The embedded cloud is not up; `make up` starts it." if not running else "It is still being deployed.")
    return 1


@app.command()
def mail(call: typer.Context) -> None:
    """List the mails, oldest first, and the messages of other channels."""
    cloud = _the_cloud(call.obj.home)
    mails, others = Mailbox(cloud.mailbox_url).mails(), sent_elsewhere(cloud)
    if not mails and not others:
        terminal.say("No mail yet.")
    for message in mails:
        terminal.say(f"{', '.join(message.recipients)}: {message.subject}")
        if link := message.review_link or message.inbox_link:
            terminal.say(f"  {link}")
    for sent in others:
        terminal.say(f"{sent.recipient}: {sent.title} (by the channel {sent.channel}, which got the link)")


@app.command()
def sandbox(
    call: typer.Context,
    habit: Annotated[str, typer.Option(help="How the provider reports payments.", callback=_one_of(HABITS))] = "prompt",
) -> None:
    """Take payments as the provider sandbox, until Ctrl-C."""
    cloud = _the_cloud(call.obj.home)
    terminal.title(f"Countersign: the provider sandbox, with the habit “{habit}”; Ctrl-C stops it")
    for delivery in Sandbox(cloud, habit).serve():
        terminal.done("webhook", str(delivery))


def _the_cloud(home: Path) -> Cloud:
    cloud = Cloud.read(home)
    if cloud is None:
        raise LaunchError("the embedded cloud is not up; run `make up`, which starts it")
    return cloud


@contextlib.contextmanager
def _a_cloud(home: Path) -> Iterator[Cloud]:
    if emulator.serving(home) and (cloud := Cloud.read(home)):
        terminal.done("cloud", f"uses the one that `make up` started, at {cloud.endpoint_url}")
        yield cloud
        return
    began = time.monotonic()
    _, cloud = bring_up(home, with_parent=True, say=terminal.doing)
    try:
        terminal.done("cloud", f"up and deployed in {time.monotonic() - began:.0f} seconds")
        yield cloud
    finally:
        take_down(home)
        terminal.say()
        terminal.say("  The cloud of this demo is stopped again; `make up` starts one that stays.")


def _describe(cloud: Cloud, home: Path) -> None:
    for what, where in (
        ("API", cloud.api_url),
        ("mail", f"{cloud.mailbox_url}  (make mail)"),
        ("AWS endpoint", cloud.endpoint_url),
        ("all of it", str(home / "cloud.json")),
    ):
        terminal.say(f"    {what:<13} {where}")
