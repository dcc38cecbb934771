"""What `tasks` and `show` say of tasks: which wait, since when, for how long still; and one in full."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from countersign.domain import payments
from countersign.domain.audit import AuditEntry
from countersign.domain.clock import to_text
from countersign.domain.tasks import LIVE, Status, Task
from operate.errors import unknown_name
from operate.ledger import OperatorLedger
from operate.parsing import in_words

COLUMNS = ("task", "status", "workflow", "asked", "age", "left")


@dataclass(frozen=True)
class Filter:
    """Which tasks.

    Attributes:
        statuses: In one of these; those that are open or decided, if none is named.
        workflow: Of this workflow; of any, if empty.
        older_than: Opened longer ago than this.
        due_within: Open, and closing by itself before this has passed.
    """

    statuses: frozenset[Status] = LIVE
    workflow: str = ""
    older_than: timedelta | None = None
    due_within: timedelta | None = None

    def takes(self, task: Task, now: datetime) -> bool:
        """Tell whether a task is one of them."""
        return (
            task.status in self.statuses
            and self.workflow in ("", task.workflow)
            and (self.older_than is None or age(task, now) > self.older_than)
            and (self.due_within is None or (task.status is Status.OPEN and left(task, now) < self.due_within))
        )


def statuses(names: Collection[str]) -> frozenset[Status]:
    """Return the statuses of these names, in any case; those of tasks that wait, for none.

    Raises:
        OperateError: There is no such status.
    """
    known = {status.value: status for status in Status}
    for name in names:
        if name.upper() not in known:
            raise unknown_name("status", name, list(known))
    return frozenset(known[name.upper()] for name in names) or LIVE


def found(ledger: OperatorLedger, wanted: Filter, now: datetime) -> list[Task]:
    """Return the tasks of a filter, those that close first at the front; the index is enough for those that wait."""
    tasks = ledger.live_tasks() if wanted.statuses <= LIVE else ledger.every_task()
    return sorted(
        (task for task in tasks if wanted.takes(task, now)),
        key=lambda task: (task.status not in LIVE, task.expires_at, task.task_id),
    )


def rows(tasks: Iterable[Task], now: datetime) -> list[tuple[str, ...]]:
    """Return a row of `COLUMNS` for each task."""
    return [
        (
            task.task_id,
            task.status.value,
            task.workflow,
            asked(task),
            in_words(age(task, now)),
            time_left(task, now),
        )
        for task in tasks
    ]


def document(task: Task, now: datetime) -> dict[str, Any]:
    """Return what machines are told of a task in a list."""
    return {
        "task_id": task.task_id,
        "request_id": task.request_id,
        "workflow": task.workflow,
        "kind": task.question.kind,
        "status": task.status.value,
        "asked": list(task.audience),
        "opened_at": task.opened_at and to_text(task.opened_at),
        "expires_at": to_text(task.expires_at),
        "age_seconds": int(age(task, now).total_seconds()),
        "left_seconds": int(left(task, now).total_seconds()) if task.status is Status.OPEN else None,
    }


def asked(task: Task) -> str:
    """Return who is asked: a person and how many more, or the machine's kind of task."""
    if not task.audience:
        return task.question.kind
    first, *others = task.audience
    return f"{first} +{len(others)}" if others else first


def age(task: Task, now: datetime) -> timedelta:
    """Return how long ago a task was opened."""
    return now - (task.opened_at or now)


def left(task: Task, now: datetime) -> timedelta:
    """Return how long until a task closes by itself; less than nothing when its workflow should have closed it."""
    return task.expires_at - now


def time_left(task: Task, now: datetime) -> str:
    """Return in words what a task still waits for."""
    if task.status is Status.OPEN:
        return in_words(left(task, now)) if task.expires_at > now else f"{in_words(now - task.expires_at)} late"
    if task.status is Status.DECIDED and task.decided_at:
        return f"decided {in_words(now - task.decided_at)} ago"
    return "-"


def facts(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a task, as name and value; callback ids and tokens are never shown."""
    yield "status", f"{task.status.value}{' (superseded)' if task.superseded else ''}"
    yield "workflow", task.workflow
    yield "request", task.request_id
    yield from task.question.details
    if task.question.requester:
        yield "requester", task.question.requester
    yield "asked", ", ".join(task.audience) or f"a machine, by {task.question.kind}.requested"
    if task.audience:
        yield "rule", ", ".join(f"{name} {value}" for name, value in task.question.rule.to_document().items())
    if task.opened_at:
        yield "opened", _when(task.opened_at, now)
    yield "deadline", _when(task.expires_at, now)
    if task.question.correlation:
        yield "known outside as", f"{task.question.correlation.external_id} at {task.question.correlation.provider}"
    for name, taken_back in payments.reversals(task).items():
        yield name, taken_back if isinstance(taken_back, str) else "yes"
    yield from _outcome(task, now)


def document_in_full(task: Task, entries: list[AuditEntry], breaks: list[str], now: datetime) -> dict[str, Any]:
    """Return a task and its audit as machines read it: without callback ids and tokens."""
    return document(task, now) | {
        "title": task.question.title,
        "details": [{"label": label, "value": value} for label, value in task.question.details],
        "requester": task.question.requester,
        "rule": task.question.rule.to_document() if task.audience else None,
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
