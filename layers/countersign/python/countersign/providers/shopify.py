"""Shopify: orders and their transactions.

https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook-to-ensure-its-coming-from-shopify
https://shopify.dev/docs/api/admin-rest/latest/resources/order
https://shopify.dev/docs/api/admin-rest/latest/resources/transaction

Header: `X-Shopify-Hmac-SHA256: <base64>` of an HMAC-SHA256 over the raw body. `X-Shopify-Webhook-Id`, the id, and
`X-Shopify-Topic` are not signed: an order that was only created, sent again as `orders/paid`, must not be paid. So what
it is, and how it stands, is read from the body. No time is signed. The external id is the order's.
"""

from collections.abc import Sequence
from datetime import datetime

from countersign.domain import signatures
from countersign.domain.documents import Document
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.webhooks import Provider, Verified, WebhookRequest

_ORDERS = {
    "pending": EventStatus.PENDING,
    "authorized": EventStatus.PENDING,
    "partially_paid": EventStatus.PENDING,
    "paid": EventStatus.PAID,
    "voided": EventStatus.FAILED,
    "expired": EventStatus.EXPIRED,
}
_TRANSACTIONS = {
    "pending": EventStatus.PENDING,
    "success": EventStatus.PAID,
    "failure": EventStatus.FAILED,
    "error": EventStatus.FAILED,
}
_PAYING_KINDS = ("sale", "capture")


class Shopify(Provider):
    """Shopify's orders by `financial_status`, and transactions that pay them."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  no time is signed
        """Verify the signature; the delivery id is not signed."""
        keys = signatures.keys(secrets)
        expected = [signatures.in_base64(key, request.body) for key in keys]
        signatures.require_match([request.header("x-shopify-hmac-sha256")], expected)
        return Verified(request.body, request.identifier("x-shopify-webhook-id"))

    def translate(self, verified: Verified) -> tuple[ProviderEvent, ...]:
        """Read an order or a transaction."""
        body = Document.read(verified.body)
        if body.find("/financial_status") is not None:
            status = _ORDERS.get(body.text("/financial_status"), EventStatus.UNKNOWN)
            order, amount, at, reason = "/id", "/total_price", "/updated_at", "/cancel_reason"
        elif body.find("/kind") in _PAYING_KINDS:
            status = _TRANSACTIONS.get(body.text("/status"), EventStatus.UNKNOWN)
            order, amount, at, reason = "/order_id", "/amount", "/processed_at", "/error_code"
        else:
            return ()
        currency = body.currency("/currency")
        return (
            ProviderEvent(
                event_id=verified.delivery_id,
                external_id=str(body.count(order)),
                status=status,
                amount=body.amount(amount, currency),
                currency=currency,
                occurred_at=body.moment(at),
                reason=body.note(reason),
            ),
        )


PROVIDER = Shopify()
