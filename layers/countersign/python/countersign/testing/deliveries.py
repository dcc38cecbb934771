"""Genuine webhooks of every provider, for tests that change one part of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from countersign.domain.provider_events import ProviderEvent
from countersign.providers import base
from countersign.providers.base import Provider, Verified, WebhookRequest
from countersign.providers.paypal import PayPal
from countersign.testing import signing
from countersign.testing.builders import NOW

AT = int(NOW.timestamp())
URL = "https://hooks.example.com/webhooks/pay"
DELIVERY_ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
PAYPAL_HEADERS = {
    "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    "PAYPAL-CERT-URL": "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77",
    "PAYPAL-TRANSMISSION-ID": "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
    "PAYPAL-TRANSMISSION-SIG": "lmI95Jx3Y9nhR5SJWlHVIWpg4AgFk7n9bCHSRxbrd8A9zrhdu2rMyFrmz",
    "PAYPAL-TRANSMISSION-TIME": "2026-03-01T09:00:00Z",
}


class FakePayPal:
    """PayPal's API with one account, which confirms only the body that it sent."""

    def __init__(self, sent: bytes = b"", status: int = 200) -> None:
        self.sent = sent
        self.status = status
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        self.asked.append((url, dict(headers), body))
        if url.endswith("/v1/oauth2/token"):
            return 200, b'{"access_token":"A21AAF","expires_in":32400}'
        if self.status != 200:
            return self.status, b""
        sent_by_us = self.sent and body.endswith(b'"webhook_event": ' + self.sent + b"}")
        return 200, b'{"verification_status":"SUCCESS"}' if sent_by_us else b'{"verification_status":"FAILURE"}'


@dataclass(frozen=True)
class Delivery:
    """A genuine delivery.

    Attributes:
        scheme: The provider's module.
        secret: The secret that signs it.
        other_secret: Another secret of the same form.
        body: The body; of a payment provider, an event that 250.00 EUR are paid. Adyen's is already signed.
        sign: Returns the headers for a secret, a body and a timestamp.
        signature: The header of the signature, in lower case; empty for Adyen, whose body contains it.
        timed: Whether the signature covers a time.
    """

    scheme: str
    secret: str
    other_secret: str
    body: bytes
    sign: Callable[[str, bytes, int | str], dict[str, str]]
    signature: str
    timed: bool = False

    @property
    def provider(self) -> Provider:
        """The provider under test; PayPal's with a fake of PayPal's API."""
        return PayPal(FakePayPal(self.body)) if self.scheme == "paypal" else base.load(self.scheme)

    def request(
        self, body: bytes | None = None, timestamp: int | str = AT, headers: Mapping[str, str | None] | None = None
    ) -> WebhookRequest:
        """Return the request, signed for this body and time, with changed headers; None removes a header."""
        body = self.body if body is None else body
        signed = {name.lower(): value for name, value in self.sign(self.secret, body, timestamp).items()}
        changed = {**signed, **(headers or {})}
        return WebhookRequest({name: value for name, value in changed.items() if value is not None}, body, URL)

    def verify(self, request: WebhookRequest | None = None, now: datetime = NOW, secrets: Any = None) -> Verified:
        """Verify a request, by default the genuine one."""
        return self.provider.verify(request or self.request(), secrets or [self.secret], now)

    def translate(self, body: bytes | None = None) -> tuple[ProviderEvent, ...]:
        """Translate a body as if it were verified."""
        return self.provider.translate(Verified(self.body if body is None else body, DELIVERY_ID))


def later(seconds: float) -> datetime:
    """Return a time after NOW."""
    return NOW + timedelta(seconds=seconds)


def told(event: ProviderEvent) -> tuple[str, str, str, str | None, str | None]:
    """Return an event's id, external id, status, amount and currency."""
    return event.event_id, event.external_id, event.status, event.amount, event.currency


# Bodies


def with_members(body: bytes, **members: Any) -> bytes:
    """Return a JSON document with changed members."""
    return json.dumps(json.loads(body) | members).encode()


def any_payment(kind: str = "payment.paid", **data: Any) -> bytes:
    """Return an event in the Standard Webhooks form."""
    fields = {"external_id": "pay_1001", "amount": "250.00", "currency": "EUR"} | data
    document = {"type": kind, "timestamp": "2026-03-01T08:59:58Z", "data": fields}
    return json.dumps({**document, "data": {name: v for name, v in fields.items() if v is not None}}).encode()


def any_payment_intent(kind: str = "payment_intent.succeeded", **fields: Any) -> bytes:
    """Return a minimal event of Stripe's."""
    intent = {
        "id": "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "object": "payment_intent",
        "amount": 25000,
        "currency": "eur",
    } | fields
    event = {"id": "evt_1MtwBw", "object": "event", "type": kind, "created": AT - 2, "data": {"object": intent}}
    return json.dumps(event).encode()


def any_item(**changes: Any) -> dict[str, Any]:
    """Return an unsigned item of Adyen's."""
    return {
        "pspReference": "7914073381342284",
        "merchantAccountCode": "CountersignECOM",
        "merchantReference": "order-1001",
        "amount": {"value": 25000, "currency": "EUR"},
        "eventCode": "AUTHORISATION",
        "success": "true",
        "eventDate": "2026-03-01T09:59:58+01:00",
        "reason": "033899:1111:03/2030",
    } | changes


