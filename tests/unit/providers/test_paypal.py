"""PayPal: events verified by a call to PayPal, and their statuses."""

import json
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException, IncompleteRead
from io import BytesIO
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request
from urllib.response import addinfourl

import pytest

from countersign.domain.errors import SecretError, SignatureError, VerifierUnavailableError
from countersign.domain.provider_events import EventStatus
from countersign.providers.paypal import PayPal, Post, post_over_https
from countersign.testing.builders import NOW
from countersign.testing.deliveries import PAYPAL, FakePayPal, any_capture, told


def verify(post: Post, *secrets: str) -> bytes:
    return PayPal(post).verify(PAYPAL.request(), secrets or (PAYPAL.secret,), NOW).body


def answering(token: tuple[int, bytes], verdict: tuple[int, bytes] = (200, b"{}")) -> Post:
    """Return a PayPal with these responses."""

    def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        return token if url.endswith("/oauth2/token") else verdict

    return post


_DISPUTE = "CUSTOMER.DISPUTE.CREATED"
TOKEN = (200, b'{"access_token":"A21AAF"}')
SUCCESS = (200, b'{"verification_status":"SUCCESS"}')


def test_paypal_verifies_the_received_event() -> None:
    paypal = FakePayPal(PAYPAL.body)
    assert verify(paypal) == PAYPAL.body
    (token_url, token_headers, grant), (url, headers, question) = paypal.asked
    assert token_url == "https://api-m.paypal.com/v1/oauth2/token"
    assert (token_headers["Authorization"], grant) == ("Basic Y2xpZW50OnMzY3IzdA==", b"grant_type=client_credentials")
    assert url == "https://api-m.paypal.com/v1/notifications/verify-webhook-signature"
    assert headers["Authorization"] == "Bearer A21AAF"
    asked = json.loads(question)
    assert asked.pop("webhook_event") == json.loads(PAYPAL.body)
    assert asked == {
        "auth_algo": "SHA256withRSA",
        "cert_url": "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77",
        "transmission_id": "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
        "transmission_sig": "lmI95Jx3Y9nhR5SJWlHVIWpg4AgFk7n9bCHSRxbrd8A9zrhdu2rMyFrmz",
        "transmission_time": "2026-03-01T09:00:00Z",
        "webhook_id": "1JE4291016473214C",
    }


def test_the_event_is_sent_to_paypal_byte_for_byte() -> None:
    body = b' {"id" : "WH-1",\n "n":1.10} '
    assert PayPal(FakePayPal(body)).verify(PAYPAL.request(body), [PAYPAL.secret], NOW).body == body


def test_a_sandbox_account_is_verified_by_the_sandbox() -> None:
    paypal = FakePayPal(PAYPAL.body)
    verify(paypal, PAYPAL.other_secret)
    assert all(url.startswith("https://api-m.sandbox.paypal.com/") for url, _, _ in paypal.asked)


@pytest.mark.parametrize(
    "verdict",
    [
        (200, b'{"verification_status":"FAILURE"}'),
        (200, b'{"verification_status":"success"}'),
        (200, b'{"verification_status":true}'),
        (200, b'{"verification_status":["SUCCESS"]}'),
        (200, b"{}"),
        (200, b"[]"),
        (400, b""),
        (404, SUCCESS[1]),
        (422, SUCCESS[1]),
    ],
)
def test_any_verdict_except_success_is_a_mismatch(verdict: tuple[int, bytes]) -> None:
    with pytest.raises(SignatureError, match="mismatch"):
        verify(answering(TOKEN, verdict))


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        *((TOKEN, (status, SUCCESS[1])) for status in (0, 201, 204, 301, 302, 307, 429, 500, 502, 503, 504)),
        (TOKEN, (200, b"<html>")),
        (TOKEN, (200, b"")),
        (TOKEN, (200, b'{"verification_status":"SUCCESS","verification_status":"SUCCESS"}')),
        ((500, b""), SUCCESS),
        ((400, b""), SUCCESS),
        ((200, b"{}"), SUCCESS),
        ((200, b'{"access_token":5}'), SUCCESS),
        ((200, b'{"access_token":"a\\r\\nX-Injected: 1"}'), SUCCESS),
        ((200, b"not json"), SUCCESS),
    ],
)
def test_an_unavailable_paypal_raises_a_transient_error(token: tuple[int, bytes], verdict: tuple[int, bytes]) -> None:
    with pytest.raises(VerifierUnavailableError):
        verify(answering(token, verdict))


@pytest.mark.parametrize("error", [URLError("no route"), TimeoutError(), ConnectionResetError(), OSError()])
def test_a_failed_connection_to_paypal_is_a_transient_error(error: OSError) -> None:
    def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        raise error

    with pytest.raises(VerifierUnavailableError):
        verify(post)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_a_configuration_error(status: int) -> None:
    for post in (answering((status, b"")), answering(TOKEN, (status, b""))):
        with pytest.raises(SecretError) as error:
            verify(post)
        assert "s3cr3t" not in str(error.value)


def test_a_body_cannot_inject_fields_into_the_verification() -> None:
    body = b'{"id":"x"},"webhook_id":"of-the-attacker","extra":{}'
    paypal = FakePayPal(body)
    with pytest.raises(SignatureError, match="malformed"):
        PayPal(paypal).verify(PAYPAL.request(body), [PAYPAL.secret], NOW)
    assert paypal.asked == []


@pytest.mark.parametrize("value", ["x" * 501, "a b", "a\nb", "é", "\ud800"])
def test_invalid_paypal_headers_are_malformed(value: str) -> None:
    for name in PAYPAL.request().headers:
        with pytest.raises(SignatureError, match="malformed"):
            PAYPAL.verify(PAYPAL.request(headers={name: value}))


