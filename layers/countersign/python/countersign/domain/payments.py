"""Payments: what a provider's event does to the task that waits for it. Money is never taken for other money.

An event that says something final with the right amount decides. One that is not final is put on record, and the wait
goes on. Whatever a person must look at is held: on record, announced, and without effect until an operator accepts it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from countersign.domain.answers import Sender, decide, document_of
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.clock import from_text, to_text
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import canonical
from countersign.domain.tasks import STAYING, Change, Status, Task

_FINAL = frozenset({EventStatus.PAID, EventStatus.FAILED, EventStatus.EXPIRED})


class Handling(StrEnum):
    """What became of an event."""

    RECORDED = "recorded"
    """It decided, or came after the decision and changes nothing."""
    PENDING = "pending"
    """It is not final: the task waits on."""
    HELD = "held"
    """A person must look at it."""
    PARKED = "parked"
    """Its task is not open yet."""
    DUPLICATE = "duplicate"
    """It had come before."""
    CONFLICT = "conflict"
    """Another event of the same id had come before."""
    IGNORED = "ignored"
    """It is of a type that the kit does not act on, or the provider's settings expect no such events."""


@dataclass(frozen=True)
class Effect:
    """What an event does.

    Attributes:
        handling: What became of it.
        change: What to write.
        held_because: Why a person must look at it; empty unless it is held.
    """

    handling: Handling
    change: Change
    held_because: str = ""


class Verdict(StrEnum):
    """What came of asking the operators about a held event."""

    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    """Nobody answered in time."""


@dataclass(frozen=True)
class Ruling:
    """What the operators say of a held event.

    Attributes:
        verdict: What came of it.
        by: Whose votes decided; nobody's when it expired.
        task_id: The task that they were asked by.
    """

    verdict: Verdict
    by: tuple[str, ...]
    task_id: str


@dataclass(frozen=True)
class Held:
    """An event that is on record as held.

    Attributes:
        event: What the provider says, but for its own words.
        reason: Why a person must look at it, a word such as `amount`.
    """

    event: ProviderEvent
    reason: str


NO_EFFECT = "none"
"""The effect of a ruling that leaves the payment as it is."""

_RULED = {Verdict.ACCEPTED: "settled", Verdict.DISMISSED: "dismissed", Verdict.EXPIRED: "lapsed"}


def apply(task: Task, event: ProviderEvent, sender: Sender, now: datetime) -> Effect:
    """Return what an event does to the task that it is about.

    Args:
        task: The task as it stands; correlated.
        event: What the provider says.
        sender: The provider.
        now: The current time.
    """
    entry = sender.event("responded", _entry(event))
    held = _held_because(task, event, now)
    if held:
        record = sender.event("held", _entry(event) | {"reason": held})
        return Effect(Handling.HELD, Change(task, None, {}, (record,), now), held)
    if task.status is not Status.OPEN or task.expired_by(now):
        return Effect(Handling.RECORDED, Change(task, None, {}, (entry,), now))
    if event.status is EventStatus.PENDING:
        return Effect(Handling.PENDING, Change(task, STAYING, {"revision": task.revision + 1}, (entry,), now))
    return Effect(Handling.RECORDED, settle(task, event, (entry,), sender, now))


def ignore(task: Task, event: ProviderEvent, sender: Sender, now: datetime) -> Change | None:
    """Return the record that an event about an open task was ignored; None where there is nothing to record.

    The settings may be wrong, and the money right: the audit says so, once for each reason.

    Args:
        task: The task as it stands.
        event: An event of test mode, or of another account, with the reason.
        sender: The provider.
        now: The current time.
    """
    reason = event.reason or ""
    if task.status is not Status.OPEN or reason in task.ignored:
        return None
    record = sender.event("ignored", {"event_id": event.event_id, "external_id": event.external_id, "reason": reason})
    return Change(task, None, {"ignored": (*task.ignored, reason)}, (record,), now)


def settle(task: Task, event: ProviderEvent, events: tuple[AuditEvent, ...], sender: Sender, now: datetime) -> Change:
    """Return the decision of an open task by an event."""
    return decide(task, Outcome.ANSWERED, {"answer": answer_of(event)}, events, sender, now)


def answer_of(event: ProviderEvent) -> str:
    """Return the answer that an event decides a task with, as JSON text."""
    return canonical(_answer(event)).decode()


def held_event(entries: Iterable[AuditEntry], event_id: str) -> Held | None:
    """Return an event that a task's audit has as held, or None: nothing else is settled, whoever asks for it."""
    for entry in entries:
        if entry.event.event == "held" and entry.event.data["event_id"] == event_id:
            data = dict(entry.event.data)
            why = data.pop("reason")  # of the kit's; the provider's words are in no audit
            return Held(event_of(data), why)
    return None


