"""Settlements: what operators are told of a held event, and what they say, done once."""

from typing import Any

import pytest

from countersign.contracts import envelope, validation
from countersign.domain import payments
from countersign.domain.answers import document_of
from countersign.domain.errors import UnknownTaskError
from countersign.domain.payments import Handling, Ruling, Verdict
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.domain.tasks import Status
from countersign.services.held_payments import Settlements, request_of
from countersign.services.provider_events import ProviderEvents
from tests.builders import NOW
from tests.fakes import FixedClock, MemoryLedger
from tests.held import (
    APPROVAL,
    EVENT,
    OPENED,
    OPERATOR,
    PAYMENT,
    PROVIDER,
    any_event,
    any_held,
    any_payment,
)

ACCEPTED = Ruling(Verdict.ACCEPTED, (OPERATOR,), APPROVAL)


class Desk:
    """A payment that is open, and somebody who settles."""

    def __init__(self, **changes: Any) -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW)
        self.ledger.open(any_payment(**changes), (OPENED,), NOW)
        self.settlements = Settlements(self.ledger, self.clock, "held-payment")

    def receive(self, event: ProviderEvent) -> Handling:
        return ProviderEvents(self.ledger, self.clock).receive(event, f"digest of {event.event_id}", PROVIDER)

    def audited(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.audit(PAYMENT)]


def announced(event_id: str = EVENT, task_id: str = PAYMENT) -> dict[str, Any]:
    return envelope.held(any_payment(task_id=task_id), any_event(event_id=event_id), "amount")


def test_the_request_names_the_task_and_the_event_and_nothing_else() -> None:
    request = request_of(announced())
    assert (request["workflow"], request["input"]) == ("held-payment", {"task_id": PAYMENT, "event_id": EVENT})
    validation.check("request", request)
    validation.check("held-payment.input", request["input"])


def test_the_same_event_makes_the_same_request_and_another_one_another() -> None:
    ids = {request_of(each)["request_id"] for each in (announced(), announced(), announced("evt_2"))}
    ids.add(request_of(announced(task_id="order-8.payment"))["request_id"])
    assert len(ids) == 3
    assert all(request_id.startswith("held-") and len(request_id) == 45 for request_id in ids)


def test_operators_are_told_what_the_ledger_has_as_held() -> None:
    desk = Desk()
    assert desk.receive(any_event()) is Handling.HELD
    assert desk.settlements.held(PAYMENT, EVENT) == any_held()


def test_operators_are_told_of_an_event_that_changes_nothing_any_more() -> None:
    desk = Desk()
    desk.receive(any_event(event_id="evt_0", amount="250.00"))
    desk.receive(any_event(status=EventStatus.FAILED, amount="250.00"))
    assert desk.settlements.held(PAYMENT, EVENT) == any_held(
        received={"status": "failed", "amount": "250.00", "currency": "EUR"},
        reason="contradiction",
        standing="paid",
        becomes=None,
    )


def test_nothing_is_said_of_what_is_not_held() -> None:
    desk = Desk()
    assert desk.settlements.held(PAYMENT, EVENT) is None
    desk.receive(any_event(amount="250.00"))
    assert desk.settlements.held(PAYMENT, EVENT) is None
    assert desk.settlements.held("order-8.payment", EVENT) is None


def test_an_accepted_event_decides_the_payment() -> None:
    desk = Desk()
    desk.receive(any_event())
    assert desk.settlements.carry_out(PAYMENT, EVENT, ACCEPTED) == "paid"
    task = desk.ledger.standing[PAYMENT]
    assert (task.status, document_of(task)["amount"]) == (Status.DECIDED, "25.00")
    assert desk.audited() == ["opened", "held", "settled", "decided"]


def test_what_nobody_answered_can_be_asked_again() -> None:
    desk = Desk()
    desk.receive(any_event())
    assert desk.settlements.carry_out(PAYMENT, EVENT, Ruling(Verdict.EXPIRED, (), APPROVAL)) == payments.NO_EFFECT
    again = Ruling(Verdict.ACCEPTED, (OPERATOR,), "held-2.approval")
    assert desk.settlements.carry_out(PAYMENT, EVENT, again) == "paid"
    assert desk.audited() == ["opened", "held", "lapsed", "settled", "decided"]


def test_the_right_event_that_comes_first_wins_and_the_ruling_is_put_on_record() -> None:
    desk = Desk()
    desk.receive(any_event())
    desk.receive(any_event(event_id="evt_2", amount="250.00"))
    assert desk.settlements.carry_out(PAYMENT, EVENT, ACCEPTED) == payments.NO_EFFECT
    task = desk.ledger.standing[PAYMENT]
    assert (document_of(task)["amount"], task.decided_by) == ("250.00", ("stripe",))
    assert desk.audited()[-1] == "settled"


@pytest.mark.parametrize(
    ("accepted", "then", "handling"),
    [
        ({"amount": "25.00"}, {}, Handling.HELD),
        ({"amount": "250.00", "currency": "USD"}, {}, Handling.HELD),
        ({"amount": None, "currency": None}, {}, Handling.RECORDED),
        ({"amount": "25.00"}, {"status": EventStatus.PENDING}, Handling.RECORDED),
    ],
)
def test_the_expected_money_that_comes_after_other_money_was_accepted_is_for_a_person_too(
    accepted: dict[str, Any], then: dict[str, Any], handling: Handling
) -> None:
    desk = Desk()
    desk.receive(any_event(**accepted))
    assert desk.settlements.carry_out(PAYMENT, EVENT, ACCEPTED) == "paid"
    settled = desk.ledger.standing[PAYMENT].answer
    assert desk.receive(any_event(event_id="evt_2", amount="250.00", **then)) is handling
    report = desk.settlements.held(PAYMENT, "evt_2")
    assert (report and (report["reason"], report["becomes"])) == (
        ("contradiction", None) if handling is Handling.HELD else None
    )
    announced_ids = [each["task"]["event_id"] for each in desk.ledger.outbox.values()]
    assert ("evt_2" in announced_ids) is (handling is Handling.HELD), "whoever is asked, and the alarm, hear of it"
    assert desk.ledger.standing[PAYMENT].answer == settled


def test_the_money_that_settled_it_may_be_told_again() -> None:
    desk = Desk()
    desk.receive(any_event(amount="250.00"))
    assert desk.receive(any_event(event_id="evt_2", amount="250.0")) is Handling.RECORDED


def test_the_right_event_that_comes_between_reading_and_writing_wins_too() -> None:
    desk = Desk()
    desk.receive(any_event())

    def come(_: str) -> None:
        desk.ledger.before_write = lambda _: None
        desk.receive(any_event(event_id="evt_2", amount="250.00"))

    desk.ledger.before_write = come
    assert desk.settlements.carry_out(PAYMENT, EVENT, ACCEPTED) == payments.NO_EFFECT
    assert document_of(desk.ledger.standing[PAYMENT])["amount"] == "250.00"


def test_a_ruling_on_what_is_not_held_changes_nothing() -> None:
    desk = Desk()
    with pytest.raises(UnknownTaskError):
        desk.settlements.carry_out(PAYMENT, EVENT, ACCEPTED)
    with pytest.raises(UnknownTaskError):
        desk.settlements.carry_out("order-8.payment", EVENT, ACCEPTED)
    assert desk.audited() == ["opened"]
