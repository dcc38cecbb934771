"""A held payment on the embedded cloud: another amount comes than was asked for, and a click settles it."""

from dataclasses import dataclass

import pytest

from countersign.domain.answers import Sender
from countersign.domain.clock import SystemClock
from countersign.domain.provider_events import EventStatus, Handling, ProviderEvent
from countersign.services.provider_events import ProviderEvents
from local.client import open_page, press
from operate.embedded.cloud import Cloud
from tests.e2e.payment_scene import PaymentScene
from tests.e2e.scene import until

OPERATOR = "finance@countersign.example"


@dataclass
class HeldPayment(PaymentScene):
    """One payment of 250.00 EUR, a provider that tells of it, and an operator."""

    provider: str = "stripe"

    @property
    def external_id(self) -> str:
        return self.payment.external_id

    def hear(self, amount: str) -> Handling:
        """Put on record that the provider tells of this amount, as its webhook does."""
        event = ProviderEvent(
            f"evt-{self.request_id}-{amount}", self.external_id, EventStatus.PAID, amount, "EUR", SystemClock().now()
        )
        sender = Sender("stripe", "webhook signature")
        return ProviderEvents(self.ledger, SystemClock()).receive(event, f"digest of {amount}", sender)

    def settle(self, decision: str) -> str:
        """Answer as the operator who was mailed, and return the id of the request that asked them."""
        mail = self.mail(OPERATOR, about=self.external_id)
        page = open_page(mail.review_link or "")
        assert "25.00 EUR received, 250.00 EUR expected" in page.answer.text
        assert press(page, decision).answer.status == 200
        (settled,) = until(self.held_payments, "the end of the settlement")
        return settled

    def held_payments(self) -> list[str]:
        """Return the requests that asked operators about this payment and have ended."""
        entries = [item for key, item in self.items().items() if key.startswith(f"AUDIT#{self.task_id}/")]
        approvals = [entry["data"]["M"]["approval"]["S"] for entry in entries if "approval" in entry["data"]["M"]]
        return [approval.partition(".")[0] for approval in approvals]

    def await_ring(self, task_id: str) -> None:
        """Wait until it is on record that a task's workflow was rung."""
        until(
            lambda: any(document["event"] == "rung" for document in self.ledger.audit_documents(task_id)),
            "the record of the ring",
        )


@pytest.fixture
def scene(cloud: Cloud) -> HeldPayment:
    return HeldPayment(cloud)


def test_an_operator_accepts_another_amount_and_the_payment_is_paid_with_it(scene: HeldPayment) -> None:
    scene.open(amount="250.00")
    assert scene.hear("25.00") is Handling.HELD
    settlement = scene.settle("approve")
    result = scene.ended()["result"]
    assert (result["status"], result["amount"], result["currency"]) == ("paid", "25.00", "EUR")
    settled = PaymentScene(scene.cloud, settlement).result()
    assert (settled["status"], settled["effect"], settled["decided_by"]) == ("accepted", "paid", [OPERATOR])
    for task_id in (scene.task_id, f"{settlement}.approval"):
        scene.await_ring(task_id)
        assert scene.ledger.audit_breaks(task_id) == []
