"""The refund workflow on AWS's local runner: it ends right under duplicates, early events and a crash of the worker."""

from collections.abc import Iterator
from typing import Any

import pytest

from countersign.domain import payments, refunds
from countersign.domain.answers import SIGNED, Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import TaskClosedError
from countersign.domain.provider_events import Handling
from countersign.domain.requests import Cancelling, Request, RequestStatus
from countersign.domain.rules import Decision
from countersign.domain.tasks import Task
from countersign.services.operations import Operations
from countersign.services.provider_events import ProviderEvents
from countersign.testing.bench import SHORT_SECONDS, Bench
from countersign.testing.builders import CALLER, NOW, any_event, any_paid_task
from refund.handler import handler

PAID = "order-7.payment"
RESULT = {"order_id": "7", "amount": "100.00", "currency": "EUR"}
REFUND = RESULT | {"payment_request_id": "order-7", "reason": "One chair broke.", "requester": "rita@example.com"}
POLICY: list[dict[str, Any]] = [
    {"currency": "EUR", "up_to": "150.00", "auto_approve": True},
    {"currency": "EUR", "approvers": ["maria@example.com"]},
]
WAITING = ["read payment", "approval auto", "reserve amount", "make idempotency key"]


class RefundBench(Bench):
    """One refund of a payment of 250.00 EUR, with its worker and its provider."""

    def __init__(self) -> None:
        super().__init__(handler, "refund", POLICY)
        self.ledger.open(any_paid_task(task_id=PAID, request_id="order-7"), (AuditEvent("opened", "payment"),), NOW)

    def ask(self, **changes: Any) -> None:
        self.start(REFUND | {"deadline_seconds": 60} | changes)

    def report(self, amount: str = "100.00", event_id: str = "evt_1") -> Handling:
        """Receive the provider's event about a refund."""
        events, event = ProviderEvents(self.ledger, self.clock), any_event("refunded", event_id, amount=amount)
        return events.receive(event, event_id, Sender("pay", SIGNED))

    def carry_out(self) -> Any:
        return self.succeed("refund", {"refund_id": "re_1"}).handling

    @property
    def paid(self) -> Task:
        return self.ledger.standing[PAID]

    @property
    def money(self) -> tuple[int, int]:
        """What is refunded, and what is reserved."""
        return int(payments.refunded(self.paid)), int(refunds.reserved(self.paid))


@pytest.fixture
def bench() -> Iterator[RefundBench]:
    with RefundBench().open() as bench:
        yield bench


def test_a_refund_is_carried_out_by_a_worker_and_confirmed_by_the_providers_event(bench: RefundBench) -> None:
    bench.ask()
    task = bench.asked("refund")
    (envelope,) = bench.hand_off.sent
    asked = envelope["task"]
    assert len(asked.pop("idempotency_key")) == 36
    payment = {"provider": "pay", "external_id": "pay_1001", "payment_id": "pay_1001"}
    assert asked == RESULT | payment | {"reason": REFUND["reason"]}
    assert task.question.irrevocable
    assert bench.money == (0, 100)
    assert bench.carry_out() is Handling.RECORDED
    bench.until(lambda: "await confirmation" in bench.operations)
    assert (bench.ledger.asked, bench.money) == ({}, (0, 100)), "the worker's word alone is no refund"
    assert bench.report() is Handling.REFUNDED
    result = bench.result()
    assert result == RESULT | {"status": "refunded", "refund_id": "re_1"}
    assert bench.money == (100, 0)
    expected = [*WAITING, "refund callback 1", "refund open 1", "refund read 1", "await confirmation", "record result"]
    assert (bench.operations, bench.replay()[0]) == (sorted(expected), result)


def test_an_early_event_repetitions_and_a_worker_that_crashed_end_in_one_refund(bench: RefundBench) -> None:
    """The worker crashed after the provider took the refund; the message comes again, and so does the event."""
    bench.ask()
    bench.asked("refund")
    assert [bench.report(), bench.report()] == [Handling.REFUNDED, Handling.DUPLICATE]
    assert [bench.carry_out(), bench.carry_out()] == [Handling.RECORDED, Handling.DUPLICATE]
    assert bench.result() == RESULT | {"status": "refunded", "refund_id": "re_1"}
    assert bench.money == (100, 0)


