"""The timeline of a task, or of a request with all its tasks, from the audit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from countersign.domain.audit import AuditEntry
from countersign.domain.clock import from_text
from countersign.domain.requests import ERRORS, Request
from operate.parsing import in_words
from operate.terminal import mark

_LONGEST_DETAIL = 160
_OF_IMPORTS = frozenset({"Runtime.ImportModuleError", "Runtime.UserCodeSyntaxError"})
_NOT_IMPORTED = "its code cannot be imported: "


@dataclass(frozen=True)
class Moment:
    """One audit entry in a timeline, or the end of the request.

    Attributes:
        at: Its time, in UTC.
        task_id: Its task, or the request.
        event: The audit's name of its event.
        actor: The actor; empty at the end of a request.
        detail: Its data, in words.
    """

    at: datetime
    task_id: str
    event: str
    actor: str
    detail: str


def moments(entries: Iterable[AuditEntry]) -> list[Moment]:
    """Return audit entries by time; entries of one task keep their order."""
    unsorted = (
        Moment(from_text(entry.at), entry.task_id, entry.event.event, entry.event.actor, _detail(entry.event.data))
        for entry in entries
    )
    return sorted(unsorted, key=lambda moment: moment.at)


def end_of(request: Request | None) -> list[Moment]:
    """Return how a request ended, as the last moment of its timeline; nothing while it runs."""
    if request is None or request.ended_at is None:
        return []
    return [Moment(request.ended_at, request.request_id, f"request {request.status}", "", why(request))]


def why(request: Request) -> str:
    """Return why a request ended without a result; empty if it has one, or runs."""
    if request.cancelling:
        return f"withdrawn by {request.cancelling.by}: {request.cancelling.reason}"
    if request.raised is None or not request.raised.kind:
        return ERRORS.get(request.error, "")
    place = f" at {request.raised.at}" if request.raised.at else ""
    return f"{_NOT_IMPORTED if request.raised.kind in _OF_IMPORTS else ''}{request.raised.kind}{place}"


def drawn(timeline: Iterable[Moment], *, with_tasks: bool) -> Iterator[str]:
    """Yield a line of text for each moment, with its task if `with_tasks` is set."""
    before: datetime | None = None
    for moment in timeline:
        later = "" if before is None else f"+{in_words(moment.at - before)}"
        task = f"{moment.task_id}  " if with_tasks else ""
        by, detail = moment.actor and f" by {moment.actor}", moment.detail and f": {moment.detail}"
        words = f"{moment.event}{by}{detail}"
        yield f"{moment.at:%Y-%m-%d %H:%M:%S}Z {later:>7}  {mark('●', '*')} {task}{words}"
        before = moment.at


def _detail(data: Any) -> str:
    words = (
        f"{name.replace('_', ' ')} {_value(value)}" for name, value in data.items() if value not in ("", [], False)
    )
    text = ", ".join(words)
    return text if len(text) <= _LONGEST_DETAIL else f"{text[: _LONGEST_DETAIL - 1]}…"


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return " and ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
