"""Adyen: standard webhooks of payments.

https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
https://docs.adyen.com/development-resources/webhooks/webhook-types

The signature is in the body, one for each item: `additionalData.hmacSignature`, base64 of an HMAC-SHA256 over eight of
its values, joined by colons; the key is hex. Nothing else is signed: not the time, the reason or the mode. So anybody
who has an item can send it again at any time with other unsigned values; deduplication by the signed values and the
task's state make that harmless. `live` is a filter, never a proof. One key serves all merchant accounts of a company
account: the signed `merchantAccountCode` names the account of an item.

The external id is `merchantReference`, which you choose; it is the same at authorisation and capture. Several
authorisations may share it, since a payer whose card was refused tries again; the payment id, the `pspReference` of the
authorisation, tells them apart. An authorisation counts as paid, as with automatic capture; for manual capture, remove
it from the table.

https://docs.adyen.com/online-payments/refund and https://docs.adyen.com/risk-management/understanding-disputes/dispute-notifications
document modifications and disputes. A failed refund or a reversed chargeback needs a person.

https://docs.adyen.com/api-explorer/Checkout/71/get/paymentLinks/(linkId) reads a payment link by its own id, the lookup
id; no API reads a payment by its `merchantReference`. A link that is not reusable is `completed` by one payment, which
its answer does not identify: the authorisation's webhook, before or after, names the `pspReference`. The answer has no
mode; the host is that of one. The live host has a prefix of the company, https://docs.adyen.com/development-resources/live-endpoints
"""

import re
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from datetime import datetime

from countersign.domain.errors import ContractError, LookFailedError, SignatureError
from countersign.domain.money import ISO_4217
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Call, Expected, Look, Verified, WebhookRequest
from countersign.providers.documents import Document

