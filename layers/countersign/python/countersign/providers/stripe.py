"""Stripe: payment intents, their refunds, and disputes.

https://docs.stripe.com/webhooks#verify-manually
https://docs.stripe.com/api/payment_intents/object
https://docs.stripe.com/payments/paymentintents/lifecycle
https://docs.stripe.com/api/events/types
https://docs.stripe.com/connect/webhooks

Header: `Stripe-Signature: t=<timestamp>,v1=<hex>[,v1=<hex>]`; other schemes, such as `v0`, are ignored.
Signed: `{t}.{raw body}` by HMAC-SHA256; the key is the whole `whsec_…` text. The event's id is in the body.

Stripe posts events of test mode to Connect endpoints of live mode, signed with the live secret: `livemode` shows the
mode. An event of a connected account has its `account`; without the setting `account`, only events without one act.

After `payment_failed` the payer may try again: only `succeeded` and `canceled` are final. `charge.refunded` has the
total refunded so far. A failed refund, and funds that are reinstated after a dispute, need a person.

https://docs.stripe.com/api/payment_intents/retrieve answers with a payment intent of the API key's account, or of the
connected account in the header `Stripe-Account`: so an answer names no account. The key may be a restricted one that
reads PaymentIntents and Charges.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from countersign.domain.errors import SignatureError
from countersign.domain.money import ISO_4217
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Call, Expected, Look, Verified, WebhookRequest
from countersign.providers.documents import Document

MINOR_UNITS = {**ISO_4217, "ISK": 2, "UGX": 2, "MGA": 0}
"""https://docs.stripe.com/currencies: MGA is a zero-decimal currency; ISK and UGX have two decimals, always 00, for
compatibility. HUF and TWD are special only in payouts: charges have two decimals, as in ISO 4217."""

_STATUSES = {
    "payment_intent.succeeded": EventStatus.PAID,
    "payment_intent.processing": EventStatus.PENDING,
    "payment_intent.payment_failed": EventStatus.DECLINED,
    "payment_intent.canceled": EventStatus.FAILED,
    "charge.refunded": EventStatus.REFUNDED,
    "charge.dispute.created": EventStatus.DISPUTED,
    "charge.dispute.funds_reinstated": EventStatus.UNKNOWN,
    "refund.failed": EventStatus.UNKNOWN,
}
_OF_INTENTS = {
    "succeeded": EventStatus.PAID,
    "canceled": EventStatus.FAILED,
    **dict.fromkeys(
        ("processing", "requires_action", "requires_capture", "requires_confirmation", "requires_payment_method"),
        EventStatus.PENDING,
    ),
}
"""https://docs.stripe.com/payments/paymentintents/lifecycle"""

API_VERSION = "2024-06-20"
"""The version of the answer's form, whatever the account's default is."""

_INTENT = "payment_intent."
_ASKED = "/data/object/amount"
_AMOUNTS = {EventStatus.PAID: "/data/object/amount_received", EventStatus.REFUNDED: "/data/object/amount_refunded"}
_WITHOUT_RESULT = frozenset(
    f"{_INTENT}{step}" for step in ("created", "requires_action", "amount_capturable_updated", "partially_funded")
)


class Stripe(Look):
    """Stripe's payment intents; the external id is the payment intent's."""

    settings = frozenset({"live", "declined", "account"})
    host = "api.stripe.com"
    path = "/v1/payment_intents/{}?expand%5B%5D=latest_charge"
    ids = r"pi_[A-Za-z0-9_]{1,100}"

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:
        """Verify one of the signatures of the header."""
        keys = signatures.keys(secrets)
        timestamp, sent = _parts_of(request.header("stripe-signature"))
        signatures.require_fresh(timestamp, now)
        signed = timestamp.encode() + b"." + request.body
        signatures.require_match(sent, [signatures.in_hex(key, signed) for key in keys])
        return Verified(request.body)

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read one event.

        The paid amount is `amount_received`: a partly captured payment intent has succeeded too, and its `amount` is
        still the requested one. Before a success nothing is received, and `amount` is reported.
        """
        event = Document.read(verified.body)
        kind = event.text("/type")
        intent = _intent(event, kind)
        if not intent:
            return ()
        status = _STATUSES.get(kind, EventStatus.UNKNOWN)
        currency = event.currency("/data/object/currency")
        amount = _AMOUNTS.get(status, _ASKED)
        said = ProviderEvent(
            event_id=event.text("/id"),
            external_id=event.text(intent),
            status=status,
            amount=event.minor_units(amount if event.find(amount) is not None else _ASKED, currency, MINOR_UNITS),
            currency=currency,
            occurred_at=event.moment("/created"),
            reason=_reason(event, status),
            cumulative=status is EventStatus.REFUNDED,
        )
        live = event.find("/livemode") in (None, True)
        return (expected.judge(said, live=live, unset="", account=event.find("/account") or ""),)

    def headers(self, key: str, expected: Expected, call: Call) -> Mapping[str, str]:  # noqa: ARG002  the key is enough
        """Return the key, and the connected account that the settings name."""
        account = expected.accounts.get("account")
        return {
            "Authorization": f"Bearer {key}",
            "Stripe-Version": API_VERSION,
            **({"Stripe-Account": account} if account else {}),
        }

    def answer(self, said: Document, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read a payment intent, with the refunds and disputes of its charge."""
        currency, charge = said.currency("/currency"), "/latest_charge"
        status = _OF_INTENTS.get(said.text("/status"), EventStatus.UNKNOWN)
        told = [(status, "/amount_received" if status is EventStatus.PAID else "/amount")]
        if said.find(f"{charge}/disputed") is True:
            told.insert(0, (EventStatus.DISPUTED, "/amount"))
        if said.find(f"{charge}/amount_refunded"):
            told.insert(0, (EventStatus.REFUNDED, f"{charge}/amount_refunded"))
        events = (
            ProviderEvent(
                event_id="",
                external_id=said.text("/id"),
                status=each,
                amount=said.minor_units(amount, currency, MINOR_UNITS),
                currency=currency,
                occurred_at=said.moment(f"{charge}/created"),
                cumulative=each is EventStatus.REFUNDED,
            )
            for each, amount in told
        )
        return tuple(expected.judge(event, live=said.find("/livemode") is True) for event in events)


def _intent(event: Document, kind: str) -> str:
    """Return the pointer to the id of the payment intent; empty if the event has none, or no news of it."""
    if kind.startswith(_INTENT):
        return "" if kind in _WITHOUT_RESULT else "/data/object/id"
    is_known = kind in _STATUSES and event.find("/data/object/payment_intent")
    return "/data/object/payment_intent" if is_known else ""


def _parts_of(header: str) -> tuple[str, list[str]]:
    """Return the timestamp and the signatures of version 1, at most one more than is allowed."""
    items = [item.partition("=") for item in header.split(",", signatures.MAX_SIGNATURES + 1)]
    timestamps = [value for name, _, value in items if name == "t"]
    if len(timestamps) != 1 or not all(separator for _, separator, _ in items):
        raise SignatureError("malformed")
    return timestamps[0], [value for name, _, value in items if name == "v1"]


def _reason(event: Document, status: EventStatus) -> str | None:
    if status not in (EventStatus.DECLINED, EventStatus.FAILED):
        return None
    error = "/data/object/last_payment_error"
    canceled = event.note("/data/object/cancellation_reason")
    return canceled or event.note(f"{error}/decline_code") or event.note(f"{error}/code")


PROVIDER = Stripe()
