"""PayPal: captures of orders.

https://developer.paypal.com/api/rest/webhooks/rest/#link-postback
https://developer.paypal.com/docs/api/webhooks/v1/#verify-webhook-signature_post

PayPal's own signature covers no more of the body than its CRC32, which anybody can match. So PayPal itself is asked
(two calls, up to 5 seconds each): it compares the event with the one that it sent. While it does not answer nothing is
accepted, and PayPal sends the event again, for three days.

A secret is `<live|sandbox>:<client id>:<client secret>:<webhook id>`. The external id is the capture's `custom_id`,
which you set with the order; without one, the capture's own id.
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from countersign.domain import signatures
from countersign.domain.documents import Document
from countersign.domain.errors import ContractError, SecretError, SignatureError, VerifierUnavailableError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.webhooks import Provider, Verified, WebhookRequest

TIMEOUT_SECONDS = 5
_MAX_ANSWER_BYTES = 64 * 1024
_HOSTS = {"live": "https://api-m.paypal.com", "sandbox": "https://api-m.sandbox.paypal.com"}
_FIELDS = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}
_MAX_CHARACTERS = 500
_PREFIX = "PAYMENT.CAPTURE."
_STATUSES = {
    "COMPLETED": EventStatus.PAID,
    "PENDING": EventStatus.PENDING,
    "DENIED": EventStatus.FAILED,
    "DECLINED": EventStatus.FAILED,
}

Post = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]
"""Sends a body to a URL with headers and returns status and body of the answer; raises OSError when there is none."""


class PayPal(Provider):
    """PayPal's captures.

    Args:
        post: How PayPal is asked; over HTTPS unless a test says otherwise.
    """

    def __init__(self, post: Post | None = None) -> None:
        self._post = post or post_over_https

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  PayPal knows when it sent what
        """Ask PayPal, for each account in turn.

        Raises:
            SignatureError: PayPal did not send this.
            SecretError: A secret is malformed, or PayPal does not know it.
            VerifierUnavailableError: PayPal does not answer.
        """
        accounts = [_Account(*key.decode().split(":")) for key in signatures.keys(secrets, _key)]
        question = _question(request)
        if not any(self._confirms(account, question, request.body) for account in accounts):
            raise SignatureError("mismatch")
        return Verified(request.body)

    def translate(self, verified: Verified) -> tuple[ProviderEvent, ...]:
        """Read one event."""
        event = Document.read(verified.body)
        kind = event.text("/event_type")
        if not kind.startswith(_PREFIX):
            return ()
        currency = event.currency("/resource/amount/currency_code")
        own_id = event.find("/resource/custom_id")
        return (
            ProviderEvent(
                event_id=event.text("/id"),
                external_id=event.text("/resource/custom_id" if own_id else "/resource/id"),
                status=_STATUSES.get(kind.removeprefix(_PREFIX), EventStatus.UNKNOWN),
                amount=event.amount("/resource/amount/value", currency),
                currency=currency,
                occurred_at=event.moment("/create_time"),
                reason=event.note("/resource/status_details/reason"),
            ),
        )

    def _confirms(self, account: "_Account", question: Mapping[str, str], body: bytes) -> bool:
        # The body goes as it came: written anew, its checksum would be another.
        import json

        head = json.dumps({**question, "webhook_id": account.webhook_id})[:-1].encode()
        asked = head + b', "webhook_event": ' + body + b"}"
        headers = {"Authorization": f"Bearer {self._token(account)}", "Content-Type": "application/json"}
        answer = self._ask(f"{account.host}/v1/notifications/verify-webhook-signature", headers, asked)
        return answer is not None and answer.find("/verification_status") == "SUCCESS"

    def _token(self, account: "_Account") -> str:
        basic = b2a_base64(f"{account.client_id}:{account.client_secret}".encode(), newline=False).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        answer = self._ask(f"{account.host}/v1/oauth2/token", headers, b"grant_type=client_credentials")
        token = answer.find("/access_token") if answer else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise VerifierUnavailableError("PayPal gave no access token")
        return token

    def _ask(self, url: str, headers: Mapping[str, str], body: bytes) -> Document | None:
        """Return PayPal's answer; None where it calls the question malformed."""
        try:
            status, answer = self._post(url, headers, body)
            document = Document.read(answer) if status == 200 else None
        except (OSError, ContractError) as error:
            raise VerifierUnavailableError("PayPal did not answer") from error
        if status in (401, 403):
            raise SecretError("PayPal refuses the client id, or its secret")
        if status not in (200, 400, 404, 422):
            raise VerifierUnavailableError(f"PayPal answered {status}")
        return document


class _Account:
    def __init__(self, stage: str, client_id: str, client_secret: str, webhook_id: str) -> None:
        self.host = _HOSTS[stage]
        self.client_id = client_id
        self.client_secret = client_secret
        self.webhook_id = webhook_id


def _key(secret: str) -> bytes:
    parts = secret.split(":")
    if len(parts) != 4 or parts[0] not in _HOSTS or not all(map(_is_plain, parts)):
        raise ValueError("not four parts")
    return secret.encode()


def _is_plain(text: str) -> bool:
    """Tell whether it is 1 to 500 visible ASCII characters."""
    return 0 < len(text) <= _MAX_CHARACTERS and text.isascii() and text.isprintable() and " " not in text


def _question(request: WebhookRequest) -> dict[str, str]:
    question = {field: request.header(header) for field, header in _FIELDS.items()}
    try:
        # The body is put into a document of ours: unless it is JSON and nothing else, it could close it and go on.
        Document.read(request.body)
    except ContractError as error:
        raise SignatureError("malformed") from error
    if not all(map(_is_plain, question.values())):
        raise SignatureError("malformed")
    return question


def post_over_https(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Send a POST with the standard library; follows no redirect, since that would carry the credentials along."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirect(HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    request = Request(url, body, dict(headers), method="POST")  # noqa: S310  `_HOSTS` are https
    try:
        with build_opener(NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read(_MAX_ANSWER_BYTES)
    except HTTPError as error:
        with error:
            return error.code, b""
    except HTTPException as error:
        raise ConnectionError("the answer broke off") from error


PROVIDER = PayPal()
