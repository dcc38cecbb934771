"""Shopify: orders and their transactions, also refunds.

https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook-to-ensure-its-coming-from-shopify
https://shopify.dev/docs/api/admin-rest/latest/resources/order
https://shopify.dev/docs/api/admin-rest/latest/resources/transaction

Header: `X-Shopify-Hmac-SHA256: <base64>` of an HMAC-SHA256 over the raw body. `X-Shopify-Webhook-Id`, the id, and
`X-Shopify-Topic` are not signed: an order that was only created, sent again as `orders/paid`, must not be paid. So type
and status are read from the body, and the event's id is the digest of the body, so that a body sent again under another
id is a duplicate. No time is signed. The external id is the order's, which is unique across shops.
`X-Shopify-Shop-Domain` is not signed and the body names no shop: the setting `shop` is a filter, not a proof.

A test order or a test transaction has `test` in the signed body. An order's `financial_status` reports a refund, and
its refunds add up to the total; a transaction of kind `refund` has its own amount. Subscribe to topics of orders or of
transactions, not to both: a refund would count twice, and a payment would be held as a second one of the order. The
payment id is the transaction's, for a refund its parent's; an order is one payment, however often it is reported.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from countersign.domain import money
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Expected, Provider, Verified, WebhookRequest
from countersign.providers.documents import Document

_ORDERS = {
    "pending": EventStatus.PENDING,
    "authorized": EventStatus.PENDING,
    "partially_paid": EventStatus.PENDING,
    "paid": EventStatus.PAID,
    "voided": EventStatus.FAILED,
    "expired": EventStatus.EXPIRED,
    "partially_refunded": EventStatus.REFUNDED,
    "refunded": EventStatus.REFUNDED,
}
_PAYING = {
    "pending": EventStatus.PENDING,
    "success": EventStatus.PAID,
    "failure": EventStatus.DECLINED,
    "error": EventStatus.DECLINED,
}
_TRANSACTIONS = {"sale": _PAYING, "capture": _PAYING, "refund": {"success": EventStatus.REFUNDED}}
"""Status by kind and Shopify's own status; any other is unknown, for example that of a failed refund."""


class Shopify(Provider):
    """Shopify's orders by `financial_status`, and transactions that pay or refund them."""

    settings = frozenset({"live", "declined", "shop"})

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  no time is signed
        """Verify the signature; the shop is not signed."""
        keys = signatures.keys(secrets)
        expected = [signatures.in_base64(key, request.body) for key in keys]
        signatures.require_match([request.header("x-shopify-hmac-sha256")], expected)
        return Verified(request.body, origin=request.headers.get("x-shopify-shop-domain", ""))

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read an order or a transaction."""
        body = Document.read(verified.body)
        if body.find("/financial_status") is not None:
            said = _order(verified.digest, body)
        elif (kind := body.find("/kind")) in [*_TRANSACTIONS]:
            said = _transaction(verified.digest, body, _TRANSACTIONS[str(kind)])
        else:
            return ()
        live = body.find("/test") in (None, False)
        return (expected.judge(said, live=live, shop=verified.origin),)


def _order(event_id: str, order: Document) -> ProviderEvent:
    order_id = str(order.count("/id"))
    status = _ORDERS.get(order.text("/financial_status"), EventStatus.UNKNOWN)
    currency = order.currency("/currency")
    amount = order.amount("/total_price", currency)
    if status is EventStatus.REFUNDED:
        went_back = _refunded(order, currency)
        if went_back is None and order.find("/financial_status") == "partially_refunded":
            status = EventStatus.UNKNOWN  # a person must look up the refunded amount
        amount = went_back or amount
    return ProviderEvent(
        event_id=event_id,
        external_id=order_id,
        status=status,
        amount=amount,
        currency=currency,
        occurred_at=order.moment("/updated_at"),
        reason=order.note("/cancel_reason"),
        payment_id=order_id,
        cumulative=status is EventStatus.REFUNDED,
    )


def _refunded(order: Document, currency: str) -> str | None:
    """Return the total refunded amount of an order; None if it lists no refunds."""
    from decimal import Decimal  # heavy, and refunds are rare

    refunds = order.each("/refunds") if order.find("/refunds") else []
    went_back = [
        Decimal(transaction.amount("/amount", currency))
        for refund in refunds
        for transaction in refund.each("/transactions")
        if (transaction.find("/kind"), transaction.find("/status")) == ("refund", "success")
    ]
    return money.canonical(f"{sum(went_back):f}", currency) if went_back else None


def _transaction(event_id: str, transaction: Document, statuses: Mapping[str, EventStatus]) -> ProviderEvent:
    currency = transaction.currency("/currency")
    is_refund = transaction.find("/kind") == "refund" and transaction.find("/parent_id") is not None
    return ProviderEvent(
        event_id=event_id,
        external_id=str(transaction.count("/order_id")),
        status=statuses.get(transaction.text("/status"), EventStatus.UNKNOWN),
        amount=transaction.amount("/amount", currency),
        currency=currency,
        occurred_at=transaction.moment("/processed_at"),
        reason=transaction.note("/error_code"),
        payment_id=str(transaction.count("/parent_id" if is_refund else "/id")),
    )


PROVIDER = Shopify()
