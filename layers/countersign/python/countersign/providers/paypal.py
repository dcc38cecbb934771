"""PayPal: captures of orders, their refunds, and disputes.

https://developer.paypal.com/api/rest/webhooks/rest/#link-postback
https://developer.paypal.com/docs/api/webhooks/v1/#verify-webhook-signature_post
https://developer.paypal.com/api/rest/webhooks/event-names/
https://developer.paypal.com/docs/api/payments/v2/#definition-refund
https://developer.paypal.com/docs/api/customer-disputes/v1/#definition-transaction_info

PayPal's own signature covers only the CRC32 of the body, which anybody can match. So the kit asks PayPal (two calls, up
to 5 seconds each), which compares the event with the one that it sent. Without an answer nothing is accepted, and
PayPal sends the event again for three days.

A secret is `<live|sandbox>:<client id>:<client secret>:<webhook id>`. It names the environment to ask, and so whether
an event is of live mode. A webhook id belongs to one app, so no account is compared.

The external id is the capture's `custom_id`, which you set with the order; without one, the capture's own id. A payer
whose capture was declined may try again under the same `custom_id`; then the capture's id is the payment id. A capture
without a `custom_id` has no second attempt. A refund names its capture in the link `up`.

https://developer.paypal.com/docs/api/payments/v2/#captures_get reads a capture by its own id, and
https://developer.paypal.com/docs/api/orders/v2/#orders_get by the id of its order, the lookup id. No API reads one by
its `custom_id`. An API key is `<client id>:<client secret>`; PayPal has none that can only read. An answer does not say
how much of a partial refund went back, so a person must look at it.
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from countersign.domain.errors import ContractError, SecretError, SignatureError, VerifierUnavailableError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Call, Expected, Look, Verified, WebhookRequest
from countersign.providers.documents import Document

TIMEOUT_SECONDS = 5
_MAX_ANSWER_BYTES = 64 * 1024
_HOSTS = {"live": "api-m.paypal.com", "sandbox": "api-m.sandbox.paypal.com"}
_TOKENS, _GRANT = "/v1/oauth2/token", b"grant_type=client_credentials"
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
    "DENIED": EventStatus.DECLINED,
    "DECLINED": EventStatus.DECLINED,
    "REFUNDED": EventStatus.REFUNDED,
    "REVERSED": EventStatus.REFUNDED,
}
_OF_CAPTURES = {
    "COMPLETED": (EventStatus.PAID,),
    "REFUNDED": (EventStatus.REFUNDED, EventStatus.PAID),
    "PENDING": (EventStatus.PENDING,),
    "DECLINED": (EventStatus.DECLINED,),
    "FAILED": (EventStatus.FAILED,),
}
_DISPUTE = "CUSTOMER.DISPUTE.CREATED"

Post = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]
"""Posts a body to a URL with headers, and returns status and body of the answer; raises OSError without an answer."""


class PayPal(Look):
    """PayPal's captures.

    Args:
        post: Sends the calls to PayPal; over HTTPS by default.
    """

    settings = frozenset({"live", "declined"})
    host, sandbox = _HOSTS["live"], _HOSTS["sandbox"]
    path = "/v2/payments/captures/{}"
    ids = r"[A-Z0-9]{17}"
    lookup_path = "/v2/checkout/orders/{}"
    lookup_ids = r"[A-Z0-9]{1,36}"

    def __init__(self, post: Post | None = None) -> None:
        self._post = post or post_over_https

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  PayPal knows when it sent what
        """Ask PayPal, for each account in turn.

        Raises:
            SignatureError: PayPal did not send this event.
            SecretError: A secret is malformed, or PayPal does not accept it.
            VerifierUnavailableError: PayPal did not answer.
        """
        accounts = [_Account(*key.decode().split(":")) for key in signatures.keys(secrets, _key)]
        question = _question(request)
        confirming = (account for account in accounts if self._confirms(account, question, request.body))
        account = next(confirming, None)
        if account is None:
            raise SignatureError("mismatch")
        return Verified(request.body, origin=account.environment)

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read one event; a dispute gives one for each of its captures."""
        event = Document.read(verified.body)
        kind = event.text("/event_type")
        if kind == _DISPUTE:
            said = _disputes(event)
        elif kind.startswith(_PREFIX):
            said = [_capture(event, _STATUSES.get(kind.removeprefix(_PREFIX), EventStatus.UNKNOWN))]
        else:
            return ()
        return tuple(expected.judge(each, live=verified.origin != "sandbox") for each in said)

    def headers(self, key: str, expected: Expected, call: Call) -> Mapping[str, str]:  # noqa: ARG002  the host says the mode
        """Return an access token of the app."""
        return {"Authorization": f"Bearer {_token_of(call(_TOKENS, _basic(key), _GRANT))}"}

    def answer(self, said: Document, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read a capture, or that of an order. Its host is the one of the expected mode."""
        capture, stands = (said, said.text("/status")) if said.find("/purchase_units") is None else _captured(said)
        currency, own_id = capture.currency("/amount/currency_code"), capture.find("/custom_id")
        return tuple(
            expected.judge(
                ProviderEvent(
                    event_id="",
                    external_id=capture.text("/custom_id" if own_id else "/id"),
                    status=status,
                    amount=capture.amount("/amount/value", currency),
                    currency=currency,
                    occurred_at=capture.moment("/create_time"),
                    payment_id=capture.text("/id") if own_id and capture.find("/id") else None,
                    cumulative=status is EventStatus.REFUNDED,
                ),
                live=expected.live,
            )
            for status in _OF_CAPTURES.get(stands, (EventStatus.UNKNOWN,))
        )

    def _confirms(self, account: "_Account", question: Mapping[str, str], body: bytes) -> bool:
        # The raw body is inserted: JSON that is parsed and written again would have another checksum.
        import json

        head = json.dumps({**question, "webhook_id": account.webhook_id})[:-1].encode()
        asked = head + b', "webhook_event": ' + body + b"}"
        headers = {"Authorization": f"Bearer {self._token(account)}", "Content-Type": "application/json"}
        answer = self._ask(f"{account.host}/v1/notifications/verify-webhook-signature", headers, asked)
        return answer is not None and answer.find("/verification_status") == "SUCCESS"

    def _token(self, account: "_Account") -> str:
        headers = _basic(f"{account.client_id}:{account.client_secret}")
        answer = self._ask(f"{account.host}{_TOKENS}", headers, _GRANT)
        try:
            return _token_of(answer or Document(None))
        except ContractError as error:
            raise VerifierUnavailableError("PayPal gave no access token") from error

    def _ask(self, url: str, headers: Mapping[str, str], body: bytes) -> Document | None:
        """Return PayPal's answer; None if PayPal calls the request malformed."""
        try:
            status, answer = self._post(url, headers, body)
            document = Document.read(answer) if status == 200 else None
        except (OSError, ContractError) as error:
            raise VerifierUnavailableError("PayPal did not answer") from error
        if status in (401, 403):
            raise SecretError("PayPal refuses the client id or its secret")
        if status not in (200, 400, 404, 422):
            raise VerifierUnavailableError(f"PayPal answered {status}")
        return document


def _basic(credentials: str) -> dict[str, str]:
    basic = b2a_base64(credentials.encode(), newline=False).decode()
    return {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}


def _token_of(answer: Document) -> str:
    token = answer.find("/access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise answer.refusal("must be a text of printable ASCII characters", "/access_token")
    return token


def _captured(order: Document) -> tuple[Document, str]:
    """Return the capture of an order, and its status; without one the unit, which is pending.

    The payer may try again after a capture that was declined, so that is pending too. It names the payment if the unit
    does not.
    """
    units = order.each("/purchase_units")
    captures = "/payments/captures"
    found = [each for unit in units if unit.find(captures) is not None for each in unit.each(captures)]
    counting = [each for each in found if each.text("/status") not in ("DECLINED", "FAILED")]
    if len(units) != 1 or len(counting) > 1:
        raise order.refusal("must be one unit, with at most one capture that was not declined", "/purchase_units")
    return (counting[0], counting[0].text("/status")) if counting else ((found or units)[-1], "PENDING")


def _capture(event: Document, status: EventStatus) -> ProviderEvent:
    currency = event.currency("/resource/amount/currency_code")
    own_id = event.text("/resource/custom_id") if event.find("/resource/custom_id") else ""
    capture = _refunded_capture(event) or event.text("/resource/id")
    has_one_attempt = status is EventStatus.DECLINED and not own_id
    return ProviderEvent(
        event_id=event.text("/id"),
        external_id=own_id or capture,
        status=EventStatus.FAILED if has_one_attempt else status,
        amount=event.amount("/resource/amount/value", currency),
        currency=currency,
        occurred_at=event.moment("/create_time"),
        reason=event.note("/resource/status_details/reason"),
        payment_id=capture if own_id else None,
    )


def _refunded_capture(event: Document) -> str:
    """Return the id of a refund's capture; empty if the resource is the capture itself."""
    links = event.each("/resource/links") if event.find("/resource/links") else []
    above = (link.text("/href", limit=_MAX_CHARACTERS) for link in links if link.find("/rel") == "up")
    return next((href.rpartition("/")[2] for href in above if "/captures/" in href), "")


def _disputes(event: Document) -> list[ProviderEvent]:
    currency = event.currency("/resource/dispute_amount/currency_code")
    amount = event.amount("/resource/dispute_amount/value", currency)
    return [
        ProviderEvent(
            event_id=f"{event.text('/id', limit=150)}{f':{number}' if number else ''}",
            external_id=capture.text("/custom" if capture.find("/custom") else "/seller_transaction_id"),
            status=EventStatus.DISPUTED,
            amount=amount,
            currency=currency,
            occurred_at=event.moment("/create_time"),
            reason=event.note("/resource/reason"),
            payment_id=capture.text("/seller_transaction_id") if capture.find("/custom") else None,
        )
        for number, capture in enumerate(event.each("/resource/disputed_transactions"))
    ]


class _Account:
    def __init__(self, environment: str, client_id: str, client_secret: str, webhook_id: str) -> None:
        self.environment = environment
        self.host = f"https://{_HOSTS[environment]}"
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
        # The body is inserted into another document: if it were not one JSON value, it could close that document.
        Document.read(request.body)
    except ContractError as error:
        raise SignatureError("malformed") from error
    if not all(map(_is_plain, question.values())):
        raise SignatureError("malformed")
    return question


def post_over_https(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Send a POST with the standard library; redirects are not followed, as they would receive the credentials."""
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