# Statuses
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("COMPLETED", EventStatus.PAID),
        ("PENDING", EventStatus.PENDING),
        ("DENIED", EventStatus.FAILED),
        ("DECLINED", EventStatus.FAILED),
        ("REVERSED", EventStatus.REFUNDED),
        ("REFUNDED", EventStatus.REFUNDED),
        ("TELEPORTED", EventStatus.UNKNOWN),
    ],
)
def test_a_capture_type_maps_to_a_status_and_an_unknown_one_to_unknown(kind: str, status: EventStatus) -> None:
    (event,) = PAYPAL.translate(any_capture(f"PAYMENT.CAPTURE.{kind}", status_details={"reason": "PENDING_REVIEW"}))
    assert told(event) == ("WH-58D329510W468432D-8HN650336L201105X", "42311647XV020574X", status, "250.00", "EUR")
    assert event.reason == "PENDING_REVIEW"


@pytest.mark.parametrize("kind", ["CHECKOUT.ORDER.APPROVED", "PAYMENT.SALE.COMPLETED", "payment.capture.completed"])
def test_other_types_are_ignored(kind: str) -> None:
    assert PAYPAL.translate(any_capture(kind)) == ()


@pytest.mark.parametrize("kind", ["DENIED", "DECLINED"])
def test_a_declined_capture_is_final_only_without_a_custom_id(kind: str) -> None:
    (alone,) = PAYPAL.translate(any_capture(f"PAYMENT.CAPTURE.{kind}"))
    (one_of_several,) = PAYPAL.translate(any_capture(f"PAYMENT.CAPTURE.{kind}", custom_id="order-1001"))
    assert (alone.status, one_of_several.status) == (EventStatus.FAILED, EventStatus.DECLINED)
    assert (one_of_several.external_id, one_of_several.payment_id) == ("order-1001", "42311647XV020574X")


@pytest.mark.parametrize(("own", "ids"), [({}, ("C1", None)), ({"custom_id": "order-1001"}, ("order-1001", "C1"))])
def test_a_refund_belongs_to_its_linked_capture(own: dict[str, str], ids: tuple[str, str | None]) -> None:
    host = "https://api.paypal.com/v2/payments"
    links = [{"rel": "self", "href": f"{host}/refunds/R1"}, {"rel": "up", "href": f"{host}/captures/C1"}]
    (event,) = PAYPAL.translate(any_capture("PAYMENT.CAPTURE.REFUNDED", id="R1", links=links, **own))
    assert (event.external_id, event.payment_id, event.cumulative) == (*ids, False)


def test_a_dispute_is_one_event_per_capture() -> None:
    captures = [{"seller_transaction_id": "C1"}, {"seller_transaction_id": "C2", "custom": "order-1001"}]
    money = {"value": "250.00", "currency_code": "EUR"}
    events = PAYPAL.translate(any_capture(_DISPUTE, dispute_amount=money, disputed_transactions=captures))
    assert [(event.external_id, event.payment_id) for event in events] == [("C1", None), ("order-1001", "C2")]
    assert {(event.status, event.amount, event.currency) for event in events} == {("disputed", "250.00", "EUR")}
    assert len({event.event_id for event in events}) == 2


# Over HTTPS
class FakeAnswer:
    """A response of urllib."""

    status = 200

    def __init__(self, content: bytes | Exception) -> None:
        self.content = content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self, limit: int) -> bytes:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content[:limit]


def opening(monkeypatch: pytest.MonkeyPatch, result: FakeAnswer | Exception) -> list[tuple[Request, float]]:
    """Replace the network, and return the list of requests."""
    opened: list[tuple[Request, float]] = []

    def open_(self: Any, request: Request, timeout: float) -> FakeAnswer:
        opened.append((request, timeout))
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr("urllib.request.OpenerDirector.open", open_)
    return opened


def test_a_verification_is_posted_with_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = opening(monkeypatch, FakeAnswer(b"{}"))
    assert post_over_https("https://api-m.paypal.com/x", {"A": "b"}, b"body") == (200, b"{}")
    ((request, timeout),) = opened
    assert (request.method, request.full_url, timeout) == ("POST", "https://api-m.paypal.com/x", 5)
    assert (request.data, request.headers["A"]) == (b"body", "b")


def test_a_response_is_read_up_to_a_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    opening(monkeypatch, FakeAnswer(b"x" * 1_000_000))
    assert len(post_over_https("https://api-m.paypal.com/x", {}, b"")[1]) == 64 * 1024


def test_an_error_status_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    opening(monkeypatch, HTTPError("https://api-m.paypal.com/x", 503, "no", Message(), None))
    assert post_over_https("https://api-m.paypal.com/x", {}, b"") == (503, b"")


def test_a_redirect_is_not_followed_with_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def https_open(self: Any, request: Request) -> addinfourl:
        opened.append(request.full_url)
        headers = Message()
        headers["Location"] = "https://elsewhere.example.com/"
        answer = addinfourl(BytesIO(), headers, request.full_url, 302)
        answer.msg = "Found"  # type: ignore[attr-defined]
        return answer

    monkeypatch.setattr("urllib.request.HTTPSHandler.https_open", https_open)
    assert post_over_https("https://api-m.paypal.com/x", {"Authorization": "Basic x"}, b"") == (302, b"")
    assert opened == ["https://api-m.paypal.com/x"]


@pytest.mark.parametrize("error", [IncompleteRead(b""), HTTPException()])
def test_an_incomplete_response_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    for result in (error, FakeAnswer(error)):
        opening(monkeypatch, result)
        with pytest.raises(ConnectionError):
            post_over_https("https://api-m.paypal.com/x", {}, b"")
