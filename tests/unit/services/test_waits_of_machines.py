"""Waits for payments: tokens per attempt, parked events, and shared external ids."""

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from countersign.domain.answers import SIGNED, Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import TaskClosedError
from countersign.domain.held_payments import Resolution, Verdict
from countersign.domain.links import Purpose
from countersign.domain.provider_events import Handling
from countersign.domain.questions import Correlation, Question
from countersign.domain.tasks import Status, Task
from countersign.services.answers import Results
from countersign.services.held_payments import HeldPayments
from countersign.services.provider_events import ProviderEvents
from countersign.services.waits import TAKEN, Report, Wait
from countersign.testing.builders import NOW, PAYMENT_TASK_ID, any_event, any_paid, any_payment_task, any_wait
from countersign.testing.fakes import MemoryHeartbeats
from tests.unit.services import test_waits
from tests.unit.services.races import crash, meanwhile

PROVIDER = Sender("pay", SIGNED)
WORKER = Sender("worker", "callback token")


def any_payment_question(**changes: Any) -> Question:
    return dataclasses.replace(any_payment_task().question, **changes)


def any_payment_wait(**changes: Any) -> Wait:
    return any_wait(**{"name": "payment", "audience": ()} | changes)


class Setup(test_waits.Setup):
    """The waits of a workflow, with the events and the answers that end them."""

    def __init__(self, refusals: int = 0) -> None:
        super().__init__(refusals=refusals)
        self.provider_events = ProviderEvents(self.ledger, self.clock)
        self.results = Results(self.ledger, MemoryHeartbeats(), self.clock)

    def open(self, wait: Wait | None = None, **changes: Any) -> Report:
        return self.waits.open(wait or any_payment_wait(), any_payment_question(**changes))

    def receive(self, status: str = "paid", event_id: str = "evt_1", **changes: Any) -> Handling:
        return self.provider_events.receive(any_event(status, event_id, **changes), f"body of {event_id}", PROVIDER)

    @property
    def task(self) -> Task:
        return self.ledger.standing[PAYMENT_TASK_ID]

    @property
    def tokens(self) -> list[str]:
        return [envelope["callback"]["token"] for envelope in self.hand_off.sent]

    def assert_tokens_stay_in_the_envelopes(self, *reports: Report) -> None:
        kept = repr((self.ledger.standing, self.ledger.entries, self.ledger.links, self.ledger.outbox, reports))
        assert self.tokens
        for token in self.tokens:
            assert token not in kept


# Hand-offs
def test_each_attempt_has_a_new_token_and_every_token_is_accepted() -> None:
    setup = Setup()
    reports = [setup.open() for _ in range(3)]
    assert len(set(setup.tokens)) == 3
    assert {setup.results.link_of(token).task_id for token in setup.tokens} == {PAYMENT_TASK_ID}
    assert {link.purpose for link in setup.ledger.links.values()} == {Purpose.CALLBACK}
    setup.assert_tokens_stay_in_the_envelopes(*reports)
    assert setup.events == ["opened"]


@pytest.mark.parametrize(("seconds", "said"), [(30, {"heartbeat_seconds": 30}), (0, {})])
def test_an_envelope_says_how_long_a_machine_may_be_silent(seconds: int, said: dict[str, int]) -> None:
    setup = Setup()
    setup.open(any_payment_wait(heartbeat_seconds=seconds))
    (callback,) = (envelope["callback"] for envelope in setup.hand_off.sent)
    assert callback == {"url": callback["url"], "token": callback["token"]} | said


def test_a_report_has_the_answer_of_a_machine_and_no_secret() -> None:
    setup = Setup()
    setup.open()
    setup.results.succeed(PAYMENT_TASK_ID, {"status": "paid", "amount": "250", "currency": "EUR"}, WORKER)
    report = setup.waits.read(any_payment_wait())
    assert (report["status"], report["outcome"], report["decided_by"]) == ("APPLIED", "answered", ["worker"])
    assert report["answer"]["amount"] == "250"
    assert report["failure"] is None
    assert json.loads(json.dumps(report)) == report
    setup.assert_tokens_stay_in_the_envelopes(report)


# Parked events
@pytest.mark.parametrize(("status", "amount"), [("pending", "250.00"), ("paid", "1.00")])
def test_a_parked_event_that_does_not_decide_does_not_stop_the_hand_off(status: str, amount: str) -> None:
    setup = Setup()
    setup.receive(status, amount=amount)
    assert (setup.open()["status"], setup.hand_off.kinds) == ("OPEN", ["payment.requested"])
    assert setup.ledger.parked("pay", "pay_1001") == []


@pytest.mark.parametrize("write", ["open", "commit_parked"])
@pytest.mark.parametrize("moment", ["before_write", "after_write"])
def test_the_next_attempt_after_a_crash_applies_the_parked_event(moment: str, write: str) -> None:
    setup = Setup()
    setup.receive()
    crash(setup.ledger, ConnectionError(), write, moment)
    with pytest.raises(ConnectionError):
        setup.open()
    assert (setup.open()["status"], setup.hand_off.sent) == ("DECIDED", [])
    assert setup.events == ["opened", "responded", "decided"]


# Shared external ids
def other_task() -> Task:
    return any_payment_task(task_id="order-1000.payment", request_id="order-1000")


@pytest.mark.parametrize("lost", [False, True])
def test_a_task_with_the_external_id_of_another_is_not_opened(lost: bool) -> None:
    setup = Setup()
    setup.ledger.open(other_task(), (AuditEvent("opened", "payment"),), NOW)
    if lost:
        setup.ledger.standing.clear()
    assert setup.open() == {"status": "CANCELLED", "taken": True}
    assert PAYMENT_TASK_ID not in setup.ledger.standing
    assert setup.hand_off.sent == []


