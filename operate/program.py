"""`countersign`: its options, its commands and its exit statuses."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from countersign.domain.errors import CountersignError
from operate.commands import acting, audit, directory, looking
from operate.context import Context
from operate.errors import OperateError, Status, explained
from operate.stage import Target
from operate.terminal import Terminal

VALUED = frozenset({"--profile", "--region", "--stage", "--table"})
FLAGS = frozenset({"--local", "--json"})
"""The options that say where, and in which form: they may stand before the command or anywhere behind it."""

_HELP = """Countersign for operators: see what waits, act on it, and check what is deployed.

Acts with your own AWS credentials; every change is audited with your IAM identity. Without --profile, --region, --stage
and --table it uses the embedded cloud if `make up` has started one. These options, --local and --json may stand before
the command or behind it. docs/operations.md has the rights that each command needs, and the exit statuses."""

app = typer.Typer(
    help=_HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
looking.add_to(app)
acting.add_to(app)
directory.add_to(app)
audit.add_to(app)


@app.callback()
def _options(
    call: typer.Context,
    profile: Annotated[str, typer.Option(help="Profile of your AWS configuration.", show_default=False)] = "",
    region: Annotated[str, typer.Option(help="AWS region; that of the profile by default.", show_default=False)] = "",
    stage: Annotated[str, typer.Option(help="The stage: a file of settings/, without .toml.", show_default=False)] = "",
    local: Annotated[bool, typer.Option("--local", help="The embedded cloud, by .local/cloud.json.")] = False,  # noqa: FBT002
    table: Annotated[
        str,
        typer.Option(help="Use this table, not the stage's: the ledger, or the directory.", show_default=False),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON.")] = False,  # noqa: FBT002
) -> None:
    call.obj = Context(Target(profile, region, stage, local, table), Terminal(as_json=as_json))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = hoisted(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(app(words, prog_name="countersign", standalone_mode=False) or Status.DONE)
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except _expected() as error:
        return _failed(error)


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the options that may stand anywhere in front of the command."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name = word.partition("=")[0]
        if word == "--":
            rest += [word, *words]
        elif word in FLAGS or (name in VALUED and name != word):
            front.append(word)
        elif word in VALUED:
            front += [word, *itertools.islice(words, 1)]
        else:
            rest.append(word)
    return front + rest


def _expected() -> tuple[type[Exception], ...]:
    """Return the errors that are told in an operator's terms; any other is a bug, and keeps its traceback."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (typer.TyperException, CountersignError, OperateError, BotoCoreError, ClientError)


def _failed(error: Exception) -> int:
    if isinstance(error, typer.TyperException):
        error.show()  # type: ignore[attr-defined]
        return Status.USAGE
    known = explained(error)
    if known is None:
        raise error
    Terminal().error(str(known), known.advice)
    return known.status
