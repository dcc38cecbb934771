"""Payments: what each event does to each task, for the right money and for any other."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain import answers, payments
from countersign.domain.answers import Sender, document_of
from countersign.domain.payments import Effect
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.domain.rules import Outcome
from countersign.domain.tasks import DECIDING, STAYING, Correlation, Failure, Status, Task
from tests.builders import NOW, any_event, any_payment_task

PROVIDER = Sender("pay", "webhook signature")
PAST = any_payment_task().expires_at
REASON = "Call the bank, says the provider"


def effect_on(task: Task, event: ProviderEvent, now: datetime = NOW) -> Effect:
    return payments.apply(task, event, PROVIDER, now)


def decided_by(event: ProviderEvent) -> Task:
    return effect_on(any_payment_task(), event).change.after


def failed_by_worker() -> Task:
    change = answers.fail(any_payment_task(), Failure("declined"), Sender("worker", "callback token"), NOW)
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
STATUSES = ("pending", "paid", "failed", "expired", "unknown")
UNPAID = ("recorded", "contradiction", "recorded", "recorded", "unknown_status")
IS_PAID = ("recorded", "recorded", "contradiction", "contradiction", "unknown_status")
CLOSED = ("recorded", "closed", "recorded", "recorded", "unknown_status")
RIGHT_MONEY = {
    "open": ("pending", "decides", "decides", "decides", "unknown_status"),
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
    if status == "unknown" or money in ("right", "written otherwise"):
        return right
    if money == "no amount":
        return "amount" if status == "paid" else right
    return "amount"


@pytest.mark.parametrize("money", MONEY)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("standing", STANDING)
def test_every_event_on_every_task_has_one_effect(standing: str, status: str, money: str) -> None:
    task, now = STANDING[standing]
    event = any_event(status, "evt_2", **MONEY[money])
    effect, wanted = effect_on(task, event, now), expected(standing, status, money)
    if wanted == "decides":
        assert (effect.handling, effect.change.transition, effect.held_because) == ("recorded", DECIDING, "")
        assert effect.change.after.outcome is Outcome.ANSWERED
    elif wanted in ("recorded", "pending"):
        assert (effect.handling, effect.held_because) == (wanted, "")
        assert effect.change.transition is (STAYING if wanted == "pending" else None)
    else:
        assert (effect.handling, effect.held_because) == ("held", wanted)
    if wanted != "decides":
        assert replace(effect.change.after, revision=task.revision) == task, "nothing of the task changes"
    assert effect.change.events, "whatever came is on record"


def test_a_decision_tells_all_that_the_event_told() -> None:
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
def test_the_audit_holds_the_event_without_the_providers_words(standing: str, status: str) -> None:
    task, now = STANDING[standing]
    effect = effect_on(task, any_event(status, "evt_2", reason=REASON), now)
    told = [dict(entry.data) for entry in effect.change.events]
    assert REASON not in json.dumps(told)
    assert told[0]["event_id"] == "evt_2"
    assert {(entry.actor, entry.identified_by) for entry in effect.change.events} == {("pay", "webhook signature")}


def test_a_task_about_no_money_is_decided_by_any_amount() -> None:
    task = any_payment_task(correlation=Correlation("pay", "pay_1001"))
    for money in MONEY.values():
        assert effect_on(task, any_event("paid", **money)).change.transition is DECIDING


@pytest.mark.parametrize(
    ("sent", "same"), [("250", True), ("250.0", True), ("250.000", True), ("25.000", False), ("250.001", False)]
)
def test_amounts_are_compared_as_decimals(sent: str, same: bool) -> None:
    effect = effect_on(any_payment_task(), any_event(amount=sent))
    assert (effect.handling == "recorded") is same


amounts = st.sampled_from([None, "250", "250.00", "250.000", "25000", "2.50", "249.99", "0"])
events = st.builds(
    lambda status, amount, currency: any_event(status, amount=amount, currency=currency if amount else None),
    st.sampled_from(STATUSES),
    amounts,
    st.sampled_from(["EUR", "USD", "JPY"]),
)


@given(st.lists(st.tuples(events, st.integers(0, 3000)), max_size=30))
def test_in_whatever_order_and_however_often_events_come_at_most_one_decides_and_with_the_right_money(
    history: list[tuple[ProviderEvent, int]],
) -> None:
    task, decisions, now = any_payment_task(), [], NOW
    for event, pause in history:
        now += timedelta(seconds=pause)
        effect = effect_on(task, event, now)
        after = effect.change.after
        if effect.change.transition is DECIDING:
            decisions.append(event)
            assert now < task.expires_at
            assert event.status in (EventStatus.PAID, EventStatus.FAILED, EventStatus.EXPIRED)
            assert event.amount is None or (Decimal(event.amount), event.currency) == (Decimal(250), "EUR")
            assert event.amount is not None or event.status is not EventStatus.PAID
        else:
            assert (after.answer, after.status) == (task.answer, task.status), "a decision never changes"
        task = after
    assert len(decisions) == (1 if task.status is Status.DECIDED else 0)
