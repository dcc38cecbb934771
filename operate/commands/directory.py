"""Commands that write the directory of people: away, alias."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from countersign.domain.clock import to_text
from countersign.domain.identity import same_domain
from countersign.domain.people import Absence
from operate.context import Context
from operate.errors import OperateError
from operate.parsing import Address, address, moment


def away(
    call: typer.Context,
    person: Address,
    to: Annotated[str | None, typer.Option(metavar="ADDRESS", parser=address, help="The stand-in.")] = None,
    since: Annotated[
        datetime | None, typer.Option(metavar="TIME", parser=moment, help="Start, in ISO 8601; UTC by default.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="TIME", parser=moment, help="End, in ISO 8601; not included.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="End the absence.")] = False,  # noqa: FBT002
) -> None:
    """Record a stand-in for a person who is away, or end the absence."""
    context: Context = call.obj
    if back:
        context.stage.directory.set_absence(person, None)
        context.terminal.result(f"{person} is back", {"address": person, "absence": None})
        return
    absence = _absence(person, to, since, until)
    context.stage.directory.set_absence(person, absence)
    shown = {"to": absence.to, "since": to_text(absence.since), "until": to_text(absence.until)}
    line = f"{absence.to} stands in for {person} from {shown['since']} until {shown['until']}"
    context.terminal.result(line, {"address": person, "absence": shown})


def _absence(person: str, to: str | None, since: datetime | None, until: datetime | None) -> Absence:
    if to is None or since is None or until is None:
        raise OperateError("an absence needs --to, --since and --until", "To end an absence, give --back alone.")
    if since >= until:
        raise OperateError(f"--until must be after --since, got: {to_text(until)} after {to_text(since)}")
    if to == person:
        raise OperateError(f"{person} cannot be their own stand-in")
    if not same_domain(to, person):
        raise OperateError(f"{to} cannot stand in for {person}: both addresses must have the same domain")
    return Absence(since, until, to)


def alias(
    call: typer.Context,
    other: Address,
    of: Annotated[
        str, typer.Option(metavar="ADDRESS", parser=address, help="The person's address in tasks and votes.")
    ],
) -> None:
    """Record another address of a person."""
    context: Context = call.obj
    context.stage.directory.set_alias(other, of)
    context.terminal.result(f"{other} is {of}", {"address": other, "person": of})
