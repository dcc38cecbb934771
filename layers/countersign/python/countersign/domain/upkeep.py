"""Upkeep of tasks: when a task is due, and the records of rings, sweeps and messages that were processed again."""

from datetime import datetime

from countersign.domain.audit import AuditEvent
from countersign.domain.clock import from_text
from countersign.domain.tasks import WITHDRAWN_BY_PEOPLE, Change, Ring, RingState, Status, Task


def due_at(task: Task, now: datetime | None = None) -> datetime | None:
    """Return the time from which a task waits for a part of the kit; None if it does not wait.

    An open task waits for its first hand-off from its opening, and for its workflow from its deadline. A decided task
    waits from its decision, unless its request has ended without applying it. A task that an operator or
    the requester withdrew waits from the withdrawal until its callback is rung. A payment with money that is reserved
    for a refund waits from the end of the refund's request.

    Args:
        task: The task.
        now: The current time; None if the deadline has not passed.
    """
    if task.status is Status.OPEN:
        return task.opened_at if task.is_unsent and not (now and task.expired_by(now)) else task.expires_at
    if task.status is Status.DECIDED:
        return None if task.closed_at else task.decided_at
    if task.reserved:
        return min(from_text(each["until"]) for each in task.reserved.values())
    return task.closed_at if task.closed_because in WITHDRAWN_BY_PEOPLE and not _is_rung(task) else None


def swept_at(task: Task, now: datetime) -> datetime | None:
    """Return when the sweeper repaired the task for its current due time; None if it has not yet."""
    due = due_at(task, now)
    return task.swept_at if task.swept_at and due and task.swept_at >= due else None


def look_at(task: Task) -> datetime | None:
    """Return when the sweeper examines a task: at its due time, or from the time of a later repair."""
    due = due_at(task)
    return max(due, task.swept_at) if due and task.swept_at else due


def left_unapplied(task: Task, now: datetime) -> Change | None:
    """Return the record that a request has ended without applying its decision; None if it was applied or recorded."""
    if task.status is not Status.DECIDED or task.closed_at:
        return None
    return Change(task, None, {"closed_at": now}, (AuditEvent("left_unapplied", "sweeper"),), now)


def sweep(task: Task, now: datetime) -> Change:
    """Return the record that the sweeper rings for an overdue task, once for each due time."""
    event = AuditEvent("swept", "sweeper", data={"status": task.status.value})
    return Change(task, None, {"swept_at": now}, (event,), now)


def rung(
    task: Task, ring: Ring, actor: str = "relay", identified_by: str = "kit", *, callback_id: str | None = None
) -> Change | None:
    """Return the record of a ring; None if an earlier ring was delivered, which is never downgraded.

    The audit has every ring of an operator, `identified_by` IAM. A ring while the task takes answers, or of an earlier
    callback, is in the audit only: it must not stand for the ring of the decision.

    Args:
        task: The task.
        ring: The ring.
        actor: Who rang.
        identified_by: How the actor was identified.
        callback_id: The callback; None for the task's own.
    """
    is_final = task.ring is not None and task.ring.state is RingState.DELIVERED
    if is_final and identified_by == "kit":
        return None
    event = AuditEvent("rung", actor, identified_by, data={"state": ring.state, "error": ring.error})
    is_earlier = task.takes_answers(ring.at) or callback_id not in (None, task.callback_id)
    fields = {} if is_final or is_earlier else {"ring": ring}
    return Change(task, None, fields, (event,), ring.at)


def redriven(task: Task, queue: str, operator: str, now: datetime) -> Change:
    """Return the record that an operator had a message about a task processed again."""
    return Change(task, None, {}, (AuditEvent("redriven", operator, "iam", data={"queue": queue}),), now)


def replayed(task: Task, key: str, because: str, operator: str, now: datetime) -> Change:
    """Return the record that an operator had a kept event about a task handled again."""
    data = {"event": key, "because": because}
    return Change(task, None, {}, (AuditEvent("replayed", operator, "iam", data=data),), now)


def _is_rung(task: Task) -> bool:
    """Tell whether a ring has completed the task's callback, or found it closed."""
    return task.ring is not None and task.ring.state is not RingState.FAILED
