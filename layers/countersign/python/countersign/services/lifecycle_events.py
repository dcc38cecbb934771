"""Lifecycle events of tasks and requests for the bus: ids, kind, outcome and times; no details, comments or people.

An event after which the requester may have to be told the outcome, or approvers that their links are moot, has `tell`,
always true: it is also a message for the approver, which looks the task up.

`PaymentRefunded` and `PaymentDisputed` also have `provider`, `external_id` and `payment_id`, which is the external id
if the provider does not identify attempts. A refund has `refunded`, the total so far, and `currency`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from countersign.domain import moot, payments, telling
from countersign.domain.clock import to_text
from countersign.domain.tasks import Status, Task

if TYPE_CHECKING:
    from countersign.domain.requests import Request

EVENTS = {
    Status.OPEN: "TaskOpened",
    Status.DECIDED: "TaskDecided",
    Status.APPLIED: "TaskApplied",
    Status.EXPIRED: "TaskExpired",
    Status.CANCELLED: "TaskCancelled",
}
ENDS = tuple(EVENTS[status] for status in (Status.DECIDED, Status.EXPIRED, Status.CANCELLED))
"""The events after which nobody can answer a task."""

REFUNDED = "PaymentRefunded"
DISPUTED = "PaymentDisputed"
BOUNCED = "MailBounced"
RETURNED = "TaskReturned"
REASSIGNED = "TaskReassigned"

REQUEST_ENDED = "RequestEnded"

MAKE_MOOT = frozenset({EVENTS[Status.CANCELLED], REASSIGNED})
"""The events after which links of approvers may be moot."""


def events_of(before: Task | None, after: Task) -> Iterator[dict[str, Any]]:
    """Yield the events of one change.

    They are the new status, a return, a person who is asked in another's place by an operator or again, new bounces,
    new refunds, and new disputes of a payment.
    """
    if before is None or before.status is not after.status:
        yield _news(EVENTS[after.status], after)
    elif after.returned and len(before.exchanges) < len(after.exchanges):
        yield _news(RETURNED, after)
    elif len(before.replaced) < len(after.replaced):
        yield _event(REASSIGNED, after) | {"tell": True}
    if before is not None:
        yield from _reported(before, after)


def request_ended(request: Request) -> dict[str, Any]:
    """Return the event of a request's end."""
    times = {"created_at": request.created_at, "ended_at": request.ended_at}
    return {
        "version": 1,
        "kind": REQUEST_ENDED,
        "request_id": request.request_id,
        "workflow": request.workflow,
        "status": request.status.value,
        "error": request.error or None,
        **{name: to_text(moment) for name, moment in times.items() if moment},
    }


def _reported(before: Task, after: Task) -> Iterator[dict[str, Any]]:
    """Yield the events that change no status."""
    if before.bounced < after.bounced:
        yield _event(BOUNCED, after)
    if after.question.correlation is None:
        return
    named = {"provider": after.question.correlation.provider, "external_id": after.question.correlation.external_id}
    for payment_id, amount in after.refunds.items():
        if amount != before.refunds.get(payment_id):
            money = {"refunded": amount, "currency": payments.money_of(after)[1]}
            yield _event(REFUNDED, after) | named | {"payment_id": payment_id} | money
    for payment_id in after.disputes[len(before.disputes) :]:
        yield _event(DISPUTED, after) | named | {"payment_id": payment_id}


def _news(kind: str, after: Task) -> dict[str, Any]:
    """Return an event that may concern the requester, or approvers whose links it makes moot."""
    is_told = telling.outcome(after) or moot.is_withdrawn(after)
    return _event(kind, after) | ({"tell": True} if is_told else {})


def _event(kind: str, after: Task) -> dict[str, Any]:
    times = {
        "opened_at": after.opened_at,
        "expires_at": after.expires_at,
        "decided_at": after.decided_at,
        "closed_at": after.closed_at,
    }
    return {
        "version": 1,
        "kind": kind,
        "task_id": after.task_id,
        "request_id": after.request_id,
        "workflow": after.workflow,
        "task_kind": after.question.kind,
        "outcome": after.outcome and after.outcome.value,
        **{name: to_text(moment) for name, moment in times.items() if moment},
    }
