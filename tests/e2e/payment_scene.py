"""A payment on the embedded cloud, its provider and its worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.demo import sandbox
from local.demo.sandbox import Event, Sandbox
from operate.client import Envelope, take
from operate.embedded.http import Answer
from tests.e2e.scene import Scene, until

AMOUNT = "120.00"
CURRENCY = "EUR"


@dataclass
class PaymentScene(Scene):
    """One payment at the sandbox."""

    workflow: str = "payment"

    @property
    def task_id(self) -> str:
        return f"{self.request_id}.payment"

    @property
    def payment(self) -> sandbox.Payment:
        return sandbox.Payment(f"pay-{self.request_id}", AMOUNT, CURRENCY)

    def document(self, **overrides: Any) -> dict[str, Any]:
        return {
            "order_id": self.request_id,
            "provider": sandbox.PROVIDER,
            "external_id": self.payment.external_id,
            "amount": AMOUNT,
            "currency": CURRENCY,
            "deadline_seconds": 600,
        } | overrides

    def event(self, status: str) -> Event:
        """Return an event of the provider about this payment."""
        return Event.of(self.payment, status)

    def post(self, event: Event) -> Answer:
        """Post an event once, as the provider does."""
        answer = Sandbox(self.cloud).post(event, self.cloud.providers[sandbox.PROVIDER])
        assert answer is not None
        return answer

    def envelope(self) -> Envelope:
        """Take this payment's hand-off from the queue, as a worker does."""
        (envelope,) = until(
            lambda: take(self.cloud, lambda envelope: envelope.get("request_id") == self.request_id),
            f"the hand-off of {self.request_id}",
        )
        return envelope

    def decisions(self) -> int:
        """Return the number of decisions in the task's audit."""
        return self.audit().count("decided")

    def result(self) -> dict[str, Any]:
        """Wait for the end, and return the workflow's result."""
        report = self.ended()
        assert report["status"] == "succeeded", report
        result: dict[str, Any] = report["result"]
        return result
