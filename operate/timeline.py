"""The timeline of a task, or of a request with all its tasks, as the audit tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from countersign.domain.audit import AuditEntry
from countersign.domain.clock import from_text
from operate.parsing import in_words
from operate.terminal import mark

_LONGEST_DETAIL = 160


@dataclass(frozen=True)
class Moment:
    """Something that happened to a task.

    Attributes:
        at: When, in UTC.
        task_id: To which task.
        event: What, in the audit's word.
        actor: Who did it.
        detail: What else the audit says, in words.
    """

    at: datetime
    task_id: str
    event: str
    actor: str
    detail: str

    @property
    def words(self) -> str:
        """What happened, who did it, and what else there is to say, in a line."""
        return f"{self.event} by {self.actor}" + (f": {self.detail}" if self.detail else "")


def moments(entries: Iterable[AuditEntry]) -> list[Moment]:
    """Return what audit entries tell of, the earliest first; those of one task stay in their order."""
    told = (
        Moment(from_text(entry.at), entry.task_id, entry.event.event, entry.event.actor, _detail(entry.event.data))
        for entry in entries
    )
    return sorted(told, key=lambda moment: moment.at)


def drawn(timeline: Iterable[Moment], *, with_tasks: bool) -> list[str]:
    """Return a timeline as lines of text.

    Args:
        timeline: What happened, the earliest first.
        with_tasks: Whether each line says of which task.
    """
    lines: list[str] = []
    before: datetime | None = None
    for moment in timeline:
        later = "" if before is None else f"+{in_words(moment.at - before)}"
        task = f"{moment.task_id}  " if with_tasks else ""
        lines.append(f"{moment.at:%Y-%m-%d %H:%M:%S}Z {later:>7}  {mark('●', '*')} {task}{moment.words}")
        before = moment.at
    return lines


def _detail(data: Any) -> str:
    said = (f"{name.replace('_', ' ')} {_value(value)}" for name, value in data.items() if value not in ("", [], False))
    text = ", ".join(said)
    return text if len(text) <= _LONGEST_DETAIL else f"{text[: _LONGEST_DETAIL - 1]}…"


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return " and ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
