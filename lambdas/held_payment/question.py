"""A held payment: the question for the operators, their resolution, and the workflow's result."""

from collections.abc import Mapping
from typing import Any

from countersign.domain.clock import from_text
from countersign.domain.held_payments import Resolution, Verdict
from countersign.presentation.display import moment
from countersign.workflows.approval import Approval, ApprovalResult, Approved
from countersign.workflows.ask import Expired

APPROVAL = "approval"
"""Name of the wait."""

REQUESTER = "Countersign"
"""The requester on page and e-mail: no person asks."""

_REASONS = {
    "amount": "The amount or the currency is not the expected one.",
    "unknown_status": "Countersign does not know the provider's status. It may be a refund or a dispute.",
    "contradiction": "It contradicts the result of the payment, or its amount.",
    "closed": "Money came after the payment was closed. Unless rejected, it pays the next request for this payment.",
    "paid_twice": "It is another payment of an order that is already paid.",
    "refunded": "The provider reported a refund of this payment before.",
    "disputed": "The provider reported a dispute of this payment before.",
}
_STATUSES = {"unknown": "not known to Countersign"}
_MOVED = {"paid": "received", "refunded": "refunded"}


def approval_of(held: Mapping[str, Any], operators: tuple[str, ...], deadline_seconds: int) -> Approval:
    """Return the question for the operators.

    Args:
        held: The report of `HeldPayments.held`.
        operators: Addresses of the operators; the first to answer decides.
        deadline_seconds: How long they have, in seconds from the start of the request.
    """
    expected = _money(held["expected"])
    title = f"Payment {held['external_id']}: {_said(held['received'])}"
    rows = (
        ("Provider", held["provider"]),
        ("Payment", held["external_id"]),
        ("Order", held["order_id"]),
        ("Request", held["request_id"]),
        ("Expected", expected),
        ("Received", _money(held["received"]) or "no amount"),
        ("Refunded so far", held.get("refunded", "")),
        ("Disputed", "yes" if held.get("disputed") else ""),
        ("Status", _STATUSES.get(held["received"]["status"], held["received"]["status"])),
        ("Why it is held", _REASONS[held["reason"]]),
        ("Until now", _until_now(held)),
        *_consequences(held),
    )
    return Approval(
        title=f"{title}, {expected} expected" if expected else title,
        acknowledge=_informs(held),
        details=tuple((label, value) for label, value in rows if value),
        requester=REQUESTER,
        approvers=operators,
        deadline_seconds=deadline_seconds,
        amount=_money(held["received"]),
    )


def resolution_of(decision: ApprovalResult, task_id: str) -> Resolution:
    """Return the operators' resolution of the held event.

    Args:
        decision: The result of the approval.
        task_id: The task by which they were asked.
    """
    if isinstance(decision, Expired):
        return Resolution(Verdict.EXPIRED, (), task_id)
    verdict = Verdict.ACCEPTED if isinstance(decision, Approved) else Verdict.DISMISSED
    return Resolution(verdict, decision.by, task_id)


def result_of(task_id: str, event_id: str, resolution: Resolution, effect: str) -> dict[str, Any]:
    """Return the workflow's result.

    Args:
        task_id: The task of the payment.
        event_id: The provider's id of the held event.
        resolution: The operators' resolution.
        effect: The effect on the payment: `paid`, `failed` or `expired`, `none` if it stays as it is, or
            `moved to TASK` if the payment of another request had taken the event over.
    """
    return {
        "task_id": task_id,
        "event_id": event_id,
        "status": resolution.verdict.value,
        "effect": effect,
        "decided_by": list(resolution.by),
    }


def _money(said: Mapping[str, Any]) -> str:
    return "" if said["amount"] is None else f"{said['amount']} {said['currency']}"


def _said(received: Mapping[str, Any]) -> str:
    if received["status"] == "unknown":
        return "unknown status"
    moved = _MOVED.get(received["status"])
    return f"{_money(received)} {moved}" if moved and _money(received) else received["status"]


def _until_now(held: Mapping[str, Any]) -> str:
    if held["standing"] != "pending":
        moved = f" The event has moved to {held['moved_to']}, which acts on it." if "moved_to" in held else ""
        return f"The payment is {held['standing']}.{moved}"
    return f"The payment waits until {moment(from_text(held['expires_at']))}."


def _stays(held: Mapping[str, Any]) -> str:
    return "The wait continues." if held["standing"] == "pending" else f"The payment stays {held['standing']}."


def _consequences(held: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    recorded = f"The event is only recorded. {_stays(held)}"
    if _informs(held):
        return (("What happens", recorded),)
    return (("If you approve", _if_approved(held)), ("If you reject", recorded))


def _informs(held: Mapping[str, Any]) -> bool:
    """Tell whether the answer changes nothing. Of an unpaid payment, a rejected event pays no later request."""
    return held["becomes"] is None and held["standing"] == "paid"


def _if_approved(held: Mapping[str, Any]) -> str:
    if held["becomes"] is None:
        return f"The event is only recorded. {_stays(held)}"
    money = _money(held["received"])
    received = f" with {money}" if held["becomes"] == "paid" and money else ""
    return f"The payment ends as {held['becomes']}{received}, unless it has ended differently by then."