MINOR_UNITS = {**ISO_4217, "CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}
"""https://docs.adyen.com/development-resources/currency-codes: four currencies differ from ISO 4217."""

LIVE_PREFIX = r"[0-9a-f]{16}-[A-Za-z0-9]{1,32}"
"""The company's own part of the live host: with the rest of its label, at most the 63 characters of DNS."""

_MAX_ITEMS = 16
_STATUSES = {
    "AUTHORISATION": {"true": EventStatus.PAID, "false": EventStatus.DECLINED},
    "CAPTURE": {"true": EventStatus.PAID, "false": EventStatus.FAILED},
    "CAPTURE_FAILED": {"true": EventStatus.FAILED},
    "CANCELLATION": {"true": EventStatus.FAILED},
    "PENDING": {"true": EventStatus.PENDING},
    "OFFER_CLOSED": {"true": EventStatus.EXPIRED},
    "REFUND": {"true": EventStatus.REFUNDED},
    "REFUND_FAILED": {},
    "REFUNDED_REVERSED": {},
    "CANCEL_OR_REFUND": {},
    "NOTIFICATION_OF_CHARGEBACK": {"true": EventStatus.DISPUTED},
    "CHARGEBACK": {"true": EventStatus.DISPUTED},
    "SECOND_CHARGEBACK": {"true": EventStatus.DISPUTED},
    "CHARGEBACK_REVERSED": {},
}
"""Status by event code and `success`; any other is unknown. The result of `CANCEL_OR_REFUND` is not signed."""

_OF_LINKS = {
    "completed": EventStatus.PAID,
    "active": EventStatus.PENDING,
    "paymentPending": EventStatus.PENDING,
    "expired": EventStatus.EXPIRED,
}


class Adyen(Look):
    """Adyen's payments; every item of a notification is an event."""

    acknowledgement = "[accepted]"
    settings = frozenset({"live", "declined", "merchant_account", "live_prefix"})
    host, sandbox = "{}-checkout-live.adyenpayments.com", "checkout-test.adyen.com"
    lookup_path = "/v71/paymentLinks/{}"
    lookup_ids = r"PL[A-Z0-9]{1,62}"

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  no time is signed
        """Verify every item; one invalid signature refuses all."""
        keys = signatures.keys(secrets, unhexlify)
        try:
            signed = [(_signed(item), item.find("/additionalData/hmacSignature")) for item in _items(request.body)]
        except ContractError as error:
            raise SignatureError("malformed") from error
        for text, signature in signed:
            expected = [signatures.in_base64(key, text) for key in keys]
            signatures.require_match([signature] if isinstance(signature, str) else [], expected)
        return Verified(request.body)

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read every item; other event codes are ignored."""
        live = Document.read(verified.body).find("/live") in (None, "true")
        return tuple(
            expected.judge(_event(item), live=live, merchant_account=item.find("/merchantAccountCode"))
            for item in _known(verified.body)
        )

    def identity(self, verified: Verified, event: ProviderEvent) -> bytes:
        """Return the signed part of the event's item; the rest of it and the other items may change."""
        return next(_signed(item) for item in _known(verified.body) if _is_of(event, item))

    def place(self, external_id: str, lookup_id: str, expected: Expected) -> tuple[str, str]:
        """Return the company's own host in live mode, where the path has one step more."""
        host, path = super().place(external_id, lookup_id, expected)
        if not expected.live:
            return host, path
        prefix = expected.accounts.get("live_prefix", "")
        if not re.fullmatch(LIVE_PREFIX, prefix):
            raise LookFailedError("no_host")
        return host.format(prefix), f"/checkout{path}"

    def headers(self, key: str, expected: Expected, call: Call) -> Mapping[str, str]:  # noqa: ARG002  the key is enough
        """Return the API key."""
        return {"X-API-Key": key}

    def answer(self, said: Document, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read a payment link, which one payment completes. Its host is the one of the expected mode."""
        if said.find("/reusable") not in (None, False):
            raise said.refusal("must not be true: such a link says nothing about one payment", "/reusable")
        currency = said.currency("/amount/currency")
        event = ProviderEvent(
            event_id="",
            external_id=said.text("/reference"),
            status=_OF_LINKS.get(said.text("/status"), EventStatus.UNKNOWN),
            amount=said.minor_units("/amount/value", currency, MINOR_UNITS),
            currency=currency,
            occurred_at=said.moment("/updatedAt"),
        )
        return (expected.judge(event, live=expected.live, merchant_account=said.find("/merchantAccount")),)


def _items(body: bytes) -> list[Document]:
    notification = Document.read(body)
    items = notification.each("/notificationItems")
    if not 0 < len(items) <= _MAX_ITEMS:
        raise notification.refusal(f"must have 1 to {_MAX_ITEMS} items", "/notificationItems")
    return [item.member("/NotificationRequestItem") for item in items]


def _known(body: bytes) -> list[Document]:
    return [item for item in _items(body) if item.text("/eventCode") in _STATUSES]


def _signed(item: Document) -> bytes:
    """Return the signed text of an item.

    Adyen does not escape colons in values. Only the merchant's own reference may have one here, so that no two items of
    different meaning share a signed text.
    """
    before = [_value(item, name) for name in ("pspReference", "originalReference", "merchantAccountCode")]
    amount = [str(item.count("/amount/value")), _value(item, "amount/currency")]
    after = [*amount, *(_value(item, name) for name in ("eventCode", "success"))]
    if any(":" in value for value in (*before, *after)):
        raise item.refusal("has a colon in a value that must not have one", "")
    return ":".join([*before, _value(item, "merchantReference"), *after]).encode()


def _value(item: Document, name: str) -> str:
    found = item.find(f"/{name}")
    if found is not None and not isinstance(found, str):
        raise item.refusal("must be a text", f"/{name}")
    return found or ""


def _is_of(event: ProviderEvent, item: Document) -> bool:
    """Tell whether an event was read from an item; another item may have the same id and other values."""
    found = _event(item)
    return event == found.restated(event.status, event.reason)


def _event_id(item: Document) -> str:
    return ":".join((item.text("/pspReference", limit=80), item.text("/eventCode"), item.text("/success", limit=8)))


def _event(item: Document) -> ProviderEvent:
    code, success = item.text("/eventCode"), item.text("/success", limit=8)
    currency = item.currency("/amount/currency")
    return ProviderEvent(
        event_id=_event_id(item),
        external_id=item.text("/merchantReference"),
        status=_STATUSES[code].get(success, EventStatus.UNKNOWN),
        amount=item.minor_units("/amount/value", currency, MINOR_UNITS),
        currency=currency,
        occurred_at=item.moment("/eventDate"),
        reason=item.note("/reason"),
        payment_id=item.text("/originalReference" if item.find("/originalReference") else "/pspReference", limit=80),
    )


PROVIDER = Adyen()
