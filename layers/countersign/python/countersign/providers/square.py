"""Square: payments.

https://developer.squareup.com/docs/webhooks/step3validate
https://developer.squareup.com/reference/square/payments-api/webhooks/payment.updated

Header: `x-square-hmacsha256-signature: <base64>`. Signed: the notification URL, as it is registered with Square, and
the raw body, by HMAC-SHA256. No time is signed. The event's id is in the body; the external id is the payment's.
"""

from collections.abc import Sequence
from datetime import datetime

from countersign.domain import money, signatures
from countersign.domain.documents import Document
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.webhooks import Provider, Verified, WebhookRequest

_TYPES = frozenset({"payment.created", "payment.updated"})
_STATUSES = {
    "APPROVED": EventStatus.PENDING,
    "PENDING": EventStatus.PENDING,
    "COMPLETED": EventStatus.PAID,
    "CANCELED": EventStatus.FAILED,
    "FAILED": EventStatus.FAILED,
}
_PAYMENT = "/data/object/payment"


class Square(Provider):
    """Square's payments; the amount is what was asked, without a tip."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  no time is signed
        """Verify the signature over URL and body."""
        keys = signatures.keys(secrets)
        signed = request.url.encode() + request.body
        expected = [signatures.in_base64(key, signed) for key in keys]
        signatures.require_match([request.header("x-square-hmacsha256-signature")], expected)
        return Verified(request.body)

    def translate(self, verified: Verified) -> tuple[ProviderEvent, ...]:
        """Read one event."""
        event = Document.read(verified.body)
        if event.text("/type") not in _TYPES:
            return ()
        currency = event.currency(f"{_PAYMENT}/amount_money/currency")
        return (
            ProviderEvent(
                event_id=event.text("/event_id"),
                external_id=event.text(f"{_PAYMENT}/id"),
                status=_STATUSES.get(event.text(f"{_PAYMENT}/status"), EventStatus.UNKNOWN),
                amount=event.minor_units(f"{_PAYMENT}/amount_money/amount", currency, money.ISO_4217),
                currency=currency,
                occurred_at=event.moment("/created_at"),
            ),
        )


PROVIDER = Square()
