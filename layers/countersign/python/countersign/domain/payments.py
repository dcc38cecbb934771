"""Payments: the effect of a provider's event on the task that waits for it.

A final event with the right amount decides the task. An event that is not final is recorded, and the wait goes on. An
event that needs a person is held: recorded, announced, and without effect until an operator accepts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from countersign.domain.answers import Sender, decide, document_of
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import from_text, to_text
from countersign.domain.provider_events import EventStatus, Handling, ProviderEvent
from countersign.domain.questions import Correlation
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import canonical, digest
from countersign.domain.tasks import STAYING, Change, Status, Task

MOST_NOTED = 50
"""How many different reports about a payment are recorded, from all senders that are identified in the same way: the
sources of a bus are free text."""

MOST_ENTRIES = 200
"""Up to how many entries an audit records events that are not final: a worker can repeat them without end."""

FINAL = frozenset({EventStatus.PAID, EventStatus.FAILED, EventStatus.EXPIRED})
_NOT_FINAL = frozenset({EventStatus.PENDING, EventStatus.DECLINED})
REVERSALS = frozenset({EventStatus.REFUNDED, EventStatus.DISPUTED})
"""Events that take money back. A payment that has one becomes paid only by a person's decision."""


@dataclass(frozen=True)
class Effect:
    """The effect of an event.

    Attributes:
        handling: How the event is handled.
        change: The change to write; without audit entries if the event is repeated, or not final and too frequent.
        held_because: Why a person must decide; empty unless the event is held.
    """

    handling: Handling
    change: Change
    held_because: str = ""

    @property
    def says_nothing(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.change.events or self.change.fields)


def apply(task: Task, event: ProviderEvent, sender: Sender, now: datetime) -> Effect:
    """Return what an event does to the task that it is about.

    Args:
        task: The correlated task.
        event: What the provider says.
        sender: The provider.
        now: The current time.
    """
    held = _held_because(task, event, now)
    if held:
        record = sender.event("held", entry_of(event) | {"reason": held})
        return _once(Effect(Handling.HELD, Change(task, None, {}, (record,), now), held), event, sender)
    entry = sender.event("responded", entry_of(event))
    if not task.takes_answers(now) or event.status in REVERSALS:
        handling = Handling(event.status.value) if event.status in REVERSALS else Handling.RECORDED
        return _once(Effect(handling, _reported(task, event, entry, sender, now)), event, sender)
    if event.status in _NOT_FINAL:
        declined = {"declined": event.reason or "declined"} if event.status is EventStatus.DECLINED else {}
        fields = declined | {"revision": task.revision + 1}
        entries = (entry,) if task.audit_seq < MOST_ENTRIES else ()
        return Effect(Handling(event.status.value), Change(task, STAYING, fields, entries, now))
    return Effect(Handling.RECORDED, decided_by_event(task, event, (entry,), sender, now))


def _reported(task: Task, event: ProviderEvent, entry: AuditEvent, sender: Sender, now: datetime) -> Change:
    """Return the record of an event that decides nothing; a refund confirms what is reserved for it."""
    fields, entries = learnt(task, event), (entry,)
    if task.reserved and "refunds" in fields:
        # Imported here: refunds are rare, and it would slow the cold start of the public function.
        from countersign.domain import refunds

        went_back = refunded(replace(task, **fields)) - refunded(task)
        done, confirmations = refunds.confirmed(task, went_back, sender)
        return Change(task, None, fields | done, (*entries, *confirmations), now)
    return Change(task, None, fields, entries, now)


def ignore(task: Task, event: ProviderEvent, sender: Sender, now: datetime) -> Change | None:
    """Return the record that an event about an open task was ignored; None if there is nothing to record.

    The money may be real and the settings wrong, so the audit records it, once for each reason.

    Args:
        task: The task.
        event: An event of test mode, or of another account, with the reason.
        sender: The provider.
        now: The current time.
    """
    reason = event.reason or ""
    if task.status is not Status.OPEN or reason in task.ignored:
        return None
    record = sender.event("ignored", {"event_id": event.event_id, "external_id": event.external_id, "reason": reason})
    return Change(task, None, {"ignored": (*task.ignored, reason)}, (record,), now)


