"""Payments: the effect of each event on each state of a task, with the expected amount and with others."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.domain import answers, payments
from countersign.domain.answers import Sender, document_of
from countersign.domain.payments import Effect
from countersign.domain.provider_events import ProviderEvent
from countersign.domain.questions import Correlation
from countersign.domain.rules import Outcome
from countersign.domain.tasks import DECIDING, STAYING, Failure, Status, Task
from countersign.testing.builders import NOW, any_event, any_payment_task

PROVIDER = Sender("pay", "webhook signature")
WORKER = Sender("worker", "callback token")
PAST = any_payment_task().expires_at
REASON = "Call the bank, says the provider"


def effect_on(task: Task, event: ProviderEvent, now: datetime = NOW) -> Effect:
    return payments.apply(task, event, PROVIDER, now)


def decided_by(event: ProviderEvent) -> Task:
    return effect_on(any_payment_task(), event).change.after


def failed_by_worker() -> Task:
    change = answers.fail(any_payment_task(), Failure("declined"), WORKER, NOW)
    assert change
    return change.after


STANDING: dict[str, tuple[Task, datetime]] = {
    "open": (any_payment_task(), NOW),
    "past its deadline": (any_payment_task(), PAST),
    "decided paid": (decided_by(any_event("paid")), NOW),
    "decided failed": (decided_by(any_event("failed")), NOW),
    "decided expired": (decided_by(any_event("expired")), NOW),
    "failed by its worker": (failed_by_worker(), NOW),
    "applied paid": (replace(decided_by(any_event("paid")), status=Status.APPLIED), PAST),
    "applied failed": (replace(decided_by(any_event("failed")), status=Status.APPLIED), PAST),
    "expired": (any_payment_task(status=Status.EXPIRED), PAST),
    "cancelled": (any_payment_task(status=Status.CANCELLED), NOW),
}
STATUSES = ("pending", "paid", "failed", "expired", "unknown", "declined", "refunded", "disputed")
REST = ("unknown_status", "recorded", "refunded", "disputed")
UNPAID = ("recorded", "contradiction", "recorded", "recorded", *REST)
IS_PAID = ("recorded", "recorded", "contradiction", "contradiction", *REST)
CLOSED = ("recorded", "closed", "recorded", "recorded", *REST)
RIGHT_MONEY = {
    "open": ("pending", "decides", "decides", "decides", "unknown_status", "declined", "refunded", "disputed"),
    "past its deadline": CLOSED,
    "decided paid": IS_PAID,
    "decided failed": UNPAID,
    "decided expired": UNPAID,
    "failed by its worker": UNPAID,
    "applied paid": IS_PAID,
    "applied failed": UNPAID,
    "expired": CLOSED,
    "cancelled": CLOSED,
}
"""What becomes of each event, in the order of STATUSES; a word for why it is held stands for `held`."""

MONEY: dict[str, dict[str, Any]] = {
    "right": {},
    "written otherwise": {"amount": "250"},
    "other amount": {"amount": "250.01"},
    "other currency": {"currency": "USD"},
    "no currency": {"currency": None},
    "no amount": {"amount": None, "currency": None},
}


def expected(standing: str, status: str, money: str) -> str:
    right = dict(zip(STATUSES, RIGHT_MONEY[standing], strict=True))[status]
    if status in ("unknown", "declined", "disputed") or money in ("right", "written otherwise"):
        return right
    if money == "no amount":
        return "amount" if status in ("paid", "refunded") else right
    return "amount"


@pytest.mark.parametrize("money", MONEY)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("standing", STANDING)
def test_every_event_has_one_effect_on_every_state_of_a_task(standing: str, status: str, money: str) -> None:
    task, now = STANDING[standing]
    event = any_event(status, "evt_2", **MONEY[money])
    effect, wanted = effect_on(task, event, now), expected(standing, status, money)
    if wanted == "decides":
        assert (effect.handling, effect.change.transition, effect.held_because) == ("recorded", DECIDING, "")
        assert effect.change.after.outcome is Outcome.ANSWERED
    elif wanted in (*STATUSES, "recorded"):
        assert (effect.handling, effect.held_because) == (wanted, "")
        assert effect.change.transition is (STAYING if wanted in ("pending", "declined") else None)
    else:
        assert (effect.handling, effect.held_because) == ("held", wanted)
    if wanted != "decides":
        learnt = {name: getattr(task, name) for name in ("revision", "declined", "refunds", "disputes", "noted")}
        assert replace(effect.change.after, **learnt) == task, "no other field changes"
    assert effect.change.events, "every event is recorded"


def test_the_answer_of_a_decided_payment_has_every_field_of_the_event() -> None:
    at = datetime(2026, 3, 1, 8, 59, 58, tzinfo=UTC)
    task = decided_by(any_event("failed", occurred_at=at, reason=REASON))
    assert document_of(task) == {
        "status": "failed",
        "external_id": "pay_1001",
        "event_id": "evt_1",
        "amount": "250.00",
        "currency": "EUR",
        "occurred_at": "2026-03-01T08:59:58.000000Z",
        "reason": REASON,
    }
    assert (task.decided_by, task.decided_at, task.revision) == (("pay",), NOW, 1)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("standing", STANDING)
def test_the_audit_holds_the_event_without_the_providers_reason(standing: str, status: str) -> None:
    task, now = STANDING[standing]
    effect = effect_on(task, any_event(status, "evt_2", reason=REASON), now)
    told = [dict(entry.data) for entry in effect.change.events]
    assert REASON not in json.dumps(told)
    assert told[0]["event_id"] == "evt_2"
    assert {(entry.actor, entry.identified_by) for entry in effect.change.events} == {("pay", "webhook signature")}


def test_any_amount_decides_a_task_without_an_expected_amount() -> None:
    task = any_payment_task(correlation=Correlation("pay", "pay_1001"))
    for money in MONEY.values():
        assert effect_on(task, any_event("paid", **money)).change.transition is DECIDING


def after_all(*events: ProviderEvent, task: Task | None = None) -> Task:
    """Return a task after these events, as the ledger would keep it."""
    task = task or any_payment_task()
    for event in events:
        task = effect_on(task, event).change.after
    return task


# Attempts
def test_the_task_keeps_the_reason_of_the_last_declined_attempt_and_the_audit_does_not() -> None:
    task = after_all(any_event("declined", reason="No funds"), any_event("declined", "evt_2"), any_event("pending"))
    assert (task.status, task.declined) == (Status.OPEN, "declined")
    assert after_all(any_event("declined", reason=REASON), task=task).declined == REASON
    assert after_all(any_event("declined", reason=REASON), any_event("paid")).status is Status.DECIDED


@pytest.mark.parametrize("status", ["pending", "declined"])
def test_events_that_are_not_final_have_a_bounded_number_of_audit_entries(status: str) -> None:
    task = any_payment_task(audit_seq=payments.MOST_ENTRIES)
    effect = effect_on(task, any_event(status, reason=REASON))
    assert (effect.handling, effect.change.events) == (status, ())
    assert effect.change.after.declined == (REASON if status == "declined" else "")


@pytest.mark.parametrize(
    ("status", "payment_id", "held_because"),
    [
        ("paid", "B", "paid_twice"),
        ("paid", "A", ""),
        ("paid", None, ""),
        ("failed", "B", ""),
        ("expired", "B", ""),
        ("declined", "B", ""),
        ("failed", "A", "contradiction"),
        ("failed", None, "contradiction"),
    ],
)
def test_two_attempts_to_pay_have_different_payment_ids(status: str, payment_id: str | None, held_because: str) -> None:
    paid = after_all(any_event("paid", payment_id="A"))
    assert effect_on(paid, any_event(status, "evt_2", payment_id=payment_id)).held_because == held_because


def test_the_first_paid_attempt_after_a_payment_without_id_is_that_payment() -> None:
    paid = after_all(any_event("paid"), any_event("paid", "evt_2", payment_id="A"))
    assert effect_on(paid, any_event("paid", "evt_3", payment_id="B")).held_because == "paid_twice"


# Refunds and disputes
@pytest.mark.parametrize(
    ("refunds", "cumulative", "total"),
    [
        (["100.00", "50.00"], False, "150.00"),
        (["100.00", "100.00"], False, "200.00"),
        (["0.10", "0.20"], False, "0.30"),
        (["100.00", "150.00"], True, "150.00"),
        (["150.00", "100.00"], True, "150.00"),
        (["250.00"], False, "250.00"),
        (["250.00", "0.01"], False, "250.00"),
        (["0.00"], False, None),
    ],
)
@pytest.mark.parametrize("standing", [Status.OPEN, Status.DECIDED, Status.APPLIED, Status.EXPIRED])
def test_refunds_add_up_or_replace_the_last_total_and_never_exceed_the_paid_amount(
    refunds: list[str], cumulative: bool, total: str | None, standing: Status
) -> None:
    events = [
        any_event("refunded", f"re_{number}", amount=amount, cumulative=cumulative)
        for number, amount in enumerate(refunds)
    ]
    task = after_all(*events, task=replace(any_payment_task(), status=standing))
    assert payments.reversals(task) == ({"refunded": total} if total else {})
    assert task.status is standing
    assert after_all(*events, task=task) == task, "a repeated event counts once at any time"


@pytest.mark.parametrize("status", ["refunded", "disputed"])
def test_a_payment_after_a_refund_or_dispute_is_held_for_a_person(status: str) -> None:
    task = after_all(any_event(status, "evt_0", amount="1.00"))
    effect = effect_on(task, any_event("paid"))
    assert (effect.handling, effect.held_because, effect.change.after.status) == ("held", status, Status.OPEN)


@pytest.mark.parametrize("standing", STANDING)
def test_each_dispute_is_recorded_once(standing: str) -> None:
    task, now = STANDING[standing]
    after = effect_on(task, any_event("disputed", "dp_1", amount="265.00"), now).change.after
    assert payments.reversals(after) == {"disputed": True}
    assert effect_on(after, any_event("disputed", "dp_1", amount="265.00"), now).handling == "duplicate"
    again = effect_on(after, any_event("disputed", "dp_2", amount="265.00"), now)
    assert (again.handling, again.change.after.disputes) == ("disputed", ("pay_1001", "pay_1001"))


def test_refunds_and_disputes_of_another_attempt_do_not_count_for_the_paid_one() -> None:
    paid = after_all(any_event("paid", payment_id="A"))
    other = after_all(*(any_event(status, payment_id="B") for status in ("refunded", "disputed")), task=paid)
    assert payments.reversals(other) == {}
    assert (other.refunds, other.disputes) == ({"B": "250.00"}, ("B",)), "it is on record"
    assert payments.reversals(after_all(any_event("refunded", payment_id="A"), task=other)) == {"refunded": "250.00"}


def test_an_amount_that_a_person_accepted_can_be_refunded() -> None:
    paid = replace(
        any_payment_task(status=Status.DECIDED), answer='{"status":"paid","amount":"300.00","currency":"USD"}'
    )
    assert effect_on(paid, any_event("refunded", amount="300.00", currency="USD")).held_because == ""
    assert effect_on(paid, any_event("refunded", amount="300.00")).held_because == "amount"


# Repeated events
@pytest.mark.parametrize("standing", [name for name in STANDING if name != "open"])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("money", ["right", "other amount"])
@pytest.mark.parametrize("named", [None, "ch_1"])
def test_after_a_payment_has_ended_each_sender_records_the_same_event_once_unless_it_may_be_another_payment(
    standing: str, status: str, money: str, named: str | None
) -> None:
    task, now = STANDING[standing]
    said = [any_event(status, name, reason=name, payment_id=named, **MONEY[money]) for name in ("evt_1", "evt_2")]
    after = effect_on(task, said[0], now).change.after
    assert effect_on(after, said[0], now).says_nothing
    again = effect_on(after, said[1], now)
    other = again.held_because == "amount" or status in ("unknown", "refunded", "disputed")
    if other or (status == "paid" and again.held_because and not named):
        assert (again.handling == "duplicate", len(again.change.events)) == (False, 1)
    else:
        assert (again.handling, again.change.events, again.change.fields) == ("duplicate", (), {})
    if status in ("unknown", "refunded", "disputed"):
        return  # no worker can say it
    by_worker = payments.apply(after, said[1], WORKER, now)
    assert by_worker.change.events, "one sender does not suppress another"
    assert payments.apply(by_worker.change.after, said[0], WORKER, now).handling == "duplicate"


def test_each_sender_has_a_bounded_number_of_recorded_events_of_its_own() -> None:
    events = [any_event("paid", f"evt_{number}", amount=f"{number}.00") for number in range(1, 61)]
    task = after_all(*events)
    assert len(task.noted) == payments.MOST_NOTED
    assert effect_on(task, events[-1]).handling == "held", "the alarm is raised nevertheless"
    assert effect_on(task, events[-1]).change.events == ()
    for event in events:  # the sources of a bus are free text: all are one sender
        task = payments.apply(task, event, Sender(f"com.example.{event.amount}", "event bus"), NOW).change.after
    assert len(task.noted) == 2 * payments.MOST_NOTED
    assert payments.apply(task, events[-1], WORKER, NOW).change.events
