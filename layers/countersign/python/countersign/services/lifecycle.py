"""Lifecycle events: what the bus hears of a task. Ids, kind, outcome and times; no details, comments or people."""

from typing import Any

from countersign.domain.clock import to_text
from countersign.domain.tasks import Status, Task

EVENTS = {
    Status.OPEN: "TaskOpened",
    Status.DECIDED: "TaskDecided",
    Status.APPLIED: "TaskApplied",
    Status.EXPIRED: "TaskExpired",
    Status.CANCELLED: "TaskCancelled",
}


def event_of(before: Task | None, after: Task) -> dict[str, Any] | None:
    """Return the event that tells of a task's new status, or None when the status is the same as before."""
    if before is not None and before.status is after.status:
        return None
    times = {
        "opened_at": after.opened_at,
        "expires_at": after.expires_at,
        "decided_at": after.decided_at,
        "closed_at": after.closed_at,
    }
    return {
        "version": 1,
        "kind": EVENTS[after.status],
        "task_id": after.task_id,
        "request_id": after.request_id,
        "workflow": after.workflow,
        "task_kind": after.kind,
        "outcome": after.outcome and after.outcome.value,
        **{name: to_text(moment) for name, moment in times.items() if moment},
    }
