"""The program `countersign`: its options, its commands and its exit status."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from operate.commands import (
    acting,
    audit,
    deploying,
    directory,
    events,
    logs,
    looking,
    payment,
    proving,
    releasing,
    requests,
)
from operate.context import Context
from operate.errors import Status, explained
from operate.stage import Target
from operate.terminal import Terminal

VALUED = frozenset({"--profile", "--region", "--stage", "--table"})
FLAGS = frozenset({"--local", "--json"})
"""The options of every command; they can stand before or after it."""

_HELP = """Countersign for operators: see which tasks wait, act on them, and check what is deployed.

Uses your own AWS credentials. The audit records every change with your IAM identity. Without --profile, --region,
--stage and --table it uses the embedded cloud if `make up` has started one. These options, --local and --json can stand
before or after the command. docs/operations.md lists the rights that each command needs, and the exit statuses."""

app = typer.Typer(
    help=_HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
for _command in (
    *(
        looking.tasks,
        requests.requests,
        looking.show,
        looking.timeline,
        looking.export,
        looking.doctor,
        looking.env,
        logs.logs,
    ),
    *(acting.extend, acting.withdraw, acting.resend, acting.reassign, acting.resolve, acting.ring),
    *(acting.redrive, acting.restore),
    *(deploying.preflight, deploying.teardown, releasing.rollback, proving.prove),
    events.events,
    *(directory.away, directory.alias, directory.person),
):
    app.command()(_command)
_audit = typer.Typer(help="Verify the audit.", no_args_is_help=True)
_audit.callback()(lambda: None)  # without it, Typer would make `verify` the whole group
_audit.command()(audit.verify)
app.add_typer(_audit, name="audit")
_payment = typer.Typer(help="Ask providers for payments.", no_args_is_help=True)
_payment.callback()(lambda: None)
_payment.command()(payment.look)
app.add_typer(_payment, name="payment")
_event = typer.Typer(help="Show or replay a kept event of a provider.", no_args_is_help=True)
_event.command()(events.show)
_event.command()(events.replay)
app.add_typer(_event, name="event")


@app.callback()
def _options(
    call: typer.Context,
    profile: Annotated[str, typer.Option(help="A profile of your AWS configuration.", show_default=False)] = "",
    region: Annotated[str, typer.Option(help="An AWS region; by default the profile's.", show_default=False)] = "",
    stage: Annotated[
        str, typer.Option(help="A stage: the name of a file in settings/, without .toml.", show_default=False)
    ] = "",
    local: Annotated[bool, typer.Option("--local", help="The embedded cloud that `make up` started.")] = False,  # noqa: FBT002
    table: Annotated[
        str, typer.Option(help="A table in place of the stage's ledger or directory.", show_default=False)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON.")] = False,  # noqa: FBT002
) -> None:
    call.obj = Context(Target(profile, region, stage, local, table), Terminal(as_json=as_json))


_program = typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = hoisted(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(_program(words, prog_name="countersign", standalone_mode=False) or Status.DONE)
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]
        return Status.USAGE
    except Exception as error:
        known = explained(error)
        if known is None:
            raise
        Terminal().error(str(known), known.advice)
        return known.status


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the options of every command in front."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, _ = word.partition("=")
        if word == "--":
            rest += [word, *words]
        elif word in FLAGS or (name in VALUED and equals):
            front.append(word)
        elif word in VALUED:
            front += [word, *itertools.islice(words, 1)]
        else:
            rest.append(word)
    return front + rest
