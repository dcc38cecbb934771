"""Present tasks and requests for `tasks`, `requests` and `show`, without callback ids and tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from countersign.domain import payments
from countersign.domain.audit import AuditEntry
from countersign.domain.clock import from_text, to_text
from countersign.domain.requests import Request
from countersign.domain.tasks import Exchange, Status, Task
from operate.parsing import in_words
from operate.timeline import why

COLUMNS = ("task", "status", "workflow", "asked", "bounced", "age", "left")


REQUEST_COLUMNS = ("request", "status", "workflow", "age", "took", "why")


def request_row(request: Request, now: datetime) -> tuple[str, ...]:
    """Return the `REQUEST_COLUMNS` of a request."""
    created, ended = request.created_at or now, request.ended_at
    took = in_words(ended - created) if ended else "-"
    return request.request_id, request.reported_status, request.workflow, in_words(now - created), took, why(request)


def request_document(request: Request) -> dict[str, Any]:
    """Return a request as JSON, without its result."""
    raised = request.raised and {"class": request.raised.kind, "at": request.raised.at}
    return {
        "request_id": request.request_id,
        "workflow": request.workflow,
        "status": request.reported_status,
        "error": request.reported_error and request.reported_error | (raised or {}),
        "submitted_by": request.submitted_by,
        "created_at": request.created_at and to_text(request.created_at),
        "ended_at": request.ended_at and to_text(request.ended_at),
    }


def request_facts(request: Request, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a request in full."""
    yield "status", request.reported_status
    if reason := why(request):
        yield "why", reason
    yield "workflow", request.workflow
    yield "submitted by", request.submitted_by
    if request.created_at:
        yield "submitted", _when(request.created_at, now)
    if request.ended_at:
        yield "ended", _when(request.ended_at, now)
    yield "execution", request.execution_arn or "not started yet"
    if request.result is not None:
        yield "result", json.dumps(request.result, ensure_ascii=False)


def row(task: Task, now: datetime) -> tuple[str, ...]:
    """Return the `COLUMNS` of a task."""
    first, *others = task.audience or (task.question.kind,)
    asked = f"{first} +{len(others)}" if others else first
    age = in_words(now - (task.opened_at or now))
    return task.task_id, task.status.value, task.workflow, asked, str(task.bounced or "-"), age, _time_left(task, now)


def document(task: Task, now: datetime) -> dict[str, Any]:
    """Return a task in a list, as JSON."""
    return {
        "task_id": task.task_id,
        "request_id": task.request_id,
        "workflow": task.workflow,
        "kind": task.question.kind,
        "status": task.status.value,
        "asked": list(task.audience),
        "bounced": task.bounced,
        "opened_at": task.opened_at and to_text(task.opened_at),
        "expires_at": to_text(task.expires_at),
        "age_seconds": int((now - (task.opened_at or now)).total_seconds()),
        "left_seconds": int((task.expires_at - now).total_seconds()) if task.status is Status.OPEN else None,
    }


def document_in_full(task: Task, entries: list[AuditEntry], breaks: list[str], now: datetime) -> dict[str, Any]:
    """Return a task and its audit, as JSON."""
    return document(task, now) | {
        "title": task.question.title,
        "details": [{"label": label, "value": value} for label, value in task.question.details],
        "requester": task.question.requester,
        "agent": task.question.agent or None,
        "rule": task.question.rule.to_document() if task.audience else None,
        "round": task.round,
        "exchanges": [_exchange(each) for each in task.exchanges],
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
        **({"reserved": task.reserved} if task.reserved else {}),
        "closed_comment": task.closed_comment or None,
        "refused_answers": task.refused_answers,
        "ring": task.ring and {"state": task.ring.state, "at": to_text(task.ring.at), "error": task.ring.error},
        "audit": [entry.to_document() for entry in entries],
        "audit_breaks": breaks,
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    times = {"at": to_text(exchange.at), "answered_at": exchange.answered_at and to_text(exchange.answered_at)}
    return exchange._asdict() | times


def facts(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a task in full."""
    question = task.question
    yield "status", f"{task.status.value}{' (superseded)' if task.superseded else ''}"
    yield "workflow", task.workflow
    yield "request", task.request_id
    yield from question.details
    yield from (each for each in (("requester", question.requester), ("agent", question.agent)) if each[1])
    yield "asked", ", ".join(task.audience) or f"a machine, by {question.kind}.requested"
    if task.audience:
        yield "rule", ", ".join(f"{name} {value}" for name, value in question.rule.to_document().items())
    if task.opened_at:
        yield "opened", _when(task.opened_at, now)
    yield "deadline", _when(task.expires_at, now)
    if question.correlation:
        yield "external id", f"{question.correlation.external_id} at {question.correlation.provider}"
    yield from _money(task, now)
    yield from _rounds(task, now)
    yield from _outcome(task, now)


def _money(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    for name, value in payments.reversals(task).items():
        yield name, value if isinstance(value, str) else "yes"
    for refund, each in task.reserved.items():
        yield "reserved", f"{each['amount']} for the refund {refund}, until {_when(from_text(each['until']), now)}"


def _rounds(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    if task.round > 1:
        yield "round", str(task.round)
    if task.returned:
        yield "sent back", f"by {task.returned.by}, {_when(task.returned.at, now)}: {task.returned.comment}"


def _outcome(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    for person, vote in task.votes.items():
        comment = f": {vote.comment}" if vote.comment else ""
        yield "vote", f"{person} {vote.decision.value}, {_when(vote.at, now)}{comment}"
    if task.decided_at and task.outcome:
        yield "decided", f"{task.outcome.value} by {', '.join(task.decided_by)}, {_when(task.decided_at, now)}"
    if task.failure:
        yield "failure", task.failure.code
    if task.ring:
        error = f" ({task.ring.error})" if task.ring.error else ""
        yield "rung", f"{task.ring.state}{error}, {_when(task.ring.at, now)}"
    if task.closed_at:
        because = "".join(f", {reason}" for reason in (task.closed_because, task.closed_comment) if reason)
        yield "closed", f"{_when(task.closed_at, now)}{because}"


def _time_left(task: Task, now: datetime) -> str:
    if task.status is Status.OPEN:
        late = task.expires_at <= now
        return f"{in_words(abs(task.expires_at - now))}{' late' if late else ''}"
    if task.status is Status.DECIDED and task.decided_at:
        return f"decided {in_words(now - task.decided_at)} ago"
    return "-"


def _when(moment: datetime, now: datetime) -> str:
    span = in_words(abs(moment - now))
    return f"{moment:%Y-%m-%d %H:%M:%S}Z ({f'in {span}' if moment > now else f'{span} ago'})"
