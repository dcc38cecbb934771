"""A payment on the embedded cloud, its provider, and the worker that could answer in the provider's place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.client import Envelope, take
from local.demo import sandbox
from local.demo.sandbox import Event, Sandbox
from local.demo.watch import Execution
from operate.embedded.http import Answer
from tests.e2e.scene import Scene, until

AMOUNT = "120.00"
CURRENCY = "EUR"


@dataclass
class PaymentScene(Scene):
    """One payment.

    Attributes:
        provider: Who takes it.
    """

    workflow: str = "payment"
    provider: str = sandbox.PROVIDER

    @property
    def task_id(self) -> str:
        return f"{self.request_id}.payment"

    @property
    def payment(self) -> sandbox.Payment:
        return sandbox.Payment(f"pay-{self.request_id}", AMOUNT, CURRENCY)

    def ask(self, **overrides: Any) -> Answer:
        document = {
            "order_id": self.request_id,
            "provider": self.provider,
            "external_id": self.payment.external_id,
            "amount": AMOUNT,
            "currency": CURRENCY,
            "deadline_seconds": 600,
        } | overrides
        return self.api.submit(self.workflow, self.request_id, document)

    def open(self, **overrides: Any) -> None:
        """Ask for the payment, and wait until its task is open."""
        self.submit(**overrides)
        assert self.task()["status"] == "OPEN"

    def says(self, what: str) -> Event:
        """Return an event of the provider's."""
        return Event.of(self.payment, what)

    def post(self, event: Event) -> Answer:
        """Have the provider post an event once."""
        answer = Sandbox(self.cloud, provider=self.provider).post(event, self.cloud.providers[self.provider])
        assert answer is not None
        return answer

    def envelope(self) -> Envelope:
        """Take this payment's hand-off from the queue, as a worker does, and return it."""
        (envelope,) = until(
            lambda: take(self.cloud, lambda envelope: envelope.get("request_id") == self.request_id),
            f"the hand-off of {self.request_id}",
        )
        return envelope

    def decisions(self) -> int:
        """Return how often the task was decided, by its audit."""
        return self.audit().count("decided")

    def how_it_ended(self) -> list[dict[str, Any]]:
        """Return the last events of the execution's history."""
        workflow = self.cloud.workflow("payment")
        execution = Execution.named(self.cloud.endpoint_url, workflow, self.request_id)
        return execution.events()[-4:] if execution else []

    def result(self) -> dict[str, Any]:
        """Wait for the end, and return the workflow's result."""
        report = self.ended()
        assert report["status"] == "succeeded", (report, self.how_it_ended())
        result: dict[str, Any] = report["result"]
        return result
