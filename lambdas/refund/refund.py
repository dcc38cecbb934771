"""A refund: the question for the approvers, the question for the worker, and the workflow's result."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from countersign.workflows import Approval, ExternalTask

ANSWER_CONTRACT = "refund.answer"


def approval_of(document: Mapping[str, Any], payment: Mapping[str, Any]) -> Approval:
    """Return the question for the approvers. They have half of the time; the worker and the provider have the rest.

    Args:
        document: An input that keeps the contract `refund.input`, with `deadline_seconds`.
        payment: The facts of the payment, as `Refunds.payment` returns them.
    """
    rows = (
        ("Order", document["order_id"]),
        ("Payment", f"{payment['external_id']} ({payment['provider']})"),
        ("Paid", _money(payment, "paid")),
        ("Refunded so far", _money(payment, "refunded")),
        ("Other refunds in progress", _money(payment, "reserved")),
        ("Disputed by the payer", _money(payment, "paid") if payment["disputed"] else ""),
        ("Reason", document["reason"]),
    )
    half = max(1, document["deadline_seconds"] // 2)
    return Approval.from_input(
        {"approvers": (), **document, "deadline_seconds": half},
        title=f"Refund of order {document['order_id']}",
        details=tuple((label, value) for label, value in rows if value),
    )


def _money(payment: Mapping[str, Any], name: str) -> str:
    """Return an amount of a payment with its currency; empty if it is zero."""
    return f"{payment[name]} {payment['currency']}" if Decimal(payment[name]) else ""


@dataclass(frozen=True)
class Refund:
    """What is refunded.

    Attributes:
        order_id: The order.
        reason: Why, in the requester's words.
        amount: The approved amount, in units of the currency.
        currency: ISO 4217 code.
        deadline_seconds: How long the whole request may take.
    """

    order_id: str
    reason: str
    amount: Decimal
    currency: str
    deadline_seconds: int

    @classmethod
    def of(cls, document: Mapping[str, Any], amount: Decimal, currency: str) -> "Refund":
        """Return the refund of an amount for the reason of an input."""
        return cls(document["order_id"], document["reason"], amount, currency, document["deadline_seconds"])

    def task(self, payment: Mapping[str, Any], key: str) -> ExternalTask:
        """Return the question for the worker.

        Args:
            payment: The facts of the payment.
            key: The idempotency key for the provider.
        """
        named = {name: payment[name] for name in ("provider", "external_id", "payment_id")}
        money = {"amount": f"{self.amount:f}", "currency": self.currency}
        return ExternalTask(
            kind="refund",
            payload={"order_id": self.order_id, **named, **money, "reason": self.reason, "idempotency_key": key},
            deadline_seconds=self.deadline_seconds,
            answer_contract=ANSWER_CONTRACT,
            irrevocable=True,
        )

    def result(self, status: str, reason: str = "", **answered: Any) -> dict[str, Any]:
        """Return the workflow's result.

        Args:
            status: `refunded`, `rejected`, `failed` or `expired`.
            reason: Why it is not refunded; empty for a decision of people.
            **answered: The members of the worker's answer.
        """
        why = {"reason": reason} if reason and status != "refunded" else {}
        money = {"amount": f"{self.amount:f}", "currency": self.currency}
        return {"order_id": self.order_id, "status": status, **money, **answered, **why}
