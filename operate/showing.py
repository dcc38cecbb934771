"""`show`: one task in full, but for what opens or completes it: callback ids and tokens are never shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from countersign.domain import payments
from countersign.domain.audit import AuditEntry
from countersign.domain.clock import to_text
from countersign.domain.tasks import Task
from operate import views
from operate.durations import in_words


def facts(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a task, as name and value."""
    yield "status", f"{task.status.value}{' (superseded)' if task.superseded else ''}"
    yield "workflow", task.workflow
    yield "request", task.request_id
    yield from task.details
    if task.requester:
        yield "requester", task.requester
    yield "asked", ", ".join(task.audience) or f"a machine, by {task.kind}.requested"
    if task.audience:
        yield "rule", ", ".join(f"{name} {value}" for name, value in task.rule.to_document().items())
    if task.opened_at:
        yield "opened", _when(task.opened_at, now)
    yield "deadline", _when(task.expires_at, now)
    if task.correlation:
        yield "known outside as", f"{task.correlation.external_id} at {task.correlation.provider}"
    for name, taken_back in payments.reversals(task).items():
        yield name, taken_back if isinstance(taken_back, str) else "yes"
    yield from _outcome(task, now)


def document(task: Task, entries: list[AuditEntry], breaks: list[str], now: datetime) -> dict[str, Any]:
    """Return a task and its audit as machines read it."""
    return views.document(task, now) | {
        "title": task.title,
        "details": [{"label": label, "value": value} for label, value in task.details],
        "requester": task.requester,
        "rule": task.rule.to_document() if task.audience else None,
        "votes": {
            person: {"decision": vote.decision.value, "comment": vote.comment, "at": to_text(vote.at)}
            for person, vote in task.votes.items()
        },
        "outcome": task.outcome and task.outcome.value,
        "decided_by": list(task.decided_by),
        "decided_at": task.decided_at and to_text(task.decided_at),
        "closed_at": task.closed_at and to_text(task.closed_at),
        "closed_because": task.closed_because or None,
        **payments.reversals(task),
        "closed_comment": task.closed_comment or None,
        "refused_answers": task.refused_answers,
        "ring": task.ring and {"state": task.ring.state, "at": to_text(task.ring.at), "error": task.ring.error},
        "audit": [entry.to_document() for entry in entries],
        "audit_breaks": breaks,
    }


def _outcome(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    for person, vote in task.votes.items():
        comment = f": {vote.comment}" if vote.comment else ""
        yield "vote", f"{person} {vote.decision.value}, {_when(vote.at, now)}{comment}"
    if task.decided_at and task.outcome:
        yield "decided", f"{task.outcome.value} by {', '.join(task.decided_by)}, {_when(task.decided_at, now)}"
    if task.failure:
        yield "failure", task.failure.code
    if task.ring:
        yield (
            "rung",
            f"{task.ring.state}{f' ({task.ring.error})' if task.ring.error else ''}, {_when(task.ring.at, now)}",
        )
    if task.closed_at:
        because = "".join(f", {reason}" for reason in (task.closed_because, task.closed_comment) if reason)
        yield "closed", f"{_when(task.closed_at, now)}{because}"


def _when(moment: datetime, now: datetime) -> str:
    span = in_words(abs(moment - now))
    return f"{moment:%Y-%m-%d %H:%M:%S}Z ({f'in {span}' if moment > now else f'{span} ago'})"
