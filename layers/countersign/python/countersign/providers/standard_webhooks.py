"""Standard Webhooks, and Svix, whose headers start with `svix-` instead of `webhook-`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
https://docs.svix.com/receiving/verifying-payloads/how-manual

Headers: `webhook-id`, `webhook-timestamp`, `webhook-signature` (signatures `v1,<base64>`, separated by spaces).
Signed: `{id}.{timestamp}.{raw body}` by HMAC-SHA256; the key is the base64 after `whsec_`. Other versions, such as the
asymmetric `v1a`, are ignored.

Events: `{"type":"payment.paid","timestamp":…,"data":{"external_id","amount","currency","reason"?}}`, and likewise
`.pending`, `.declined` (a failed attempt, not final), `.failed`, `.expired`, `.refunded` (the amount of this refund)
and `.disputed`; another `payment.…` is unknown, any other type is ignored. Events have neither mode nor account.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from datetime import datetime

from countersign.domain.errors import SignatureError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Expected, Provider, Verified, WebhookRequest
from countersign.providers.documents import Document

_STATUSES = {
    "payment.pending": EventStatus.PENDING,
    "payment.declined": EventStatus.DECLINED,
    "payment.paid": EventStatus.PAID,
    "payment.failed": EventStatus.FAILED,
    "payment.expired": EventStatus.EXPIRED,
    "payment.refunded": EventStatus.REFUNDED,
    "payment.disputed": EventStatus.DISPUTED,
}
_OF_MONEY = frozenset({EventStatus.PAID, EventStatus.REFUNDED})


class StandardWebhooks(Provider):
    """Every sender that signs by the Standard Webhooks specification."""

    settings = frozenset({"declined"})

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:
        """Verify one of the signatures; the delivery id is signed."""
        keys = signatures.keys(secrets, _key)
        family = "svix" if "svix-signature" in request.headers else "webhook"
        message_id = request.identifier(f"{family}-id")
        timestamp = request.header(f"{family}-timestamp")
        sent = request.header(f"{family}-signature").split(" ", signatures.MAX_SIGNATURES)
        if any(item.count(",") != 1 for item in sent):
            raise SignatureError("malformed")
        signatures.require_fresh(timestamp, now)
        signed = f"{message_id}.{timestamp}.".encode() + request.body
        expected = [f"v1,{signatures.in_base64(key, signed)}" for key in keys]
        signatures.require_match(sent, expected)
        return Verified(request.body, message_id)

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read one event; `paid` and `refunded` must have an amount, the others may."""
        event = Document.read(verified.body)
        kind = event.text("/type")
        if not kind.startswith("payment."):
            return ()
        status = _STATUSES.get(kind, EventStatus.UNKNOWN)
        currency = amount = None
        if status in _OF_MONEY or event.find("/data/amount") is not None:
            currency = event.currency("/data/currency")
            amount = event.amount("/data/amount", currency)
        said = ProviderEvent(
            event_id=verified.delivery_id,
            external_id=event.text("/data/external_id"),
            status=status,
            amount=amount,
            currency=currency,
            occurred_at=event.moment("/timestamp"),
            reason=event.note("/data/reason"),
        )
        return (expected.judge(said),)


def _key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_").encode("ascii")
    key = a2b_base64(text, strict_mode=True)
    if b2a_base64(key, newline=False) != text:
        raise ValueError("the base64 is not canonical")
    return key


PROVIDER = StandardWebhooks()
