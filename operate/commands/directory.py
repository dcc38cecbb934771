"""Commands that write the directory of people: away, alias, person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

import typer

from countersign.domain.clock import to_text
from countersign.domain.identity import same_domain
from countersign.domain.people import Absence, is_slack_user
from countersign.presentation import words
from countersign.presentation.display import MAX_NAME_CHARACTERS, single_line
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


def person(
    call: typer.Context,
    who: Address,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Their name, shown beside the address.")] = None,
    language: Annotated[
        str | None, typer.Option(metavar="TAG", help="Language of their pages and mails, such as de.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of their pages and mails, such as Europe/Berlin.")
    ] = None,
    slack: Annotated[str | None, typer.Option(metavar="ID", help="Their user id in Slack, such as U012AB3CD.")] = None,
) -> None:
    """Record a person's name, language, time zone or Slack user. An empty value removes what was recorded."""
    given = {"name": name, "language": language, "time_zone": time_zone, "slack": slack}
    fields = {key: _checked(key, value) for key, value in given.items() if value is not None}
    if not fields:
        raise OperateError("nothing to record", f"Give at least one of {', '.join(map(_option, given))}.")
    context: Context = call.obj
    context.stage.directory.set_profile(who, fields)
    said = ", ".join(f"{_option(key)} {value or '(removed)'}" for key, value in fields.items())
    context.terminal.result(f"{who}: {said}", {"address": who, **{key: value or None for key, value in fields.items()}})


_ALLOWED: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "name": (
        lambda text: len(text) <= MAX_NAME_CHARACTERS and text == single_line(text),
        f"one line of at most {MAX_NAME_CHARACTERS} visible characters",
    ),
    "language": (lambda text: text in words.languages(), f"one of {', '.join(sorted(words.languages()))}"),
    "time_zone": (
        lambda text: words.time_zone(text) is not None,
        "an IANA time zone, such as Europe/Berlin",
    ),
    "slack": (is_slack_user, "the id of a user, not of a channel, such as U012AB3CD or W012AB3CD"),
}
"""For each field of a person: the check, and the allowed values in words."""


def _checked(key: str, text: str) -> str:
    check, allowed = _ALLOWED[key]
    if text and not check(text):
        raise OperateError(f"{_option(key)} must be {allowed}, got: {text}")
    return text


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"
