"""A payment by a provider: the question for the provider, and the workflow's result."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from countersign.workflows import Answered, Correlation, Expired, ExternalResult, ExternalTask, Failed, WorkerLost

ANSWER_CONTRACT = "payment.answer"
"""The contract of a worker's answer in place of a provider's webhook."""


@dataclass(frozen=True)
class Payment:
    """The workflow's input, after its contract was checked.

    Attributes:
        provider: Name of the provider in the stage's settings.
        external_id: The provider's id for the payment.
        amount: In units of the currency, exactly as in the request.
        currency: ISO 4217 code.
        lookup_id: The id by which the provider's API reads the payment, where its webhooks name it by another.
    """

    order_id: str
    provider: str
    external_id: str
    amount: str
    currency: str
    deadline_seconds: int
    lookup_id: str = ""

    @classmethod
    def from_input(cls, document: Mapping[str, Any]) -> "Payment":
        """Read the input of the contract `payment.input`."""
        return cls(**document)

    def task(self) -> ExternalTask:
        """Return the question for the provider."""
        return ExternalTask(
            kind="payment",
            payload={
                "order_id": self.order_id,
                "provider": self.provider,
                "external_id": self.external_id,
                "amount": self.amount,
                "currency": self.currency,
            },
            deadline_seconds=self.deadline_seconds,
            answer_contract=ANSWER_CONTRACT,
            correlate=Correlation(self.provider, self.external_id, Decimal(self.amount), self.currency, self.lookup_id),
        )

    def result(self, settled: ExternalResult) -> dict[str, Any]:
        """Return the workflow's result; an accepted held payment has the amount that was paid."""
        outcome: dict[str, Any] = {
            "order_id": self.order_id,
            "status": "expired",
            "provider": self.provider,
            "external_id": self.external_id,
            "amount": self.amount,
            "currency": self.currency,
        }
        match settled:
            case Answered(document=answer):
                return outcome | self._said(answer)
            case Failed(code=code):
                return outcome | {"status": "failed", "reason": code}
            case Expired(declined=reason) if reason:
                return outcome | {"reason": reason}
            case Expired() | WorkerLost():
                return outcome

    def _said(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the members of an answer that change the result; an equal amount keeps the input's spelling."""
        said = {name: answer[name] for name in ("status", "amount", "currency", "reason") if name in answer}
        if "amount" in said and Decimal(said["amount"]) == Decimal(self.amount):
            del said["amount"]
        return said