def decided_by_event(
    task: Task, event: ProviderEvent, events: tuple[AuditEvent, ...], sender: Sender, now: datetime
) -> Change:
    """Return the decision of an open task by an event."""
    fields = learnt(task, event) | {"answer": answer_of(event)}
    return decide(task, Outcome.ANSWERED, fields, events, sender, now)


def answer_of(event: ProviderEvent) -> str:
    """Return the answer that an event decides a task with, as JSON text."""
    return canonical(said_by(event)).decode()


def standing(task: Task, now: datetime) -> str:
    """Return the payment's status: `pending` while it is open, or how it ended."""
    if task.status in (Status.DECIDED, Status.APPLIED):
        return str(document_of(task).get("status", EventStatus.FAILED))
    if task.status is Status.OPEN:
        return EventStatus.EXPIRED.value if task.expired_by(now) else EventStatus.PENDING.value
    return task.status.value.lower()


def money_of(task: Task) -> tuple[Decimal, str]:
    """Return a payment's amount and currency: what was paid, or else what is expected."""
    expected, paid = task.question.correlation or Correlation("", ""), document_of(task)
    return Decimal(paid.get("amount", expected.amount or 0)), str(paid.get("currency", expected.currency))


def refunded(task: Task) -> Decimal:
    """Return the refunded amount of a payment, without refunds of attempts other than the one that paid."""
    return sum((Decimal(amount) for attempt, amount in task.refunds.items() if _concerns(task, attempt)), Decimal(0))


def disputed(task: Task) -> bool:
    """Tell whether the payer disputes a payment."""
    return any(_concerns(task, attempt) for attempt in task.disputes)


def reversals(*tasks: Task) -> dict[str, Any]:
    """Return the reversals of payments for a result: `refunded` and `disputed`, each only if there is one."""
    amount = sum(map(refunded, tasks), Decimal(0))
    found: dict[str, Any] = {"refunded": f"{amount:f}"} if amount else {}
    return found | ({"disputed": True} if any(map(disputed, tasks)) else {})


def _attempt(event: ProviderEvent) -> str:
    """Return the id of an event's attempt to pay: the external id if the provider does not identify attempts."""
    return event.payment_id or event.external_id


def _concerns(task: Task, attempt: str) -> bool:
    """Tell whether an attempt is the one that paid; while that is unknown, any attempt may be."""
    named = task.question.correlation and task.question.correlation.external_id
    return not task.payment_id or attempt in (task.payment_id, named)


def _once(effect: Effect, event: ProviderEvent, sender: Sender) -> Effect:
    """Record a repeated report once, and give it its effect once, however often one sender repeats it."""
    change, noted = effect.change, effect.change.before.noted
    fact, way = _fact(effect, event, sender), sender.identified_by
    if fact in noted:
        return replace(effect, handling=Handling.DUPLICATE, change=replace(change, events=(), fields={}))
    if list(noted.values()).count(way) < MOST_NOTED:
        return replace(effect, change=replace(change, fields={**change.fields, "noted": {**noted, fact: way}}))
    return effect if change.fields else replace(effect, change=replace(change, events=()))


def _fact(effect: Effect, event: ProviderEvent, sender: Sender) -> str:
    """Return the digest of a sender's report, which is the same for a repeated report.

    A worker can repeat a report in any words for as long as its token is known, a year and longer. A provider's event
    with a new id may mean other money.
    """
    by_id = sender.is_provider and _may_be_other(event, effect.held_because)
    told_by = event.event_id if by_id else effect.held_because
    said = [event.status.value, event.amount, event.currency, event.payment_id, told_by]
    return digest([sender.actor, sender.identified_by, *said])[:32]


def _may_be_other(event: ProviderEvent, held_because: str) -> bool:
    """Tell whether an event may mean other money than an earlier one with the same content.

    It cannot if nothing was paid, if it names the payment and reports all of it, or if the ledger already has it.
    """
    if event.status not in FINAL | _NOT_FINAL or held_because == "amount":
        return True
    return event.status is EventStatus.PAID and not event.payment_id and held_because != ""


