"""The held-payment workflow on AWS's local runner: the resolution of a held event by operators."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.answers import document_of
from countersign.domain.provider_events import ProviderEvent
from countersign.domain.rules import Decision
from countersign.domain.tasks import Status, Task
from countersign.services.provider_events import ProviderEvents
from countersign.testing.bench import Bench
from countersign.testing.builders import is_unbroken
from held_payment.handler import handler
from tests.held import EVENT, OPENED, OPERATOR, PAYMENT, PROVIDER, any_event, any_payment

REQUEST = "held-1"
APPROVAL = f"{REQUEST}.approval"
RIGHT = any_event(event_id="evt_2", amount="250.00")


class Finance(Bench):
    """A waiting payment with a held event, and its operators."""

    def __init__(self) -> None:
        super().__init__(handler, "held-payment")
        self.tables["operators"] = [OPERATOR]
        now = self.clock.now()
        self.ledger.open(any_payment(expires_at=now + timedelta(hours=1), opened_at=now), (OPENED,), now)
        self.receive(any_event())

    def receive(self, event: ProviderEvent) -> None:
        ProviderEvents(self.ledger, self.clock).receive(event, f"digest of {event.event_id}", PROVIDER)

    def ask(self, deadline_seconds: int = 60, event_id: str = EVENT) -> None:
        self.start({"task_id": PAYMENT, "event_id": event_id, "deadline_seconds": deadline_seconds}, REQUEST)

    def say(self, decision: Decision) -> None:
        self.answer(decision, OPERATOR, task_id=APPROVAL)
        self.relay(APPROVAL)

    @property
    def payment(self) -> Task:
        return self.ledger.standing[PAYMENT]

    def audited(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.audit(PAYMENT)]


@pytest.fixture
def finance() -> Iterator[Finance]:
    with Finance().open() as made:
        yield made
        assert is_unbroken(made.ledger.audit(PAYMENT), made.payment.audit_head, made.payment.audit_seq)


def test_an_accepted_event_pays_the_received_amount(finance: Finance) -> None:
    finance.ask()
    finance.say(Decision.APPROVE)
    result = finance.result()
    assert (result["status"], result["effect"], result["decided_by"]) == ("accepted", "paid", [OPERATOR])
    assert (finance.payment.status, document_of(finance.payment)["amount"]) == (Status.DECIDED, "25.00")
    assert finance.audited() == ["opened", "held", "settled", "decided"]
    settled = finance.ledger.audit(PAYMENT)[2].event
    assert (settled.actor, settled.data["approval"]) == (OPERATOR, APPROVAL)


def test_a_rejected_event_leaves_the_payment_waiting(finance: Finance) -> None:
    finance.ask()
    finance.say(Decision.REJECT)
    result = finance.result()
    assert (result["status"], result["effect"], result["decided_by"]) == ("dismissed", "none", [OPERATOR])
    assert (finance.payment.status, finance.audited()[-1]) == (Status.OPEN, "dismissed")
    finance.receive(RIGHT)
    assert document_of(finance.payment)["amount"] == "250.00"


def test_the_workflow_has_six_operations_and_a_replay_repeats_none(finance: Finance) -> None:
    finance.ask()
    finance.say(Decision.APPROVE)
    finance.result()
    assert finance.operations == [
        "approval callback 1",
        "approval open 1",
        "approval read 1",
        "read held payment",
        "record result",
        "settle payment",
    ]
    assert finance.invocations <= 2
    assert (finance.hand_off.kinds, finance.audited().count("settled")) == (["approval.requested"], 1)


@pytest.mark.parametrize("document", [{"event_id": "evt_9"}, {"task_id": "order-8.payment"}])
def test_a_request_about_an_event_that_is_not_held_fails(finance: Finance, document: dict[str, Any]) -> None:
    finance.start({"task_id": PAYMENT, "event_id": EVENT, "deadline_seconds": 60} | document, REQUEST)
    assert finance.error() == "NothingHeldError"
    assert (finance.hand_off.sent, finance.audited()) == ([], ["opened", "held"])
