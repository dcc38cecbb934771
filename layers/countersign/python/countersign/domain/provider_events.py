"""Events of providers, translated into the kit's terms."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class EventStatus(StrEnum):
    """The status that an event reports. Only `paid`, `failed` and `expired` are final."""

    PENDING = "pending"
    DECLINED = "declined"
    """One attempt to pay failed; the payer may try again."""
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    """All or a part of the money went back; `amount` says how much."""
    DISPUTED = "disputed"
    """The payer disputes the payment (chargeback)."""
    IGNORED = "ignored"
    """An event of test mode, or of an account that the settings do not name; `reason` says which. It has no effect."""
    UNKNOWN = "unknown"
    """An event about a payment whose status the kit does not know; a person must decide."""


@dataclass(frozen=True)
class ProviderEvent:
    """One event of a provider.

    Attributes:
        event_id: The provider's id of this event, the same at every retry; 1 to 200 printable characters.
        external_id: The provider's id of the payment or other subject; 1 to 200 printable characters.
        status: The status that the event reports.
        amount: Decimal text in units of the currency, in canonical form; None without an amount.
        currency: ISO 4217 code, upper case; None without an amount.
        occurred_at: Time of the event by the provider's clock; None if unknown.
        reason: Reason in the provider's words, untrusted, at most 500 characters; None without one.
        payment_id: The provider's id of this attempt to pay, if several attempts may share the external id, or several
            events may report the same attempt; otherwise None.
        cumulative: Whether the amount of a refund counts every refund of the payment so far, not this one alone.
    """

    event_id: str
    external_id: str
    status: EventStatus
    amount: str | None = None
    currency: str | None = None
    occurred_at: datetime | None = None
    reason: str | None = None
    payment_id: str | None = None
    cumulative: bool = False

    def restated(self, status: EventStatus, reason: str | None) -> "ProviderEvent":
        """Return the event with another status and reason."""
        return replace(self, status=status, reason=reason)


@dataclass(frozen=True)
class ParkedEvent:
    """An event that waits for its task.

    Attributes:
        provider: The provider's name.
        event: The event.
        identified_by: How the provider was identified; empty if an earlier version of the kit stored the event.
    """

    provider: str
    event: ProviderEvent
    identified_by: str


class Handling(StrEnum):
    """How an event was handled."""

    RECORDED = "recorded"
    """It decided the task, or came after the decision and changes nothing."""
    PENDING = "pending"
    """It is not final; the task waits on."""
    DECLINED = "declined"
    """An attempt to pay failed; the task waits for another one."""
    REFUNDED = "refunded"
    """It recorded a refund."""
    DISPUTED = "disputed"
    """It recorded a dispute."""
    HELD = "held"
    """A person must decide."""
    PARKED = "parked"
    """Its task is not open yet."""
    DUPLICATE = "duplicate"
    """It came before, or repeats a report about a payment that has ended."""
    CONFLICT = "conflict"
    """Another event with the same id came before."""
    IGNORED = "ignored"
    """The kit does not act on events of its type, or the provider's settings do not expect it."""


WAITING = frozenset({Handling.PENDING, Handling.DECLINED, Handling.PARKED})
"""Handlings that have no effect on the workflow yet."""


@dataclass(frozen=True)
class EventRecord:
    """The record of an event and its handling, kept for as long as providers may send the event again.

    Attributes:
        provider: The provider's name.
        event_id: The provider's id of the event.
        body_digest: SHA-256 of its body, in hex.
        handling: How it was handled.
        task_id: The task that it is about; empty without one.
    """

    provider: str
    event_id: str
    body_digest: str
    handling: Handling
    task_id: str = ""