def any_check_run(action: str = "completed", **fields: Any) -> bytes:
    """Return a check run of GitHub's."""
    run = {
        "id": 128620228,
        "external_id": "build-1001",
        "status": "completed",
        "conclusion": "success",
        "started_at": "2026-03-01T08:50:00Z",
        "completed_at": "2026-03-01T08:59:58Z",
    } | fields
    return json.dumps({"action": action, "check_run": run}).encode()


def any_click(*actions: dict[str, Any], kind: str = "block_actions") -> bytes:
    """Return a form of Slack's with a payload of these actions."""
    payload = {"type": kind, "user": {"id": "U1"}, "actions": list(actions or [any_action()])}
    return urlencode({"payload": json.dumps(payload)}).encode()


def any_action(**fields: Any) -> dict[str, Any]:
    """Return the press of a button."""
    return {
        "type": "button",
        "block_id": "b1",
        "action_id": "countersign.paid",
        "value": "pay_1001",
        "action_ts": f"{AT - 2}.840180",
    } | fields


def any_order(**fields: Any) -> bytes:
    """Return an order of Shopify's."""
    order = {
        "id": 820982911946154508,
        "financial_status": "paid",
        "total_price": "250.00",
        "currency": "EUR",
        "updated_at": "2026-03-01T03:59:58-05:00",
        "cancel_reason": None,
    }
    return json.dumps(order | fields).encode()


def any_square_payment(kind: str = "payment.updated", **fields: Any) -> bytes:
    """Return an event of Square's."""
    payment = {
        "id": "hYy9pRFVxpDsO1FB05SunFWUe9JZY",
        "status": "COMPLETED",
        "amount_money": {"amount": 25000, "currency": "EUR"},
    } | fields
    event = {
        "type": kind,
        "event_id": "13b867cf-db3d-4b1c-90b6-2f32a9d78124",
        "created_at": "2026-03-01T08:59:58.124Z",
        "data": {"type": "payment", "object": {"payment": payment}},
    }
    return json.dumps(event).encode()


def any_capture(kind: str = "PAYMENT.CAPTURE.COMPLETED", **fields: Any) -> bytes:
    """Return an event of PayPal's."""
    capture = {"id": "42311647XV020574X", "amount": {"value": "250.00", "currency_code": "EUR"}} | fields
    event = {
        "id": "WH-58D329510W468432D-8HN650336L201105X",
        "event_type": kind,
        "create_time": "2026-03-01T08:59:58Z",
        "resource": capture,
    }
    return json.dumps(event).encode()


ADYEN_SECRET = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00"  # made up  # nosec B105

STANDARD_WEBHOOKS = Delivery(
    "standard_webhooks",
    signing.STANDARD_SECRET,
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    any_payment(),
    lambda secret, body, at: signing.sign_standard_webhooks(secret, body, DELIVERY_ID, at),
    "webhook-signature",
    timed=True,
)
SVIX = Delivery(
    "standard_webhooks",
    STANDARD_WEBHOOKS.secret,
    STANDARD_WEBHOOKS.other_secret,
    any_payment(),
    lambda secret, body, at: signing.sign_standard_webhooks(secret, body, DELIVERY_ID, at, "svix"),
    "svix-signature",
    timed=True,
)
STRIPE = Delivery(
    "stripe",
    "whsec_test_secret",
    "whsec_other",
    any_payment_intent(),
    signing.sign_stripe,
    "stripe-signature",
    timed=True,
)
ADYEN = Delivery(
    "adyen", ADYEN_SECRET, "AB" * 32, signing.sign_adyen(ADYEN_SECRET, any_item()), lambda secret, body, at: {}, ""
)
GITHUB = Delivery(
    "github",
    "It's a Secret to Everybody",
    "another",
    any_check_run(),
    lambda secret, body, at: signing.sign_github(secret, body, DELIVERY_ID),
    "x-hub-signature-256",
)
SLACK = Delivery(
    "slack",
    "8f742231b10e8888abcd99yyyzzz85a5",
    "another",
    any_click(),
    signing.sign_slack,
    "x-slack-signature",
    timed=True,
)
SHOPIFY = Delivery(
    "shopify",
    "hush",
    "another",
    any_order(),
    lambda secret, body, at: signing.sign_shopify(secret, body, DELIVERY_ID),
    "x-shopify-hmac-sha256",
)
SQUARE = Delivery(
    "square",
    "asdf1234",
    "another",
    any_square_payment(),
    lambda secret, body, at: signing.sign_square(secret, body, URL),
    "x-square-hmacsha256-signature",
)
PAYPAL = Delivery(
    "paypal",
    "live:client:s3cr3t:1JE4291016473214C",
    "sandbox:other:s3cr3t:1JE4291016473214D",
    any_capture(),
    lambda secret, body, at: PAYPAL_HEADERS,
    "paypal-transmission-sig",
)

ALL = (STANDARD_WEBHOOKS, SVIX, STRIPE, ADYEN, GITHUB, SLACK, SHOPIFY, SQUARE, PAYPAL)
"""One delivery of each provider, and of Svix."""
