"""Commands that keep the directory of people: away, alias."""

from __future__ import annotations

from typing import Annotated

import typer

from countersign.adapters.directory import DynamoDirectory
from countersign.domain.clock import to_text
from operate.context import Context
from operate.parsing import absence, address

_Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="E-mail address.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (away, alias):
        app.command()(command)


def away(
    call: typer.Context,
    who: _Address,
    to: Annotated[str, typer.Option(metavar="ADDRESS", help="Who is asked in their place.", show_default=False)] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From when, ISO 8601; UTC unless it says more.", show_default=False)
    ] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until when, exclusive.", show_default=False)] = "",
    back: Annotated[bool, typer.Option("--back", help="They are back: nobody stands in any more.")] = False,  # noqa: FBT002
) -> None:
    """Say who stands in for somebody who is away, or that they are back."""
    context: Context = call.obj
    person = address(who)
    if back:
        _directory(context).set_absence(person, None)
        context.terminal.result(f"{person} is there", {"address": person, "absence": None})
        return
    found = absence(person, to, since, until)
    _directory(context).set_absence(person, found)
    since_text, until_text = to_text(found.since), to_text(found.until)
    document = {"address": person, "absence": {"to": found.to, "since": since_text, "until": until_text}}
    context.terminal.result(f"{found.to} stands in for {person} from {since_text} until {until_text}", document)


def alias(
    call: typer.Context,
    who: _Address,
    of: Annotated[str, typer.Option(metavar="ADDRESS", help="The address under which they count.")],
) -> None:
    """Say that an address is another name of somebody."""
    context: Context = call.obj
    other, person = address(who), address(of)
    _directory(context).set_alias(other, person)
    context.terminal.result(f"{other} is {person}", {"address": other, "person": person})


def _directory(context: Context) -> DynamoDirectory:
    return DynamoDirectory(context.stage.client("dynamodb"), context.stage.directory_table)
