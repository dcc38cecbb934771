"""Slack: buttons of interactive messages.

https://docs.slack.dev/authentication/verifying-requests-from-slack
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload

Headers: `X-Slack-Signature: v0=<hex>`, `X-Slack-Request-Timestamp`. Signed: `v0:{timestamp}:{raw body}` by HMAC-SHA256.
The body is a form whose field `payload` is JSON.

Convention: a button's `action_id` is `countersign.<status>`, with `pending`, `paid`, `failed` or `expired`, and its
`value` is the external id. Another status is unknown; actions of other names and other payloads are ignored. A signing
secret belongs to one app, and only that app posts its buttons, so no workspace is compared.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from countersign.domain.errors import ContractError, MalformedBodyError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Expected, Provider, Verified, WebhookRequest
from countersign.providers.documents import Document

_PREFIX = "countersign."
_SAYABLE = (EventStatus.PENDING, EventStatus.PAID, EventStatus.FAILED, EventStatus.EXPIRED)
_STATUSES = {status.value: status for status in _SAYABLE}
_MAX_FIELDS = 16


class Slack(Provider):
    """Slack's buttons; every action of a payload is an event. They have no amount."""

    content_type = "application/x-www-form-urlencoded"

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:
        """Verify the signature."""
        keys = signatures.keys(secrets)
        timestamp = request.header("x-slack-request-timestamp")
        signatures.require_fresh(timestamp, now)
        signed = f"v0:{timestamp}:".encode() + request.body
        expected = [f"v0={signatures.in_hex(key, signed)}" for key in keys]
        signatures.require_match([request.header("x-slack-signature")], expected)
        return Verified(request.body)

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read every action of the payload."""
        payload = Document.read(_payload(verified.body))
        if payload.text("/type") != "block_actions":
            return ()
        ours = [action for action in payload.each("/actions") if action.text("/action_id").startswith(_PREFIX)]
        return tuple(expected.judge(_event(action)) for action in ours)


def _payload(form: bytes) -> bytes:
    from urllib.parse import parse_qs

    try:
        fields = parse_qs(form.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise MalformedBodyError("the body is not a form") from error
    if len(fields.get("payload", ())) != 1:
        raise ContractError("the form must have one field `payload`")
    return fields["payload"][0].encode()


def _event(action: Document) -> ProviderEvent:
    action_id, at = action.text("/action_id", limit=100), action.text("/action_ts", limit=40)
    return ProviderEvent(
        event_id=f"{at}:{action_id}",
        external_id=action.text("/value"),
        status=_STATUSES.get(action_id.removeprefix(_PREFIX), EventStatus.UNKNOWN),
        occurred_at=_moment(action, at),
    )


def _moment(action: Document, at: str) -> datetime:
    seconds, _, fraction = at.partition(".")
    if not (at.isascii() and seconds.isdigit() and len(seconds) == 10 and (fraction or "0").isdigit()):
        raise action.refusal("must be seconds since 1970, such as 1548426417.840180", "/action_ts")
    return datetime.fromtimestamp(int(seconds), UTC)


PROVIDER = Slack()
