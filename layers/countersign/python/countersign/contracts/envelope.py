"""The hand-off envelope: one JSON document for every channel, checked against its schema on both sides."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from countersign.contracts import validation
from countersign.domain.clock import to_text
from countersign.domain.tasks import Task
from countersign.domain.votes import silent

if TYPE_CHECKING:
    from countersign.domain.provider_events import ProviderEvent

VERSION = 1


class Callback(TypedDict):
    """How a machine answers.

    Attributes:
        url: The URL below which it posts its answer.
        token: The bearer token, which is stored nowhere.
        heartbeat_seconds: Longest silence before the machine is lost; absent if it sends no heartbeats.
    """

    url: str
    token: str
    heartbeat_seconds: NotRequired[int]


def requested(task: Task, recipients: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return the envelope of a first hand-off to people: the whole audience, or these recipients."""
    return _envelope(task, "requested", task.audience if recipients is None else recipients)


def requested_of_machine(task: Task, kind: str, callback: Callback) -> dict[str, Any]:
    """Return the envelope of a hand-off to a machine, which answers with the token; never archive this envelope."""
    return _checked(task, f"{kind}.requested", json.loads(task.question.payload), callback)


def reminder(task: Task, newcomers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the envelope that reminds the recipients without a vote, except newcomers, who were asked just now."""
    return _envelope(task, "reminder", tuple(person for person in silent(task) if person not in newcomers))


def escalated(task: Task, newcomers: tuple[str, ...]) -> dict[str, Any]:
    """Return the envelope for the people whom an escalation adds."""
    return _envelope(task, "escalated", newcomers)


def acted(task: Task, kind: str, recipients: tuple[str, ...], attempt: int) -> dict[str, Any]:
    """Return the envelope that tells approvers of an act of the requester: `answered` or `revised`."""
    return {**_envelope(task, kind, recipients), "attempt": attempt}


def inbox(task: Task, recipient: str) -> dict[str, Any]:
    """Return the envelope that requests an inbox link for a recipient from the page of a task."""
    return _envelope(task, "inbox", (recipient,))


def held(task: Task, event: "ProviderEvent", reason: str) -> dict[str, Any]:
    """Return the envelope that announces a held event to the operators."""
    assert task.question.correlation, "a held event belongs to a correlated task"
    amount = task.question.correlation.amount
    expected = {"amount": None if amount is None else f"{amount:f}", "currency": task.question.correlation.currency}
    received = {"status": event.status.value, "amount": event.amount, "currency": event.currency}
    details = {
        "provider": task.question.correlation.provider,
        "external_id": task.question.correlation.external_id,
        "event_id": event.event_id,
        "reason": reason,
        "expected": expected,
        "received": received,
    }
    return _checked(task, f"{task.question.kind}.held", details)


def read(document: Any) -> dict[str, Any]:
    """Return a received envelope after checking its contract.

    Raises:
        ContractError: It breaks the contract; the error has the JSON pointer.
    """
    envelope: dict[str, Any] = validation.check("envelope", document)
    return envelope


def _envelope(task: Task, kind: str, recipients: tuple[str, ...]) -> dict[str, Any]:
    return _checked(task, f"{task.question.kind}.{kind}", task.question.to_envelope(recipients))


def _checked(task: Task, kind: str, content: Mapping[str, Any], callback: Callback | None = None) -> dict[str, Any]:
    return read(
        {
            "version": VERSION,
            "kind": kind,
            "task_id": task.task_id,
            "request_id": task.request_id,
            "workflow": task.workflow,
            "expires_at": to_text(task.expires_at),
            "attempt": task.hand_off,
            "task": content,
        }
        | ({"callback": callback} if callback else {})
    )
