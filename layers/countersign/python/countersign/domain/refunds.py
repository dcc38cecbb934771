"""Refunds: the money of a payment that is reserved until the provider reports its refund, or nobody will refund it.

What is reserved and what is refunded together never exceed what was paid. Providers' events do not name the request
that a refund belongs to, so the amount does: an event confirms the reservation of this amount.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from countersign.domain import payments
from countersign.domain.answers import Sender, document_of
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.clock import from_text, to_text
from countersign.domain.errors import ContractError
from countersign.domain.provider_events import EventStatus
from countersign.domain.tasks import RESERVING, Change, Status, Task

RESERVED, CONFIRMED, FREED = "refund_reserved", "refund_confirmed", "refund_freed"
"""The audit entries of a payment's task about the money of a refund's request, which their data name."""


class Refusal(StrEnum):
    """Why a payment's money cannot be reserved."""

    NOT_PAID = "not_paid"
    OTHER_CURRENCY = "other_currency"
    TOO_MUCH = "too_much"
    """Less is left of what was paid than the refund's amount."""


class State(StrEnum):
    """What happened to the money of a refund's request."""

    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    """The provider has reported a refund of its amount."""
    FREED = "freed"
    """It is no longer reserved, and the provider has not reported the refund."""


def reserved(task: Task) -> Decimal:
    """Return the amount of a payment that is reserved for refunds."""
    return sum((Decimal(each["amount"]) for each in task.reserved.values()), Decimal(0))


def left(task: Task) -> Decimal:
    """Return the amount of a payment that is neither refunded nor reserved; never less than zero."""
    return max(Decimal(0), payments.money_of(task)[0] - payments.refunded(task) - reserved(task))


def refusal(task: Task, amount: Decimal, currency: str) -> Refusal | None:
    """Return why an amount of a payment cannot be reserved; None if it can."""
    is_paid = task.status is Status.APPLIED and document_of(task).get("status") == EventStatus.PAID
    if not is_paid or task.question.correlation is None:
        return Refusal.NOT_PAID
    if currency != payments.money_of(task)[1]:
        return Refusal.OTHER_CURRENCY
    return None if amount <= left(task) else Refusal.TOO_MUCH


def reserve(task: Task, refund: str, amount: Decimal, until: datetime, actor: str, now: datetime) -> Change:
    """Return the reservation of an amount, which `refusal` accepts.

    Args:
        task: The payment's task.
        refund: The id of the refund's request.
        amount: The amount, in units of the payment's currency.
        until: When the refund's request has ended, and the sweeper looks whether the money is still reserved.
        actor: Who reserves it.
        now: The current time.
    """
    entry = AuditEvent(RESERVED, actor, data=_data(refund, amount) | {"until": to_text(until)})
    reservation = {"amount": f"{amount:f}", "until": to_text(until)}
    return Change(task, RESERVING, {"reserved": {**task.reserved, refund: reservation}}, (entry,), now)


def free(
    task: Task, entries: Iterable[AuditEntry], refund: str, sender: Sender, because: str, now: datetime
) -> Change | None:
    """Return the end of a reservation whose refund was not carried out; None if there is nothing to end.

    If an event has confirmed it, that event was about another reservation of the same amount. Without one, the event
    counts: it may be about this refund after all.

    Args:
        task: The payment's task.
        entries: Its audit.
        refund: The id of the refund's request.
        sender: Who frees the money.
        because: Why, for the audit.
        now: The current time.
    """
    last = _last_entry(entries, refund)
    if last is None or last.event.event == FREED:
        return None
    amount = Decimal(last.event.data["amount"])
    freed = sender.event(FREED, _data(refund, amount) | {"because": because})
    if refund in task.reserved:
        return Change(task, RESERVING, {"reserved": _without(task, refund)}, (freed,), now)
    fields, confirmations = confirmed(task, amount, sender)
    return Change(task, RESERVING, fields, (freed, *confirmations), now) if confirmations else None


