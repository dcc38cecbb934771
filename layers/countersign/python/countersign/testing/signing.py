"""Sign webhooks like the providers, for tests; written from their documentation, not from our verifiers.

Each function returns the headers of a request; `sign_adyen` returns the body, because Adyen's signatures are in it.
"""

import base64
import hmac
import json
from typing import Any

STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # nosec B105
"""The secret of the specification's example."""


def sign_standard_webhooks(
    secret: str, body: bytes, message_id: str, timestamp: int | str, family: str = "webhook"
) -> dict[str, str]:
    """Sign as Standard Webhooks: `family` is `svix` for Svix's headers; `timestamp` is in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = _base64(key, f"{message_id}.{timestamp}.".encode() + body)
    return {
        f"{family}-id": message_id,
        f"{family}-timestamp": str(timestamp),
        f"{family}-signature": f"v1,{signature}",
    }


def sign_stripe(secret: str, body: bytes, timestamp: int | str) -> dict[str, str]:
    """Sign as Stripe: `timestamp` is in seconds since 1970."""
    signature = _hex(secret.encode(), f"{timestamp}.".encode() + body)
    return {"Stripe-Signature": f"t={timestamp},v1={signature}"}


def sign_github(secret: str, body: bytes, delivery_id: str) -> dict[str, str]:
    """Sign as GitHub."""
    return {
        "X-Hub-Signature-256": f"sha256={_hex(secret.encode(), body)}",
        "X-GitHub-Delivery": delivery_id,
        "X-GitHub-Event": "check_run",
    }


def sign_slack(secret: str, body: bytes, timestamp: int | str) -> dict[str, str]:
    """Sign as Slack."""
    signature = _hex(secret.encode(), f"v0:{timestamp}:".encode() + body)
    return {"X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": str(timestamp)}


def sign_shopify(secret: str, body: bytes, delivery_id: str) -> dict[str, str]:
    """Sign as Shopify."""
    return {"X-Shopify-Hmac-SHA256": _base64(secret.encode(), body), "X-Shopify-Webhook-Id": delivery_id}


def sign_square(secret: str, body: bytes, url: str) -> dict[str, str]:
    """Sign as Square: `url` is the notification URL."""
    return {"x-square-hmacsha256-signature": _base64(secret.encode(), url.encode() + body)}


def sign_adyen(secret: str, *items: dict[str, Any]) -> bytes:
    """Return the body of a notification with these items, each signed; the secret is hex."""
    signed = [{"NotificationRequestItem": _sign_item(bytes.fromhex(secret), item)} for item in items]
    return json.dumps({"live": "true", "notificationItems": signed}).encode()


def _sign_item(key: bytes, item: dict[str, Any]) -> dict[str, Any]:
    before = [item.get(name, "") for name in ("pspReference", "originalReference", "merchantAccountCode")]
    amount = [str(item["amount"]["value"]), item["amount"]["currency"]]
    text = ":".join([*before, item["merchantReference"], *amount, item["eventCode"], item["success"]])
    return {**item, "additionalData": {"hmacSignature": _base64(key, text.encode())}}


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, "sha256").hexdigest()


def _base64(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
