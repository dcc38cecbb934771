"""An order that needs an approval: the question for the approvers, and the workflow's result."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from countersign.workflows import Approval, ApprovalResult, Approved, Attachment, Expired, Rule, to_text


@dataclass(frozen=True)
class Order:
    """The workflow's input, after its contract was checked.

    Attributes:
        amount: The price of the order, in units of its currency.
        currency: ISO 4217 code.
        requester: E-mail address of the person who placed the order.
        approvers: E-mail addresses of the people who may approve it.
        attachments: Documents that are stored elsewhere, such as the offer.
    """

    order_id: str
    amount: Decimal
    currency: str
    description: str
    requester: str
    approvers: tuple[str, ...]
    deadline_seconds: int
    reminders_seconds: tuple[int, ...]
    rule: Rule
    attachments: tuple[Attachment, ...] = ()

    @classmethod
    def from_input(cls, document: Mapping[str, Any]) -> "Order":
        """Read the input of the contract `order-approval.input`."""
        return cls(
            order_id=document["order_id"],
            amount=Decimal(document["amount"]),
            currency=document["currency"],
            description=document["description"],
            requester=document["requester"],
            approvers=tuple(document["approvers"]),
            deadline_seconds=document["deadline_seconds"],
            reminders_seconds=tuple(document.get("reminders_seconds", ())),
            rule=Rule.from_document(document.get("rule")),
            attachments=tuple(Attachment(each["name"], each["url"]) for each in document.get("attachments", ())),
        )

    def approval(self) -> Approval:
        """Return the question for the approvers."""
        price = f"{self.amount:f} {self.currency}"
        return Approval(
            title=f"Order {self.order_id}: {price}",
            details=(
                ("Order", self.order_id),
                ("Amount", price),
                ("Description", self.description),
            ),
            requester=self.requester,
            approvers=self.approvers,
            deadline_seconds=self.deadline_seconds,
            rule=self.rule,
            reminders_seconds=self.reminders_seconds,
            attachments=self.attachments,
            amount=price,
        )

    def result(self, decision: ApprovalResult) -> dict[str, Any]:
        """Return the workflow's result for a decision."""
        if isinstance(decision, Expired):
            return {"order_id": self.order_id, "status": "expired"} | _UNDECIDED
        return {
            "order_id": self.order_id,
            "status": "approved" if isinstance(decision, Approved) else "rejected",
            "decided_by": decision.by[0] if len(decision.by) == 1 else list(decision.by),
            "decided_at": to_text(decision.at),
            "comment": decision.comment,
            "votes": [
                {"by": vote.by, "decision": vote.decision, "comment": vote.comment, "at": to_text(vote.at)}
                for vote in decision.votes
            ],
        }


_UNDECIDED: dict[str, Any] = {"decided_by": None, "decided_at": None, "comment": None, "votes": []}
