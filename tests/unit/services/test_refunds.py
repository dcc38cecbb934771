"""Refunds on the ledger: money is reserved once, confirmed by the provider's event, and never more than was paid."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.domain import payments, refunds
from countersign.domain.answers import SIGNED, Sender
from countersign.domain.audit_verification import contradictions
from countersign.domain.provider_events import Handling
from countersign.domain.recovery import brought_back
from countersign.domain.tasks import Status, Task
from countersign.services.provider_events import ProviderEvents
from countersign.services.refunds import Refunds
from countersign.testing.builders import (
    CALLER,
    NOW,
    PAYMENT_TASK_ID,
    REQUEST_ID,
    any_event,
    any_paid_task,
    any_payment_task,
    is_unbroken,
)
from countersign.testing.fakes import FixedClock, MemoryLedger
from tests.unit.services.races import meanwhile

UNTIL = NOW + timedelta(days=1)
AMOUNTS = ("100", "150", "100.00", "50.5")


class Setup:
    """A payment of 250.00 EUR, with the workflows that refund it and its provider."""

    def __init__(self, task: Task | None = None) -> None:
        self.ledger = MemoryLedger()
        self.ledger.standing[PAYMENT_TASK_ID] = task or any_paid_task()
        self.ledger.claims[("pay", "pay_1001")] = PAYMENT_TASK_ID
        self.refunds = Refunds(self.ledger, FixedClock(NOW), "refund")
        self.events = 0

    @property
    def task(self) -> Task:
        return self.ledger.standing[PAYMENT_TASK_ID]

    @property
    def refunded(self) -> int:
        return int(payments.refunded(self.task))

    @property
    def left(self) -> int:
        return int(refunds.left(self.task))

    @property
    def audited(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.entries]

    def reserve(self, amount: str, refund: str = "refund-1", currency: str = "EUR") -> Any:
        return self.refunds.reserve(PAYMENT_TASK_ID, refund, Decimal(amount), currency, UNTIL)["refused"]

    def state(self, refund: str = "refund-1") -> Any:
        return self.refunds.look(PAYMENT_TASK_ID, refund)["state"]

    def report(self, amount: str, event_id: str = "", *, total: bool = False) -> Handling:
        """Receive the provider's event about a refund of an amount, or of all refunds so far."""
        self.events += 1
        event = any_event("refunded", event_id or f"evt_{self.events}", amount=amount, cumulative=total)
        return ProviderEvents(self.ledger, FixedClock(NOW)).receive(event, event.event_id, Sender("pay", SIGNED))


def test_the_facts_of_a_payment_are_what_was_paid_refunded_and_reserved() -> None:
    setup = Setup(any_paid_task(refunds={"pay_1001": "50.00"}, payment_id="pi_1"))
    setup.report("50.00")
    setup.reserve("20")
    found = setup.refunds.payment(REQUEST_ID, Decimal(10), "EUR")
    assert json.loads(json.dumps(found)) == {
        "refused": None,
        "task_id": PAYMENT_TASK_ID,
        "provider": "pay",
        "external_id": "pay_1001",
        "payment_id": "pi_1",
        "paid": "250.00",
        "refunded": "100.00",
        "reserved": "20",
        "currency": "EUR",
        "disputed": False,
    }


@pytest.mark.parametrize(
    ("task", "amount", "currency", "refused"),
    [
        (any_paid_task(), "250.00", "EUR", None),
        (any_paid_task(), "250.01", "EUR", "too_much"),
        (any_paid_task(), "1", "USD", "other_currency"),
        (any_paid_task(refunds={"pay_1001": "200"}), "51", "EUR", "too_much"),
        (any_paid_task(refunds={"another attempt": "200"}, payment_id="pi_1"), "250", "EUR", None),
        (any_paid_task(answer='{"amount":"20","currency":"EUR","status":"paid"}'), "21", "EUR", "too_much"),
        (any_paid_task(answer='{"status":"failed"}'), "1", "EUR", "not_paid"),
        (any_paid_task(status=Status.DECIDED), "1", "EUR", "not_paid"),
        (any_paid_task(correlation=None), "1", "EUR", "not_paid"),
        (any_payment_task(), "1", "EUR", "not_paid"),
    ],
)
def test_what_is_left_of_a_payment_is_refunded(task: Task, amount: str, currency: str, refused: str | None) -> None:
    setup = Setup(task)
    assert setup.refunds.payment(REQUEST_ID, Decimal(amount), currency)["refused"] == refused
    assert setup.refunds.payment("another-request", Decimal(amount), currency)["refused"] == "not_paid"
    if task.question.correlation:
        assert setup.reserve(amount, currency=currency) == refused


def test_money_is_reserved_once_for_a_request_and_counts_until_it_is_freed() -> None:
    setup = Setup()
    assert [setup.reserve("200"), setup.reserve("200"), setup.reserve("60", "refund-2")] == [None, None, "too_much"]
    for _ in range(2):
        assert setup.refunds.free(PAYMENT_TASK_ID, "refund-1", "declined")["state"] == "freed"
    assert setup.reserve("60", "refund-2") is None
    assert setup.reserve("200") is None, "a repetition of the first step"
    assert setup.task.reserved.keys() == {"refund-2"}
    assert setup.audited == ["refund_reserved", "refund_freed", "refund_reserved"]