def test_the_event_counts_although_the_worker_never_answers(bench: RefundBench) -> None:
    bench.ask(deadline_seconds=SHORT_SECONDS)
    bench.asked("refund")
    bench.report()
    assert bench.result() == RESULT | {"status": "refunded"}
    with pytest.raises(TaskClosedError):
        bench.carry_out()


@pytest.mark.parametrize("answers", [True, False])
def test_a_refund_without_an_event_is_in_doubt_and_a_late_event_confirms_it(bench: RefundBench, answers: bool) -> None:
    bench.ask(deadline_seconds=SHORT_SECONDS)
    bench.asked("refund")
    said = {"refund_id": "re_1"} if answers and bench.carry_out() else {}
    bench.report("30.00", "evt_by_hand")
    assert bench.result() == RESULT | {"status": "expired", "reason": "in_doubt"} | said
    assert bench.money == (30, 100), "nobody else refunds it"
    bench.report()
    assert bench.money == (130, 0)


def test_a_refund_that_the_worker_could_not_carry_out_frees_its_money(bench: RefundBench) -> None:
    bench.ask()
    bench.fail("refund", "insufficient_balance")
    assert bench.result() == RESULT | {"status": "failed", "reason": "insufficient_balance"}
    assert bench.money == (0, 0)


def test_a_refund_that_is_cancelled_before_the_hand_off_frees_its_money_and_asks_no_worker(bench: RefundBench) -> None:
    cancelled = Request("order-1001", "refund", status=RequestStatus.RUNNING, cancelling=Cancelling("", CALLER, NOW))
    bench.ledger.after_write = lambda _: (
        bench.ledger.asked.update({"order-1001": cancelled}) if bench.money[1] else None
    )
    bench.ask()
    assert bench.error() == "TaskWithdrawnError"
    assert (bench.money, bench.hand_off.sent) == ((0, 0), [])


def test_a_refund_that_an_operator_frees_has_failed(bench: RefundBench) -> None:
    bench.ask()
    bench.carry_out()
    Operations(bench.ledger, bench.clock, CALLER).resolve_refund(PAID, "order-1001", "looked", refunded=False)
    assert bench.result() == RESULT | {"status": "failed", "reason": "freed", "refund_id": "re_1"}


@pytest.mark.parametrize(("decision", "status"), [(Decision.APPROVE, "failed"), (Decision.REJECT, "rejected")])
def test_people_decide_about_the_amount_that_is_left_and_it_is_checked_again_afterwards(
    bench: RefundBench, decision: Decision, status: str
) -> None:
    bench.report("40.00", "evt_by_hand")
    bench.ask(amount="210.00")
    question = bench.open_task().question
    assert question.amount == "210.00 EUR"
    payment = (("Payment", "pay_1001 (pay)"), ("Paid", "250.00 EUR"), ("Refunded so far", "40.00 EUR"))
    assert question.details == (("Order", "7"), *payment, ("Reason", REFUND["reason"]))
    bench.report("1.00", "evt_by_hand_too")
    bench.answer(decision)
    bench.relay()
    reason = {"reason": "too_much"} if status == "failed" else {}
    assert bench.result() == RESULT | {"amount": "210.00", "status": status} | reason
    assert [envelope["kind"] for envelope in bench.hand_off.sent] == ["approval.requested"]
    assert bench.money == (41, 0)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"amount": "250.01"}, "failed", "too_much"),
        ({"currency": "USD"}, "failed", "other_currency"),
        ({"payment_request_id": "order-8"}, "failed", "not_paid"),
        ({"amount": "200.00", "deadline_seconds": 2}, "expired", None),
    ],
)
def test_a_refund_that_nobody_can_or_will_approve_asks_no_worker(
    bench: RefundBench, changes: dict[str, Any], status: str, reason: str | None
) -> None:
    bench.ask(**changes)
    result = bench.result()
    assert (result["status"], result.get("reason")) == (status, reason)
    assert bench.money == (0, 0)
