"""Stripe: payment intents.

https://docs.stripe.com/webhooks#verify-manually
https://docs.stripe.com/api/payment_intents/object

Header: `Stripe-Signature: t=<timestamp>,v1=<hex>[,v1=<hex>]`; other schemes, such as `v0`, are passed over.
Signed: `{t}.{raw body}` by HMAC-SHA256; the key is the whole `whsec_…` text. The event's id is in the body.
"""

from collections.abc import Sequence
from datetime import datetime

from countersign.domain import money, signatures
from countersign.domain.documents import Document
from countersign.domain.errors import SignatureError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.webhooks import Provider, Verified, WebhookRequest

_STATUSES = {
    "payment_intent.succeeded": EventStatus.PAID,
    "payment_intent.processing": EventStatus.PENDING,
    "payment_intent.payment_failed": EventStatus.FAILED,
    "payment_intent.canceled": EventStatus.FAILED,
}
_WITHOUT_RESULT = frozenset(
    f"payment_intent.{step}" for step in ("created", "requires_action", "amount_capturable_updated", "partially_funded")
)


class Stripe(Provider):
    """Stripe's payment intents; the external id is the payment intent's."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:
        """Verify one of the signatures of the header."""
        keys = signatures.keys(secrets)
        timestamp, sent = _parts_of(request.header("stripe-signature"))
        signatures.require_fresh(timestamp, now)
        signed = timestamp.encode() + b"." + request.body
        signatures.require_match(sent, [signatures.in_hex(key, signed) for key in keys])
        return Verified(request.body)

    def translate(self, verified: Verified) -> tuple[ProviderEvent, ...]:
        """Read one event.

        What was paid is `amount_received`: a payment intent that was captured in part has succeeded too, and its
        `amount` is still what was asked. Before it has succeeded nothing is received, and `amount` is what it is about.
        """
        event = Document.read(verified.body)
        kind = event.text("/type")
        if not kind.startswith("payment_intent.") or kind in _WITHOUT_RESULT:
            return ()
        status = _STATUSES.get(kind, EventStatus.UNKNOWN)
        paid = status is EventStatus.PAID and event.find("/data/object/amount_received") is not None
        currency = event.currency("/data/object/currency")
        amount = "/data/object/amount_received" if paid else "/data/object/amount"
        return (
            ProviderEvent(
                event_id=event.text("/id"),
                external_id=event.text("/data/object/id"),
                status=status,
                amount=event.minor_units(amount, currency, money.STRIPE),
                currency=currency,
                occurred_at=event.moment("/created"),
                reason=_reason(event, status),
            ),
        )


def _parts_of(header: str) -> tuple[str, list[str]]:
    """Return the timestamp and the signatures of version 1; of too many, one more than is allowed."""
    items = [item.partition("=") for item in header.split(",", signatures.MAX_SIGNATURES + 1)]
    timestamps = [value for name, _, value in items if name == "t"]
    if len(timestamps) != 1 or not all(separator for _, separator, _ in items):
        raise SignatureError("malformed")
    return timestamps[0], [value for name, _, value in items if name == "v1"]


def _reason(event: Document, status: EventStatus) -> str | None:
    if status is not EventStatus.FAILED:
        return None
    error = "/data/object/last_payment_error"
    canceled = event.note("/data/object/cancellation_reason")
    return canceled or event.note(f"{error}/decline_code") or event.note(f"{error}/code")


PROVIDER = Stripe()