def learnt(task: Task, event: ProviderEvent) -> dict[str, Any]:
    """Return the fields of a payment that an event changes, apart from its decision."""
    attempt = _attempt(event)
    match event.status:
        case EventStatus.PAID if event.payment_id and not task.payment_id:
            return {"payment_id": attempt}
        case EventStatus.REFUNDED if (total := _refunded_by(task, event)) != Decimal(task.refunds.get(attempt, 0)):
            return {"refunds": {**task.refunds, attempt: f"{total:f}"}}
        case EventStatus.DISPUTED if attempt not in task.disputes or len(task.disputes) < MOST_NOTED:
            return {"disputes": (*task.disputes, attempt)}
    return {}


def _refunded_by(task: Task, event: ProviderEvent) -> Decimal:
    """Return an attempt's refunded amount after an event. Events come in any order, so a total never shrinks."""
    before, amount = Decimal(task.refunds.get(_attempt(event), 0)), Decimal(event.amount or 0)
    return max(before, amount) if event.cumulative else before + amount


def _held_because(task: Task, event: ProviderEvent, now: datetime) -> str:
    """Return why a person must decide about an event; empty if a machine may act on it."""
    if event.status is EventStatus.UNKNOWN:
        return "unknown_status"
    if _is_about_other_money(task, event):
        return "amount"
    if task.status in (Status.DECIDED, Status.APPLIED):
        return _at_odds(task, event) if event.status in FINAL else ""
    if event.status is not EventStatus.PAID:
        return ""
    if not task.takes_answers(now):
        return "closed"
    return "disputed" if task.disputes else "refunded" if task.refunds else ""


def _is_about_other_money(task: Task, event: ProviderEvent) -> bool:
    """Tell whether an event's money differs from the expected money, or a refund exceeds what was paid.

    A declined attempt moves no money. A dispute counts whatever its amount, which may be a part or include fees.
    """
    if event.status in (EventStatus.DECLINED, EventStatus.DISPUTED):
        return False
    if event.status is not EventStatus.REFUNDED:
        return _is_other_money(task, said_by(event))
    paid, currency = money_of(task)
    return event.currency != currency or _refunded_by(task, event) > paid


def _is_other_money(task: Task, answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer's money differs from the expected money; a paid answer must name its money."""
    expected = task.question.correlation
    if expected is None or expected.amount is None:
        return False
    if "amount" not in answer:
        return bool(answer["status"] == EventStatus.PAID)
    return (Decimal(answer["amount"]), answer.get("currency")) != (expected.amount, expected.currency)


def _at_odds(task: Task, event: ProviderEvent) -> str:
    """Return how a final event contradicts the decision; empty if it does not. Failed and expired do not differ here.

    The event has the expected money. The decision may have other money, if a person accepted it.
    """
    decided, says_paid = document_of(task), event.status is EventStatus.PAID
    is_paid, other_attempt = decided.get("status") == EventStatus.PAID, not _concerns(task, _attempt(event))
    if is_paid and other_attempt:
        return "paid_twice" if says_paid else ""
    if is_paid is not says_paid or (says_paid and "amount" in decided and _is_other_money(task, decided)):
        return "contradiction"
    return ""


def said_by(event: ProviderEvent) -> dict[str, Any]:
    """Return the document of an event, which `event_of` reads: what the event does not say is left out."""
    answer = {
        "status": event.status.value,
        "external_id": event.external_id,
        "event_id": event.event_id,
        "amount": event.amount,
        "currency": event.currency,
        "occurred_at": event.occurred_at and to_text(event.occurred_at),
        "reason": event.reason,
        "payment_id": event.payment_id,
        "cumulative": event.cumulative or None,
    }
    return {name: value for name, value in answer.items() if value is not None}


def entry_of(event: ProviderEvent) -> dict[str, Any]:
    """Return the part of an event that the audit keeps, without the provider's words, which are untrusted."""
    answer = said_by(event)
    answer.pop("reason", None)
    return answer


def event_of(document: Mapping[str, Any]) -> ProviderEvent:
    """Return the event from its document in the ledger; absent members are None."""
    occurred_at = document.get("occurred_at")
    return ProviderEvent(
        event_id=document["event_id"],
        external_id=document["external_id"],
        status=EventStatus(document["status"]),
        amount=document.get("amount"),
        currency=document.get("currency"),
        occurred_at=from_text(occurred_at) if occurred_at else None,
        reason=document.get("reason"),
        payment_id=document.get("payment_id"),
        cumulative=document.get("cumulative", False),
    )
