"""Held payments: the effect of an operator's resolution on a payment."""

import dataclasses
from datetime import timedelta

import pytest

from countersign.domain import held_payments, payments
from countersign.domain.answers import document_of
from countersign.domain.audit import AuditEntry, append
from countersign.domain.held_payments import NO_EFFECT, Held, Resolution, Verdict
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.domain.tasks import DECIDING, Change, Failure, Status, Task
from countersign.testing.builders import NOW
from tests.held import APPROVAL, EVENT, OPENED, OPERATOR, PROVIDER, any_event, any_payment

ACCEPTED = Resolution(Verdict.ACCEPTED, (OPERATOR,), APPROVAL)
DISMISSED = Resolution(Verdict.DISMISSED, (OPERATOR,), APPROVAL)
LAPSED = Resolution(Verdict.EXPIRED, (), APPROVAL)
PAID = any_payment(status=Status.DECIDED, answer='{"status":"paid","amount":"250.00","currency":"EUR"}')
CLOSED = [
    PAID,
    dataclasses.replace(PAID, status=Status.APPLIED),
    any_payment(status=Status.EXPIRED),
    any_payment(status=Status.CANCELLED),
    any_payment(expires_at=NOW),
]


def ruled(resolution: Resolution, task: Task | None = None, event: ProviderEvent | None = None) -> Change:
    return held_payments.carry_out(task or any_payment(), event or any_event(), resolution, "held-payment", NOW)


def chain(*changes: Change) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for change in changes:
        for event in change.events:
            entries.append(append(change.before.task_id, len(entries), "", "", event, change.at))
    return entries


def test_an_accepted_payment_is_paid_with_the_received_amount_and_the_audit_names_operator_and_approval() -> None:
    change = ruled(ACCEPTED)
    answer, (settled, decided) = document_of(change.after), change.events
    assert (change.transition, change.after.decided_by) == (DECIDING, (OPERATOR,))
    assert answer | {"status": "paid", "amount": "25.00", "currency": "EUR", "event_id": EVENT} == answer
    assert (settled.event, settled.actor, settled.identified_by) == ("settled", OPERATOR, "approval")
    recorded = {"approval": APPROVAL, "effect": "paid", "amount": "25.00", "event_id": EVENT}
    assert {**settled.data} | recorded == settled.data
    assert "reason" not in settled.data, "the reason is the provider's text and untrusted"
    assert (decided.event, decided.actor) == ("decided", OPERATOR)


@pytest.mark.parametrize(
    ("event", "effect"),
    [
        (any_event(currency="USD"), "paid"),
        (any_event(amount=None, currency=None), "paid"),
        (any_event(status=EventStatus.UNKNOWN), NO_EFFECT),
        (any_event(status=EventStatus.UNKNOWN, amount="250.00"), NO_EFFECT),
        (any_event(status=EventStatus.UNKNOWN, amount=None, currency=None), NO_EFFECT),
        (any_event(status=EventStatus.PENDING), NO_EFFECT),
        (any_event(status=EventStatus.FAILED), "failed"),
        (any_event(status=EventStatus.EXPIRED), "expired"),
    ],
)
def test_accepting_applies_the_status_of_an_event_and_never_pays_an_unknown(event: ProviderEvent, effect: str) -> None:
    change = ruled(ACCEPTED, event=event)
    assert (change.events[0].data["effect"], document_of(change.after).get("status", NO_EFFECT)) == (effect, effect)
    assert document_of(change.after).get("amount") == (None if effect == NO_EFFECT else event.amount)


@pytest.mark.parametrize("task", CLOSED)
@pytest.mark.parametrize("resolution", [ACCEPTED, DISMISSED, LAPSED])
def test_a_resolution_never_changes_an_ended_payment(task: Task, resolution: Resolution) -> None:
    change = ruled(resolution, task)
    assert (change.after, [event.data["effect"] for event in change.events]) == (task, [NO_EFFECT])


@pytest.mark.parametrize(
    ("resolution", "event", "actor", "identified_by"),
    [(DISMISSED, "dismissed", OPERATOR, "approval"), (LAPSED, "lapsed", "held-payment", "kit")],
)
def test_a_dismissed_or_expired_event_is_recorded_and_the_payment_keeps_waiting(
    resolution: Resolution, event: str, actor: str, identified_by: str
) -> None:
    change = ruled(resolution)
    assert change.after == any_payment()
    (entry,) = change.events
    assert (entry.event, entry.actor, entry.identified_by) == (event, actor, identified_by)
    assert entry.data["approval"] == APPROVAL


def test_a_held_event_without_amount_and_time_is_read_from_the_audit() -> None:
    event = any_event(status=EventStatus.UNKNOWN, amount=None, currency=None, occurred_at=None, reason=None)
    held = payments.apply(any_payment(), event, PROVIDER, NOW)
    assert held_payments.held_event(chain(held.change), EVENT) == Held(event, "unknown_status")


@pytest.mark.parametrize("resolution", [ACCEPTED, DISMISSED, LAPSED])
def test_a_resolution_is_recognized_by_its_approval(resolution: Resolution) -> None:
    entries = chain(Change(any_payment(), None, {}, (OPENED,), NOW), ruled(resolution))
    assert held_payments.effect_on_record(entries, resolution) == ("paid" if resolution is ACCEPTED else NO_EFFECT)
    assert held_payments.effect_on_record(entries, dataclasses.replace(resolution, task_id="held-2.approval")) == ""
    assert held_payments.effect_on_record(entries[:1], resolution) == ""


@pytest.mark.parametrize(
    ("task", "word"),
    [
        (any_payment(), "pending"),
        (any_payment(expires_at=NOW), "expired"),
        (any_payment(expires_at=NOW + timedelta(microseconds=1)), "pending"),
        (PAID, "paid"),
        (dataclasses.replace(PAID, status=Status.APPLIED), "paid"),
        (any_payment(status=Status.APPLIED, failure=Failure("card_declined")), "failed"),
        (any_payment(status=Status.EXPIRED), "expired"),
        (any_payment(status=Status.CANCELLED), "cancelled"),
    ],
)
def test_every_state_of_a_payment_has_a_word(task: Task, word: str) -> None:
    assert payments.standing(task, NOW) == word
