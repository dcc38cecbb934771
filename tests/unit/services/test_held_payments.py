"""Held payments: the report of a held event, and its resolution."""

from typing import Any

import pytest

from countersign.contracts import envelope, validation
from countersign.domain.answers import document_of
from countersign.domain.errors import UnknownTaskError
from countersign.domain.held_payments import NO_EFFECT, Resolution, Verdict
from countersign.domain.provider_events import EventStatus, Handling, ProviderEvent
from countersign.services.held_payments import HeldPayments, request_of
from countersign.services.provider_events import ProviderEvents
from countersign.testing.builders import NOW
from countersign.testing.fakes import FixedClock, MemoryLedger
from tests.held import APPROVAL, EVENT, OPENED, OPERATOR, PAYMENT, PROVIDER, any_event, any_held, any_payment
from tests.unit.services.races import meanwhile

ACCEPTED = Resolution(Verdict.ACCEPTED, (OPERATOR,), APPROVAL)


class Bench:
    """An open payment and the use case that resolves held events."""

    def __init__(self, **changes: Any) -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW)
        self.ledger.open(any_payment(**changes), (OPENED,), NOW)
        self.held_payments = HeldPayments(self.ledger, self.clock, "held-payment")

    def receive(self, event: ProviderEvent) -> Handling:
        return ProviderEvents(self.ledger, self.clock).receive(event, f"digest of {event.event_id}", PROVIDER)

    def audited(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.audit(PAYMENT)]


def announced(event_id: str = EVENT, task_id: str = PAYMENT) -> dict[str, Any]:
    return envelope.held(any_payment(task_id=task_id), any_event(event_id=event_id), "amount")


def test_the_request_names_only_the_task_and_the_event() -> None:
    request = request_of(announced())
    assert (request["workflow"], request["input"]) == ("held-payment", {"task_id": PAYMENT, "event_id": EVENT})
    validation.check("request", request)
    validation.check("held-payment.input", request["input"])


def test_each_held_event_has_its_own_request_id() -> None:
    ids = {request_of(each)["request_id"] for each in (announced(), announced(), announced("evt_2"))}
    ids.add(request_of(announced(task_id="order-8.payment"))["request_id"])
    assert len(ids) == 3
    assert all(request_id.startswith("held-") and len(request_id) == 45 for request_id in ids)


def test_the_report_of_a_held_event_comes_from_the_ledger() -> None:
    bench = Bench()
    assert (bench.receive(any_event()), bench.held_payments.held(PAYMENT, EVENT)) == (Handling.HELD, any_held())


def test_the_report_shows_an_event_without_further_effect() -> None:
    bench = Bench()
    bench.receive(any_event(event_id="evt_0", amount="250.00"))
    bench.receive(any_event(status=EventStatus.FAILED, amount="250.00"))
    assert bench.held_payments.held(PAYMENT, EVENT) == any_held(
        received={"status": "failed", "amount": "250.00", "currency": "EUR"},
        reason="contradiction",
        standing="paid",
        becomes=None,
    )


def test_an_event_that_is_not_held_has_no_report_and_no_resolution() -> None:
    bench = Bench()
    bench.receive(any_event(amount="250.00"))
    for task_id, event_id in ((PAYMENT, EVENT), (PAYMENT, "evt_2"), ("order-8.payment", EVENT)):
        assert bench.held_payments.held(task_id, event_id) is None
        with pytest.raises(UnknownTaskError):
            bench.held_payments.carry_out(task_id, event_id, ACCEPTED)
    assert bench.audited() == ["opened", "responded", "decided"]


def test_an_expired_resolution_can_be_followed_by_another() -> None:
    bench = Bench()
    bench.receive(any_event())
    assert bench.held_payments.carry_out(PAYMENT, EVENT, Resolution(Verdict.EXPIRED, (), APPROVAL)) == NO_EFFECT
    again = Resolution(Verdict.ACCEPTED, (OPERATOR,), "held-2.approval")
    assert bench.held_payments.carry_out(PAYMENT, EVENT, again) == "paid"
    assert bench.audited() == ["opened", "held", "lapsed", "settled", "decided"]


def test_a_repeated_resolution_returns_the_same_effect_and_changes_nothing() -> None:
    bench = Bench()
    bench.receive(any_event())
    assert [bench.held_payments.carry_out(PAYMENT, EVENT, ACCEPTED) for _ in range(2)] == ["paid", "paid"]
    assert bench.audited() == ["opened", "held", "settled", "decided"]


@pytest.mark.parametrize(
    ("accepted", "then", "handling"),
    [
        ({"amount": "25.00"}, {}, Handling.HELD),
        ({"amount": "250.00", "currency": "USD"}, {}, Handling.HELD),
        ({"amount": None, "currency": None}, {}, Handling.RECORDED),
        ({"amount": "25.00"}, {"status": EventStatus.PENDING}, Handling.RECORDED),
    ],
)
def test_the_expected_payment_after_an_accepted_different_one_is_held(
    accepted: dict[str, Any], then: dict[str, Any], handling: Handling
) -> None:
    bench = Bench()
    bench.receive(any_event(**accepted))
    assert bench.held_payments.carry_out(PAYMENT, EVENT, ACCEPTED) == "paid"
    settled = bench.ledger.standing[PAYMENT].answer
    assert bench.receive(any_event(event_id="evt_2", amount="250.00", **then)) is handling
    report = bench.held_payments.held(PAYMENT, "evt_2")
    assert (report and (report["reason"], report["becomes"])) == (
        ("contradiction", None) if handling is Handling.HELD else None
    )
    announced_ids = [each["task"]["event_id"] for each in bench.ledger.outbox.values()]
    assert ("evt_2" in announced_ids) is (handling is Handling.HELD), "a held event is announced"
    assert bench.ledger.standing[PAYMENT].answer == settled


def test_the_expected_event_between_reading_and_writing_wins() -> None:
    bench = Bench()
    bench.receive(any_event())

    meanwhile(bench.ledger, lambda: bench.receive(any_event(event_id="evt_2", amount="250.00")))
    assert bench.held_payments.carry_out(PAYMENT, EVENT, ACCEPTED) == NO_EFFECT
    assert document_of(bench.ledger.standing[PAYMENT])["amount"] == "250.00"
