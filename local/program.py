"""The embedded cloud from the command line: `python -m local up`, `down`, `demo`, `status`, `mail` and `sandbox`.

`make up`, `make down` and `make demo` are these, after setting up what they need.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from local import terminal
from local.demo.demo import DemoError
from local.demo.sandbox import HABITS, Sandbox
from local.demo.scenarios import OrderApproval
from local.demo.showcase import ALL, SCENARIOS, show_all
from local.deploy import DeployError
from local.emulator import emulator
from local.emulator.emulator import EmulatorError
from local.launch import LaunchError, bring_up, take_down
from operate.embedded.cloud import HOME, Cloud
from operate.embedded.mailbox import Mailbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (EmulatorError, DeployError, LaunchError, DemoError) as error:
        terminal.error(str(error))
    except OSError as unreachable:
        terminal.error(f"the cloud did not answer: {unreachable}")
    log = options.home / "emulator.log"
    if log.exists():
        terminal.say(f"  What the emulator and the functions logged: {log}")
    return 1


def up(options: argparse.Namespace) -> int:
    """Start the cloud, deploy, and leave it running."""
    began = time.monotonic()
    terminal.title("Countersign: the embedded cloud")
    _, cloud = bring_up(options.home, say=terminal.doing)
    terminal.done("up", f"in {time.monotonic() - began:.0f} seconds, until `make down`")
    _describe(cloud, options.home)
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop the cloud; fine when there is none."""
    stopped = take_down(options.home)
    terminal.say("The embedded cloud is stopped." if stopped else "The embedded cloud was not running.")
    return 0


def demo(options: argparse.Namespace) -> int:
    """Run the demo on a cloud that is up, or on one of its own."""
    if options.scenario == ALL:
        return _demo_of_all(options)
    scenario = SCENARIOS[options.scenario]
    if options.answer is not None and options.answer not in scenario.answers:
        choices = ", ".join(map(repr, sorted(scenario.answers)))
        options.refuse(f"argument --answer: invalid choice: {options.answer!r} (choose from {choices})")
    terminal.title(f"Countersign: {scenario.workflow} on the embedded cloud")
    with _a_cloud(options.home) as cloud:
        scenario(cloud=cloud, answer=options.answer).run()
    return 0


def _demo_of_all(options: argparse.Namespace) -> int:
    if options.answer is not None:
        options.refuse("argument --answer: all scenarios at once go their own way; name one to choose its answer")
    terminal.title("Countersign: every workflow on the embedded cloud")
    with _a_cloud(options.home) as cloud:
        show_all(cloud)
    return 0


def status(options: argparse.Namespace) -> int:
    """Say whether the cloud is up; the exit status is 0 if it is and 1 if not."""
    running, cloud = emulator.serving(options.home), Cloud.read(options.home)
    if running and cloud:
        terminal.say("The embedded cloud is up.")
        _describe(cloud, options.home)
        return 0
    terminal.say("The embedded cloud is not up; `make up` starts it." if not running else "It is still being deployed.")
    return 1


def mail(options: argparse.Namespace) -> int:
    """List the mail that was sent, oldest first."""
    mails = Mailbox(_the_cloud(options.home).mailbox_url).mails()
    if not mails:
        terminal.say("No mail yet.")
    for message in mails:
        terminal.say(f"{', '.join(message.recipients)}: {message.subject}")
        if link := message.review_link or message.inbox_link:
            terminal.say(f"  {link}")
    return 0


def sandbox(options: argparse.Namespace) -> int:
    """Take payments as the provider sandbox, until Ctrl-C."""
    cloud = _the_cloud(options.home)
    terminal.title(f"Countersign: the provider sandbox, with the habit “{options.habit}”; Ctrl-C stops it")
    for delivery in Sandbox(cloud, options.habit).serve():
        terminal.done("webhook", str(delivery))
    return 0


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
        terminal.say("\n  The cloud of this demo is stopped again; `make up` starts one that stays.")


def _describe(cloud: Cloud, home: Path) -> None:
    for what, where in (
        ("API", cloud.api_url),
        ("mail", f"{cloud.mailbox_url}  (make mail)"),
        ("AWS endpoint", cloud.endpoint_url),
        ("all of it", str(home / "cloud.json")),
    ):
        terminal.say(f"    {what:<13} {where}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The embedded cloud on this machine.")
    parser.add_argument("--home", type=Path, default=HOME, help="the folder that is the cloud's own; %(default)s")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (up, down, demo, status, mail, sandbox):
        summary = (command.__doc__ or "").splitlines()[0]
        added = commands.add_parser(command.__name__, help=summary, description=summary)
        added.set_defaults(command=command)
        if command is demo:
            added.set_defaults(refuse=added.error)
            added.add_argument("--answer", help="decide by itself, and succeed only if the workflow ends so")
            added.add_argument(
                "--scenario", choices=[*SCENARIOS, ALL], default=OrderApproval.workflow, help="which workflow to run"
            )
        if command is sandbox:
            added.add_argument("--habit", choices=list(HABITS), default="prompt", help="how it goes about payments")
    return parser
