"""The hand-off envelope: one JSON document for every channel, checked against its schema on both sides."""

from typing import Any

from countersign import contracts
from countersign.domain.clock import to_text
from countersign.domain.tasks import Task

VERSION = 1


def requested(task: Task) -> dict[str, Any]:
    """Return the envelope of a task's first hand-off."""
    return _envelope(task, f"{task.kind}.requested", task.audience)


def reminder(task: Task) -> dict[str, Any]:
    """Return the envelope that reminds those who have not voted."""
    return _envelope(task, f"{task.kind}.reminder", tuple(who for who in task.voters if who not in task.votes))


def escalated(task: Task, newcomers: tuple[str, ...]) -> dict[str, Any]:
    """Return the envelope for those who are asked from now on too."""
    return _envelope(task, f"{task.kind}.escalated", newcomers)


def read(document: Any) -> dict[str, Any]:
    """Return a received envelope once it is known to keep the contract.

    Raises:
        ContractError: It does not; the error has the JSON pointer.
    """
    envelope: dict[str, Any] = contracts.check("envelope", document)
    return envelope


def _envelope(task: Task, kind: str, recipients: tuple[str, ...]) -> dict[str, Any]:
    return read(
        {
            "version": VERSION,
            "kind": kind,
            "task_id": task.task_id,
            "request_id": task.request_id,
            "workflow": task.workflow,
            "expires_at": to_text(task.expires_at),
            "attempt": task.hand_off,
            "task": {
                "title": task.title,
                "details": [{"label": label, "value": value} for label, value in task.details],
                "requester": task.requester,
                "recipients": list(recipients),
            },
        }
    )