def lapsed(setup: Setup) -> None:
    """Open a payment and let it expire."""
    setup.open(any_payment_wait(request_id="order-1000", expires_at=NOW + timedelta(minutes=1)))
    setup.clock.move(minutes=1)
    assert setup.waits.read(any_payment_wait(request_id="order-1000"))["status"] == "EXPIRED"


def withdrawn(setup: Setup) -> None:
    setup.open(any_payment_wait(request_id="order-1000"))
    setup.waits.cancel(any_payment_wait(request_id="order-1000"), "hand_off_failed")


@pytest.mark.parametrize("end", [lapsed, withdrawn])
def test_a_new_task_takes_over_the_external_id_of_an_unanswered_one(end: Callable[[Setup], None]) -> None:
    setup = Setup()
    end(setup)
    assert setup.open()["status"] == "OPEN"
    old, new = setup.ledger.audit("order-1000.payment")[-1].event, setup.ledger.audit(PAYMENT_TASK_ID)[1].event
    assert (old.event, old.data) == ("claim_released", {"to": PAYMENT_TASK_ID, "events": []})
    assert (new.event, new.data) == ("claim_taken", {"from": "order-1000.payment", "events": []})
    assert (setup.receive(), setup.task.status) == (Handling.RECORDED, Status.DECIDED)


def test_a_late_payment_pays_only_the_next_request_for_it() -> None:
    setup = Setup()
    lapsed(setup)
    assert (setup.receive(), setup.open()["status"]) == (Handling.HELD, "DECIDED")
    assert setup.hand_off.kinds == ["payment.requested"], "the second one is paid before its hand-off"
    settled = HeldPayments(setup.ledger, setup.clock, "held-payment")
    resolution = Resolution(Verdict.ACCEPTED, ("olga@example.com",), "held-1.approval")
    report = settled.held("order-1000.payment", "evt_1")
    assert report
    assert report["moved_to"] == PAYMENT_TASK_ID
    assert settled.carry_out("order-1000.payment", "evt_1", resolution) == f"moved to {PAYMENT_TASK_ID}"
    assert (setup.receive(), setup.open(any_payment_wait(request_id="order-1002"))) == (Handling.DUPLICATE, TAKEN)
    assert setup.events.count("decided") == 1


def test_a_late_payment_of_a_removed_task_pays_the_next_one() -> None:
    setup = Setup()
    lapsed(setup)
    setup.receive()
    setup.ledger.standing.clear()
    assert setup.open()["status"] == "DECIDED"


def test_an_unused_late_payment_passes_to_the_next_task() -> None:
    setup = Setup()
    withdrawn(setup)
    setup.receive()
    crash(setup.ledger, ConnectionError(), "commit_parked")
    with pytest.raises(ConnectionError):
        setup.open()
    assert setup.open(any_payment_wait(request_id="order-1000"))["status"] == "CANCELLED", "a late opener"
    setup.waits.cancel(any_payment_wait(), "execution_failed")
    assert setup.open(any_payment_wait(request_id="order-1002"))["status"] == "DECIDED"
    assert setup.task.status is Status.CANCELLED


@pytest.mark.parametrize(
    ("late", "asked", "ruled", "status"),
    [
        ("250.00", "250.00", Verdict.DISMISSED, "OPEN"),
        ("250.00", "250.00", Verdict.EXPIRED, "DECIDED"),
        ("1.00", "250.00", None, "OPEN"),
        ("240.00", "240.00", None, "DECIDED"),
        ("240.00", "240.00", Verdict.DISMISSED, "OPEN"),
        ("250.00", "240.00", None, "OPEN"),
    ],
)
def test_a_late_payment_pays_the_next_task_with_its_amount_unless_it_was_dismissed(
    late: str, asked: str, ruled: Verdict | None, status: str
) -> None:
    setup = Setup()
    lapsed(setup)
    setup.receive(amount=late)
    if ruled:
        resolution = Resolution(ruled, (), "held-1.approval")
        HeldPayments(setup.ledger, setup.clock, "held-payment").carry_out("order-1000.payment", "evt_1", resolution)
    assert setup.open(correlation=Correlation("pay", "pay_1001", Decimal(asked), "EUR"))["status"] == status


@pytest.mark.parametrize("amount", ["250.00", "260.00"])
def test_a_refunded_late_payment_does_not_pay_the_next_task(amount: str) -> None:
    setup = Setup()
    lapsed(setup)
    setup.receive(amount=amount)
    setup.receive("refunded", "evt_2", amount=amount)
    setup.open(correlation=Correlation("pay", "pay_1001", Decimal(amount), "EUR"))
    assert setup.task.status is Status.OPEN


@pytest.mark.parametrize("sender", [WORKER, Sender("pay", "event bus")])
def test_a_late_answer_of_a_worker_pays_no_other_task(sender: Sender) -> None:
    setup = Setup()
    lapsed(setup)
    with pytest.raises(TaskClosedError):
        setup.results.succeed("order-1000.payment", any_paid(), sender)
    assert setup.open()["status"] == "OPEN"


def test_one_of_two_concurrent_tasks_takes_over_an_external_id() -> None:
    setup = Setup()
    lapsed(setup)

    meanwhile(setup.ledger, lambda: setup.open(any_payment_wait(request_id="order-1002")))
    assert (setup.open(), setup.ledger.correlated("pay", "pay_1001")) == (TAKEN, "order-1002.payment")