def acceptable(task: Task, event: ProviderEvent, now: datetime) -> ProviderEvent | None:
    """Return the event as it would decide the task once a person accepts it; None when it would change nothing.

    A person who accepts says that the money is right as it came. An unknown status decides nothing, whatever money came
    with it: it may be a refund, a dispute or a reversal. Nor does what the provider itself calls pending. What is
    decided or closed stays so.
    """
    if task.status is not Status.OPEN or task.expired_by(now):
        return None
    return event if event.status in _FINAL else None


def carry_out(task: Task, event: ProviderEvent, ruling: Ruling, workflow: str, now: datetime) -> Change:
    """Return what the operators' ruling on a held event does: it decides an open task, or is put on record alone.

    Args:
        task: The payment's task as it stands.
        event: The held event.
        ruling: What the operators say.
        workflow: The workflow that asked them; it is the actor where nobody answered.
        now: The current time.
    """
    decisive = acceptable(task, event, now) if ruling.verdict is Verdict.ACCEPTED else None
    effect = decisive.status.value if decisive else NO_EFFECT
    sender = Sender(", ".join(ruling.by), "approval") if ruling.by else Sender(workflow, "kit")
    entry = sender.event(_RULED[ruling.verdict], _entry(event) | {"approval": ruling.task_id, "effect": effect})
    if decisive:
        return settle(task, decisive, (entry,), sender, now)
    return Change(task, None, {}, (entry,), now)


def effect_on_record(entries: Iterable[AuditEntry], ruling: Ruling) -> str:
    """Return the effect of a ruling that a task's audit has already; empty while it has not."""
    for entry in entries:
        if entry.event.event in _RULED.values() and entry.event.data["approval"] == ruling.task_id:
            return str(entry.event.data["effect"])
    return ""


def standing(task: Task, now: datetime) -> str:
    """Return how a payment stands, in a word: `pending` while it is open, or how it ended."""
    if task.status in (Status.DECIDED, Status.APPLIED):
        return str(document_of(task).get("status", EventStatus.FAILED))
    if task.status is Status.OPEN:
        return EventStatus.EXPIRED.value if task.expired_by(now) else EventStatus.PENDING.value
    return task.status.value.lower()


def _held_because(task: Task, event: ProviderEvent, now: datetime) -> str:
    """Say why an event cannot be acted on by a machine; empty when it can."""
    if event.status is EventStatus.UNKNOWN:
        return "unknown_status"
    if _is_other_money(task, _answer(event)):
        return "amount"
    says_paid = event.status is EventStatus.PAID
    if task.status in (Status.DECIDED, Status.APPLIED):
        return "contradiction" if event.status in _FINAL and _contradicts(task, event) else ""
    closed = task.status is not Status.OPEN or task.expired_by(now)
    return "closed" if closed and says_paid else ""


def _is_other_money(task: Task, answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer is about other money than what is expected; one that says paid must name it."""
    expected = task.correlation
    if expected is None or expected.amount is None:
        return False
    if "amount" not in answer:
        return bool(answer["status"] == EventStatus.PAID)
    return (Decimal(answer["amount"]), answer.get("currency")) != (expected.amount, expected.currency)


def _contradicts(task: Task, event: ProviderEvent) -> bool:
    """Tell whether a final event is at odds with the decision; failed and expired are the same to money.

    The event is about the money that was expected. The decision may not be: a person can have accepted other money.
    """
    decided, says_paid = document_of(task), event.status is EventStatus.PAID
    if (decided.get("status") == EventStatus.PAID) is not says_paid:
        return True
    return says_paid and "amount" in decided and _is_other_money(task, decided)


def _answer(event: ProviderEvent) -> dict[str, Any]:
    answer = {
        "status": event.status.value,
        "external_id": event.external_id,
        "event_id": event.event_id,
        "amount": event.amount,
        "currency": event.currency,
        "occurred_at": event.occurred_at and to_text(event.occurred_at),
        "reason": event.reason,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _entry(event: ProviderEvent) -> dict[str, Any]:
    """Return what the audit keeps of an event: no words of the provider's, which are untrusted."""
    answer = _answer(event)
    answer.pop("reason", None)
    return answer


def event_of(document: Mapping[str, Any]) -> ProviderEvent:
    """Return the event that a document in the ledger was made of; what it leaves out is None."""
    occurred_at = document.get("occurred_at")
    return ProviderEvent(
        event_id=document["event_id"],
        external_id=document["external_id"],
        status=EventStatus(document["status"]),
        amount=document.get("amount"),
        currency=document.get("currency"),
        occurred_at=from_text(occurred_at) if occurred_at else None,
        reason=document.get("reason"),
    )