def test_money_that_another_request_reserves_meanwhile_is_not_reserved_again() -> None:
    setup = Setup()
    meanwhile(setup.ledger, lambda: setup.reserve("200", "refund-2"))
    assert setup.reserve("100") == "too_much"


def test_an_event_confirms_the_reservation_of_its_amount_and_a_repetition_changes_nothing() -> None:
    setup = Setup()
    setup.reserve("100")
    setup.reserve("150", "refund-2")
    assert (setup.report("150", "evt_9"), setup.report("150", "evt_9")) == (Handling.REFUNDED, Handling.DUPLICATE)
    assert (setup.state(), setup.state("refund-2")) == ("reserved", "confirmed")
    assert (setup.refunded, setup.left) == (150, 0), "none of it counts twice"
    assert setup.audited[-2:] == ["responded", "refund_confirmed"]


@pytest.mark.parametrize("totals", [("100", "250"), ("250", "100"), ("250",)])
def test_totals_in_any_order_confirm_what_they_add_up_to(totals: tuple[str, ...]) -> None:
    setup = Setup()
    setup.reserve("100")
    setup.reserve("150", "refund-2")
    for total in totals:
        setup.report(total, total=True)
    assert (setup.state(), setup.state("refund-2")) == ("confirmed", "confirmed")


def test_a_refund_by_hand_of_another_amount_confirms_nothing_and_counts() -> None:
    setup = Setup()
    setup.reserve("100")
    setup.report("30")
    assert (setup.state(), setup.left) == ("reserved", 120)
    setup.report("100")
    assert (setup.state(), setup.left) == ("confirmed", 120)
    assert setup.refunds.free(PAYMENT_TASK_ID, "refund-1", "too late")["state"] == "confirmed"


def test_of_two_equal_refunds_the_event_confirms_the_one_that_was_carried_out() -> None:
    setup = Setup()
    setup.reserve("100")
    setup.reserve("100.00", "refund-2")
    setup.report("100")
    assert (setup.state(), setup.state("refund-2")) == ("confirmed", "reserved"), "until a worker says otherwise"
    assert setup.refunds.free(PAYMENT_TASK_ID, "refund-1", "declined")["state"] == "freed"
    assert (setup.state("refund-2"), setup.left) == ("confirmed", 150)


class Provider(Setup):
    """A provider, whose staff also refund by hand what the ledger does not know of yet.

    Attributes:
        done: The amounts that it has refunded, in order; each has an event.
        carried_out: The numbers of the requests whose refunds it has carried out.
        told: How many of its events were received.
    """

    def __init__(self, *, totals: bool) -> None:
        super().__init__()
        self.totals = totals
        self.done: list[str] = []
        self.carried_out: set[int] = set()
        self.told = 0

    def ask(self, number: int) -> None:
        before, fresh = refunds.left(self.task), refunds.state(self.task, self.ledger.entries, name(number)) is None
        granted = self.reserve(AMOUNTS[number], name(number)) is None
        assert granted is (not fresh or Decimal(AMOUNTS[number]) <= before)

    def carry_out(self, number: int) -> None:
        is_asked = number not in self.carried_out and name(number) in self.task.reserved
        if is_asked and self._refunds(AMOUNTS[number]):
            self.carried_out.add(number)

    def refund_by_hand(self, _: int) -> None:
        self._refunds("7")

    def _refunds(self, amount: str) -> bool:
        is_there = sum(map(Decimal, self.done)) + Decimal(amount) <= 250
        self.done += [amount] if is_there else []
        return is_there

    def tell(self, _: int) -> None:
        self.told = min(len(self.done), self.told + 1)
        self.repeat(0)

    def repeat(self, _: int) -> None:
        done = self.done[: self.told]
        if done:
            amount = str(sum(map(Decimal, done))) if self.totals else done[-1]
            self.report(amount, f"evt of {self.told}", total=self.totals)

    def give_up(self, number: int) -> None:
        if number not in self.carried_out:
            self.refunds.free(PAYMENT_TASK_ID, name(number), "not carried out")


def name(number: int) -> str:
    return f"refund-{number}"


STEPS = (Provider.ask, Provider.carry_out, Provider.refund_by_hand, Provider.tell, Provider.repeat, Provider.give_up)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), max_size=40), st.booleans())
def test_never_more_than_was_paid_is_refunded_in_any_order_of_steps_and_events(steps: Any, totals: bool) -> None:
    provider = Provider(totals=totals)
    for step, number in steps:
        step(provider, number)
        asked = provider.carried_out | {number for number in range(4) if name(number) in provider.task.reserved}
        assert sum(Decimal(AMOUNTS[number]) for number in asked) <= 250, "nobody is asked for more than was paid"
    for number in (0, *range(len(provider.done) - provider.told)):
        provider.tell(number)
    restored, _ = brought_back(any_paid_task(), provider.ledger.entries, "table", CALLER)
    assert (restored.reserved, restored.refunds) == (provider.task.reserved, provider.task.refunds)
    assert not [each for each in contradictions(provider.task, provider.ledger.entries) if "refunds" in each]
    for number in range(len(AMOUNTS)):
        provider.give_up(number)
    assert payments.refunded(provider.task) == sum(map(Decimal, provider.done)), "each refund counts once"
    confirmed = {number for number in range(len(AMOUNTS)) if provider.state(name(number)) == "confirmed"}
    assert (confirmed, provider.task.reserved) == (provider.carried_out, {})
    assert is_unbroken(provider.ledger.entries, provider.task.audit_head, provider.task.audit_seq)
