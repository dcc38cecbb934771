"""What a provider's webhook says of a payment, or of whatever else was asked of it, in the kit's own words."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class EventStatus(StrEnum):
    """How the provider says it stands. Only `paid`, `failed` and `expired` are final."""

    PENDING = "pending"
    DECLINED = "declined"
    """One attempt to pay failed; the payer may try again."""
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    """Money went back, all of it or a part; `amount` says how much."""
    DISPUTED = "disputed"
    """The payer disputes the payment (chargeback)."""
    IGNORED = "ignored"
    """An event of test mode, or of another account than the settings name; `reason` says which. It never acts."""
    UNKNOWN = "unknown"
    """An event about a payment that this kit has no word for; a person must look at it."""


@dataclass(frozen=True)
class ProviderEvent:
    """One event of a provider.

    Attributes:
        event_id: What the provider calls this event; the same at every retry. 1 to 200 printable characters.
        external_id: What the provider calls that which the event is about. 1 to 200 printable characters.
        status: How it stands.
        amount: Decimal text in units of the currency, in canonical form; None where the event has none.
        currency: ISO 4217 code, upper case; None where there is no amount.
        occurred_at: When it happened, by the provider's clock; None where it does not say.
        reason: Why, in the provider's words, untrusted and at most 500 characters; None where it does not say.
        payment_id: The provider's id of this payment, or attempt to pay, where several may share the external id, or
            events tell of one again and again; None elsewhere.
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
        provider: Whose.
        event: What the provider says.
        identified_by: How the provider was identified; empty where an earlier version has kept the event.
    """

    provider: str
    event: ProviderEvent
    identified_by: str


class Handling(StrEnum):
    """What became of an event."""

    RECORDED = "recorded"
    """It decided, or came after the decision and changes nothing."""
    PENDING = "pending"
    """It is not final: the task waits on."""
    DECLINED = "declined"
    """An attempt to pay failed: the task waits on for another."""
    REFUNDED = "refunded"
    """Money of the payment went back: it is on record."""
    DISPUTED = "disputed"
    """The payer disputes the payment: it is on record."""
    HELD = "held"
    """A person must look at it."""
    PARKED = "parked"
    """Its task is not open yet."""
    DUPLICATE = "duplicate"
    """It had come before, or said nothing new about a payment that is over."""
    CONFLICT = "conflict"
    """Another event of the same id had come before."""
    IGNORED = "ignored"
    """It is of a type that the kit does not act on, or the provider's settings expect no such events."""


WAITING = frozenset({Handling.PENDING, Handling.DECLINED, Handling.PARKED})
"""What is on record without an effect on the workflow yet."""


@dataclass(frozen=True)
class EventRecord:
    """That an event of a provider came, and what became of it; kept for as long as providers may send it again.

    Attributes:
        provider: Whose.
        event_id: What they call it.
        body_digest: SHA-256 of the body that it came in, in hex.
        handling: What became of it.
        task_id: The task that it is about; empty where there is none.
    """

    provider: str
    event_id: str
    body_digest: str
    handling: Handling
    task_id: str = ""
