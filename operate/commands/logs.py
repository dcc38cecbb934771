"""`logs`: what functions have logged about a request, or in the last hours."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from countersign.domain.clock import to_text
from countersign.domain.requests import Request
from operate.context import Context
from operate.errors import unknown_name
from operate.logs import Line, Logs
from operate.parsing import duration
from operate.terminal import BAD

_HOUR = timedelta(hours=1)
_LATE = timedelta(seconds=10)
"""How late CloudWatch shows a line; `--follow` reads this much again."""

_PAUSE_SECONDS = 2
_UNSAID = frozenset(
    {
        *("level", "message", "timestamp", "service", "location", "logger", "xray_trace_id", "execution_arn"),
        *("executionArn", "requestId", "function_request_id", "stackTrace", "errorType", "errorMessage"),
    }
)
"""Fields that a line of text has elsewhere, or that only machines need."""


def logs(
    call: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="[REQUEST|FUNCTION]", help="Id of a request, or a function; all functions by default."),
    ] = "",
    since: Annotated[
        timedelta | None,
        typer.Option(
            metavar="SPAN", parser=duration, help="How far back; by default 1h, and for a request all of its lines."
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print further lines until Ctrl-C.")] = False,  # noqa: FBT002
) -> None:
    """Print what functions have logged, the oldest line first."""
    context: Context = call.obj
    read = _Reading(context, name)
    begin = context.now - since if since else read.beginning
    found = read.lines(begin)
    if follow:
        _follow(context, read, found)
        return
    if context.terminal.as_json:
        context.terminal.document([_document(line) for line in found])
        return
    if not _print(context, found):
        days = context.stage.settings.functions.log_retention_days
        kept = "until `make down`" if context.stage.cloud else f"for {days} day{'' if days == 1 else 's'}"
        context.terminal.note(
            f"No line of {name or 'any function'} since {begin:%Y-%m-%d %H:%M:%S}Z. Logs are kept {kept}."
        )


class _Reading:
    """The lines that a command asks for.

    Attributes:
        beginning: The time of the first of them, if the command does not say.
    """

    def __init__(self, context: Context, name: str) -> None:
        self._logs = Logs(context.stage)
        self._request: Request | None = None
        self._functions = [name] if name in self._logs.groups else list(self._logs.groups)
        if name and name not in self._logs.groups:
            # A task's id is its request's id, a dot and the wait's name.
            self._request = context.stage.ledger.request(name.partition(".")[0])
            if self._request is None:
                raise unknown_name("request or function", name, self._logs.groups)
        created = self._request and self._request.created_at
        self.beginning: datetime = created or context.now - _HOUR

    def lines(self, since: datetime) -> list[Line]:
        """Return the lines since a time, the oldest first."""
        if self._request:
            return self._logs.of_request(self._request, since)
        return self._logs.of_functions(self._functions, since)


def _follow(context: Context, read: _Reading, found: Iterable[Line]) -> None:
    known: set[Any] = set()
    while True:
        latest, new = context.now - _LATE, [line for line in found if line.key not in known]
        known |= {line.key for line in new}
        _print(context, new)
        time.sleep(_PAUSE_SECONDS)
        found = read.lines(latest)


def _print(context: Context, lines: Iterable[Line]) -> bool:
    """Print lines, as JSON documents or as text; return whether there was any."""
    printed = False
    for line in lines:
        printed = True
        if context.terminal.as_json:
            context.terminal.document(_document(line))
            continue
        for text in _in_words(line):
            context.terminal.say(text, BAD if line.is_error else "")
    return printed


def _document(line: Line) -> dict[str, Any]:
    return {"at": to_text(line.at), "function": line.function, **(line.fields or {"message": line.text})}


def _in_words(line: Line) -> Iterator[str]:
    """Yield the text of a line, and then that of its traceback."""
    at = f"{line.at:%Y-%m-%d %H:%M:%S}.{line.at.microsecond // 1000:03}Z"
    begin = f"{at}  {line.function:<16}"
    if not line.fields:
        yield from (f"{begin}  {text.expandtabs()}" for text in line.text.splitlines())
        return
    said = (f"{name} {value}" for name, value in line.fields.items() if name not in _UNSAID)
    yield "  ".join(
        [begin, f"{line.fields.get('level', ''):<5}", str(line.fields.get("message", "")), ", ".join(said)]
    ).rstrip()
    for entry in line.fields.get("stackTrace", ()):
        yield from str(entry).splitlines()
    if kind := line.fields.get("errorType"):
        yield f"{kind}: {line.fields.get('errorMessage', '')}"
