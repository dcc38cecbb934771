"""Square: payments, their refunds, and disputes.

https://developer.squareup.com/docs/webhooks/step3validate
https://developer.squareup.com/reference/square/payments-api/webhooks/payment.updated
https://developer.squareup.com/reference/square/objects/Payment
https://developer.squareup.com/reference/square/refunds-api/webhooks/refund.updated
https://developer.squareup.com/reference/square/disputes-api/webhooks/dispute.created

Header: `x-square-hmacsha256-signature: <base64>`. Signed: the notification URL, as it is registered with Square, and
the raw body, by HMAC-SHA256. No time is signed. The event's id is in the body; the external id is the payment's. A
payment is one attempt: a failed payment has ended.

A refunded payment keeps `COMPLETED`, and `refunded_money` is the total so far. A failed refund needs a person. Square's
sandbox signs with other keys, for other URLs; the body does not show the mode. One subscription serves every seller who
has authorised the application: `account` is compared with the signed `merchant_id`.
"""

from collections.abc import Sequence
from datetime import datetime

from countersign.domain import money
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Expected, Provider, Verified, WebhookRequest
from countersign.providers.documents import Document

_PAYMENTS = frozenset({"payment.created", "payment.updated"})
_PAYMENT, _REFUND, _DISPUTE = "/data/object/payment", "/data/object/refund", "/data/object/dispute"
_LOST_REFUNDS = frozenset({"FAILED", "REJECTED"})
_STATUSES = {
    "APPROVED": EventStatus.PENDING,
    "PENDING": EventStatus.PENDING,
    "COMPLETED": EventStatus.PAID,
    "CANCELED": EventStatus.FAILED,
    "FAILED": EventStatus.FAILED,
}


class Square(Provider):
    """Square's payments; the amount is without a tip."""

    settings = frozenset({"account"})

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  no time is signed
        """Verify the signature over URL and body."""
        keys = signatures.keys(secrets)
        signed = request.url.encode() + request.body
        expected = [signatures.in_base64(key, signed) for key in keys]
        signatures.require_match([request.header("x-square-hmacsha256-signature")], expected)
        return Verified(request.body)

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read one event."""
        event = Document.read(verified.body)
        kind = event.text("/type")
        if kind in _PAYMENTS:
            said = _payment(event)
        elif kind == "dispute.created":
            payment_id, amount = f"{_DISPUTE}/disputed_payment/payment_id", f"{_DISPUTE}/amount_money"
            said = _event(event, payment_id, EventStatus.DISPUTED, amount)
        elif kind == "refund.updated" and event.find(f"{_REFUND}/status") in _LOST_REFUNDS:
            said = _event(event, f"{_REFUND}/payment_id", EventStatus.UNKNOWN, f"{_REFUND}/amount_money")
        else:
            return ()
        return (expected.judge(said, account=event.find("/merchant_id")),)


def _payment(event: Document) -> ProviderEvent:
    if event.find(f"{_PAYMENT}/refunded_money/amount"):
        return _event(event, f"{_PAYMENT}/id", EventStatus.REFUNDED, f"{_PAYMENT}/refunded_money")
    status = _STATUSES.get(event.text(f"{_PAYMENT}/status"), EventStatus.UNKNOWN)
    return _event(event, f"{_PAYMENT}/id", status, f"{_PAYMENT}/amount_money")


def _event(event: Document, payment_id: str, status: EventStatus, amount: str) -> ProviderEvent:
    """Return an event about a payment, with its id and amount at these pointers."""
    currency, named = event.currency(f"{amount}/currency"), event.text(payment_id)
    return ProviderEvent(
        event_id=event.text("/event_id"),
        external_id=named,
        status=status,
        amount=event.minor_units(f"{amount}/amount", currency, money.ISO_4217),
        currency=currency,
        occurred_at=event.moment("/created_at"),
        payment_id=named,
        cumulative=status is EventStatus.REFUNDED,
    )


PROVIDER = Square()