def resolve(
    task: Task,
    entries: Iterable[AuditEntry],
    refund: str,
    sender: Sender,
    because: str,
    now: datetime,
    *,
    refunded: bool,
) -> Change:
    """Return what a person found out about a refund in doubt: the provider has it, although no event says so, or not.

    The arguments are those of `free`.

    Raises:
        ContractError: Nothing is reserved for this request.
    """
    freed = free(task, entries, refund, sender, because, now) if refund in task.reserved else None
    if freed is None:
        there = ", ".join(task.reserved) or "none"
        raise ContractError(f"must be a request for which {task.task_id} has money reserved: {there}", "/request")
    if not refunded:
        return freed
    amount = _amount_of(task, refund)
    entry = sender.event(CONFIRMED, _data(refund, amount) | {"because": because})
    fields = {"reserved": _without(task, refund), "refunds": _with_refund(task, amount)}
    return Change(task, RESERVING, fields, (entry,), now)


def _with_refund(task: Task, amount: Decimal) -> Mapping[str, str]:
    named = task.payment_id or (task.question.correlation.external_id if task.question.correlation else "")
    return {**task.refunds, named: f"{Decimal(task.refunds.get(named, 0)) + amount:f}"}


def with_entry(task: Task, event: AuditEvent) -> Task:
    """Return a payment's task as one of the audit entries of refunds leaves it."""
    refund, amount = event.data["refund"], event.data["amount"]
    if event.event == RESERVED:
        reservation = {"amount": amount, "until": event.data["until"]}
        return replace(task, reserved={**task.reserved, refund: reservation})
    left = replace(task, reserved=_without(task, refund))
    by_person = event.event == CONFIRMED and "because" in event.data  # otherwise an event counts the refund
    return replace(left, refunds=_with_refund(left, Decimal(amount))) if by_person else left


def confirmed(task: Task, amount: Decimal, sender: Sender) -> tuple[dict[str, Any], tuple[AuditEvent, ...]]:
    """Return the fields and the audit entries of the reservations that a reported refund of an amount carries out.

    These are the reservation of this amount that ends first, or all together if the amount is their sum: a provider may
    report several refunds at once. Any other refund was made by hand, and confirms nothing.
    """
    in_order = sorted(task.reserved, key=lambda refund: task.reserved[refund]["until"])
    same = [refund for refund in in_order if _amount_of(task, refund) == amount][:1]
    done = same or (in_order if in_order and reserved(task) == amount else [])
    if not done:
        return {}, ()
    entries = tuple(sender.event(CONFIRMED, _data(refund, _amount_of(task, refund))) for refund in done)
    return {"reserved": _without(task, *done)}, entries


def state(task: Task, entries: Iterable[AuditEntry], refund: str) -> State | None:
    """Return what happened to the money of a refund's request; None if nothing was ever reserved for it.

    Args:
        task: The payment's task.
        entries: Its audit.
        refund: The id of the refund's request.
    """
    if refund in task.reserved:
        return State.RESERVED
    last = _last_entry(entries, refund)
    if last is None:
        return None
    return State.CONFIRMED if last.event.event == CONFIRMED else State.FREED


def ended(task: Task, now: datetime) -> tuple[str, ...]:
    """Return the requests that should have ended by now and for which money is still reserved."""
    return tuple(refund for refund, each in task.reserved.items() if from_text(each["until"]) <= now)


def _last_entry(entries: Iterable[AuditEntry], refund: str) -> AuditEntry | None:
    about = (each for each in entries if each.event.event in (RESERVED, CONFIRMED, FREED))
    return next((each for each in reversed([*about]) if each.event.data["refund"] == refund), None)


def _amount_of(task: Task, refund: str) -> Decimal:
    return Decimal(task.reserved[refund]["amount"])


def _without(task: Task, *refunds: str) -> Mapping[str, Mapping[str, str]]:
    return {refund: each for refund, each in task.reserved.items() if refund not in refunds}


def _data(refund: str, amount: Decimal) -> dict[str, str]:
    return {"refund": refund, "amount": f"{amount:f}"}
