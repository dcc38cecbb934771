"""Input that every provider refuses, with the error of each refusal."""

from collections.abc import Callable
from typing import Any

import pytest

from countersign.domain.errors import ContractError, MalformedBodyError, SecretError, SignatureError
from countersign.providers.base import WebhookRequest
from countersign.providers.paypal import PayPal
from countersign.testing import signing
from countersign.testing.builders import NOW
from countersign.testing.deliveries import (
    ADYEN,
    ADYEN_SECRET,
    ALL,
    DELIVERY_ID,
    GITHUB,
    PAYPAL,
    SHOPIFY,
    SLACK,
    SQUARE,
    STANDARD_WEBHOOKS,
    STRIPE,
    SVIX,
    URL,
    Delivery,
    FakePayPal,
    any_action,
    any_capture,
    any_check_run,
    any_click,
    any_item,
    any_payment,
    any_payment_intent,
    any_square_payment,
    later,
)

NAMES = [f"{delivery.scheme}{'-svix' if delivery is SVIX else ''}" for delivery in ALL]
BY_HEADER = [delivery for delivery in ALL if delivery.signature and delivery is not PAYPAL]
BY_SECRET = [delivery for delivery in ALL if delivery is not PAYPAL]
TIMED = [delivery for delivery in ALL if delivery.timed]
SIGNED_BYTES = [delivery for delivery in BY_HEADER if delivery is not SLACK]
AT = str(int(NOW.timestamp()))


def name_of(delivery: Any) -> str:
    return f"{delivery.scheme}-{delivery.signature}" if isinstance(delivery, Delivery) else ""


def refusal(delivery: Delivery, request: WebhookRequest | None = None, **more: Any) -> str:
    """Return the reason of a refusal."""
    with pytest.raises(SignatureError) as error:
        delivery.verify(request, **more)
    assert delivery.secret not in str(error.value)
    return error.value.reason


# Genuine deliveries
@pytest.mark.parametrize("delivery", ALL, ids=NAMES)
def test_a_genuine_delivery_is_one_paid_event(delivery: Delivery) -> None:
    (event,) = delivery.provider.translate(delivery.verify())
    assert event.status == "paid"
    assert event.occurred_at is not None
    assert later(-3) < event.occurred_at < NOW
    assert (event.amount, event.currency) in {("250.00", "EUR"), (None, None)}


@pytest.mark.parametrize("delivery", BY_SECRET, ids=name_of)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_active_secret_verifies_during_a_rotation(delivery: Delivery, place: int) -> None:
    secrets = [delivery.other_secret] * 2
    secrets.insert(place, delivery.secret)
    assert delivery.verify(secrets=secrets).body == delivery.body


# Signatures
@pytest.mark.parametrize("delivery", [d for d in ALL if d is not ADYEN], ids=name_of)
@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_a_missing_or_empty_required_header_is_refused(delivery: Delivery, value: str | None) -> None:
    needed = set(delivery.request().headers) - {"x-github-event", "x-github-delivery", "x-shopify-webhook-id"}
    for name in needed:
        assert refusal(delivery, delivery.request(headers={name: value})) == "missing", name


@pytest.mark.parametrize("delivery", BY_SECRET, ids=name_of)
def test_a_signature_by_another_secret_is_a_mismatch(delivery: Delivery) -> None:
    assert refusal(delivery, secrets=[delivery.other_secret]) == "mismatch"
    assert refusal(delivery, secrets=[delivery.other_secret] * 5) == "mismatch"


@pytest.mark.parametrize("delivery", BY_HEADER, ids=name_of)
def test_another_body_is_a_mismatch(delivery: Delivery) -> None:
    genuine = delivery.request()
    for body in (delivery.body + b" ", delivery.body[:-1], b"", b"\xef\xbb\xbf" + delivery.body):
        assert refusal(delivery, WebhookRequest(genuine.headers, body, URL)) == "mismatch"


@pytest.mark.parametrize("delivery", BY_HEADER, ids=name_of)
@pytest.mark.parametrize(
    "garbage",
    ["garbage", ",", "=", "v1", "v1,", "v1=", "t=", " ", "\x00", "é", "１２３", "\ud800", "v1,\ud800", "=" * 10_000],
)
def test_an_invalid_signature_header_is_refused(delivery: Delivery, garbage: str) -> None:
    assert refusal(delivery, delivery.request(headers={delivery.signature: garbage})) in {"missing", "malformed"}


@pytest.mark.parametrize("delivery", BY_HEADER, ids=name_of)
def test_a_signature_in_another_spelling_is_refused(delivery: Delivery) -> None:
    genuine = delivery.request().headers[delivery.signature]
    spellings = {
        "upper case": genuine.upper(),
        "shorter": genuine[:-1],
        "longer": genuine + "0",
        "with a space before": " " + genuine.replace("v1", " v1"),
        "full width": genuine[:-2] + "１" + genuine[-1],
        "base64url": genuine.replace("/", "_").replace("+", "-").replace("=", ""),
        "another last character": last_character_changed(genuine),
    }
    for name, spelling in spellings.items():
        if spelling != genuine:
            assert refusal(delivery, delivery.request(headers={delivery.signature: spelling})), name


def last_character_changed(signature: str) -> str:
    """Return base64 that a lenient decoder reads as the same bytes, or hex with another last digit."""
    at = len(signature.rstrip("=")) - 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return signature[:at] + alphabet[alphabet.index(signature[at]) ^ 1] + signature[at + 1 :]


# Time
@pytest.mark.parametrize("delivery", TIMED, ids=name_of)
@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_timestamp_within_five_minutes_is_fresh(delivery: Delivery, seconds: int) -> None:
    assert delivery.verify(now=later(seconds)).body == delivery.body


@pytest.mark.parametrize("delivery", TIMED, ids=name_of)
@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(300.001, "stale"), (301, "stale"), (10**8, "stale"), (-301, "future"), (-(10**8), "future")],
)
def test_a_genuine_signature_older_or_newer_than_five_minutes_is_refused(
    delivery: Delivery, seconds: float, reason: str
) -> None:
    assert refusal(delivery, now=later(seconds)) == reason


@pytest.mark.parametrize("delivery", TIMED, ids=name_of)
@pytest.mark.parametrize(
    "timestamp",
    [
        pytest.param(AT.translate({ord(str(n)): 0xFF10 + n for n in range(10)}), id="the time in full-width digits"),
        pytest.param("١٧٧٢٣٥٥٦٠٠", id="Arabic-Indic digits"),
        *(pytest.param(f"+{AT}", id="a plus sign"), pytest.param(f"{AT}\n", id="a line feed after")),
        *(pytest.param(f"{AT}.0", id="a fraction"), pytest.param("1_772_355_600", id="underscores")),
        *(pytest.param(f"0{AT}", id="a leading zero"), pytest.param("9" * 5000, id="5,000 digits")),
        pytest.param("x", id="a letter"),
    ],
)
def test_a_timestamp_with_other_characters_than_digits_is_malformed(delivery: Delivery, timestamp: str) -> None:
    assert refusal(delivery, delivery.request(timestamp=timestamp)) == "malformed"


# Secrets
@pytest.mark.parametrize(
    ("delivery", "secret"),
    [
        *((delivery, "") for delivery in ALL),
        *((delivery, f"{delivery.secret}\n") for delivery in ALL),
        (STANDARD_WEBHOOKS, "whsec_"),
        (STANDARD_WEBHOOKS, "whsec_%%%"),
        (STANDARD_WEBHOOKS, "whsec_é"),
        (STANDARD_WEBHOOKS, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"),
        (STANDARD_WEBHOOKS, "whsec_YWJjZB=="),
        (STANDARD_WEBHOOKS, "whsec_YWJj ZGVm"),
        (ADYEN, ADYEN_SECRET[:-1]),
        (ADYEN, "Z" * 64),
        (ADYEN, "１" * 64),
        (PAYPAL, "client:s3cr3t:1JE4291016473214C"),
        (PAYPAL, "production:client:s3cr3t:1JE4291016473214C"),
        (PAYPAL, "live:client::1JE4291016473214C"),
        (PAYPAL, "live:client:s3 cr3t:1JE4291016473214C"),
    ],
    ids=lambda value: name_of(value) or repr(value)[:30],
)
def test_a_malformed_secret_is_reported_by_its_number(delivery: Delivery, secret: str) -> None:
    with pytest.raises(SecretError, match="signing secret 2 ") as error:
        delivery.verify(secrets=[delivery.secret, secret])
    assert not secret or secret not in str(error.value)


@pytest.mark.parametrize("delivery", ALL, ids=NAMES)
def test_a_list_of_secrets_is_required(delivery: Delivery) -> None:
    none: tuple[Any, ...] = ([], (), delivery.secret)
    for secrets in none:
        with pytest.raises(SecretError, match="no list of signing secrets"):
            delivery.provider.verify(delivery.request(), secrets, NOW)


# Bodies
BAD_BODIES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b'{"type":"\xff"}', id="not UTF-8"),
    pytest.param(b'{"type":"x","type":"y"}', id="the same key twice"),
    pytest.param(b"[" * 100_000, id="a depth of 100,000"),
    pytest.param(b'{"type":"x"', id="half a document"),
]
OTHER_SHAPES = [
    *(b"null", b"1", b'"text"', b"[]", b"{}", b"true", b"[[]]", b'{"type":1}', b'{"type":null}'),
    b'{"type":[]}',
]


@pytest.mark.parametrize("delivery", SIGNED_BYTES, ids=name_of)
@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_body_of_no_strict_json_is_verified_as_bytes_and_malformed_to_read(delivery: Delivery, body: bytes) -> None:
    verified = delivery.verify(delivery.request(body))
    assert verified.body == body
    with pytest.raises(MalformedBodyError):
        delivery.provider.translate(verified)


@pytest.mark.parametrize("delivery", [ADYEN, PAYPAL], ids=name_of)
@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_malformed_body_has_a_malformed_signature_where_the_json_is_signed(delivery: Delivery, body: bytes) -> None:
    assert refusal(delivery, delivery.request(body)) == "malformed"
    with pytest.raises(MalformedBodyError):
        delivery.translate(body)


@pytest.mark.parametrize("delivery", [d for d in ALL if d.scheme not in {"github", "shopify"}], ids=name_of)
@pytest.mark.parametrize("body", OTHER_SHAPES)
def test_json_of_another_structure_breaks_the_contract(delivery: Delivery, body: bytes) -> None:
    with pytest.raises(ContractError):
        delivery.translate(body)


@pytest.mark.parametrize("delivery", [GITHUB, SHOPIFY], ids=name_of)
@pytest.mark.parametrize("body", OTHER_SHAPES)
def test_json_of_another_structure_is_ignored_where_the_structure_is_the_type(delivery: Delivery, body: bytes) -> None:
    assert delivery.translate(body) == ()


@pytest.mark.parametrize("delivery", ALL, ids=NAMES)
def test_a_body_above_the_size_limit_is_not_read(delivery: Delivery) -> None:
    with pytest.raises(ContractError):
        delivery.translate(b'{"type":"' + b"a" * 300_000 + b'"}')


def test_a_notification_with_hundreds_of_items_is_malformed() -> None:
    body = signing.sign_adyen(ADYEN_SECRET, *[{**any_item(), "reason": ""}] * 600)
    assert len(body) < 256 * 1024
    assert refusal(ADYEN, ADYEN.request(body)) == "malformed"


def test_paypal_is_not_called_for_an_obviously_invalid_request() -> None:
    paypal = FakePayPal(b"{}")
    for headers, body in (({}, b"{}"), (PAYPAL.request().headers, b"[" * 1000), (PAYPAL.request().headers, b"")):
        with pytest.raises(SignatureError):
            PayPal(paypal).verify(WebhookRequest(headers, body), [PAYPAL.secret], NOW)
    assert paypal.asked == []


def test_the_delivery_id_comes_from_the_header_only_where_it_is_signed() -> None:
    for delivery in ALL:
        assert delivery.verify().delivery_id == (DELIVERY_ID if delivery.scheme == "standard_webhooks" else "")


@pytest.mark.parametrize(
    ("delivery", "header"),
    [
        *((GITHUB, header) for header in ("x-github-delivery", "x-github-event")),
        *((SHOPIFY, header) for header in ("x-shopify-webhook-id", "x-shopify-topic")),
    ],
    ids=name_of,
)
def test_a_body_with_another_unsigned_header_is_the_same_event(delivery: Delivery, header: str) -> None:
    again = delivery.verify(delivery.request(headers={header: "another"}))
    assert delivery.provider.translate(again) == delivery.provider.translate(delivery.verify())


@pytest.mark.parametrize("delivery", [d for d in ALL if d.verify().delivery_id], ids=name_of)
@pytest.mark.parametrize("value", ["x" * 201, "msg\n1", "é", "\ud800", "msg\x00"])
def test_an_invalid_delivery_id_is_malformed(delivery: Delivery, value: str) -> None:
    (header,) = (name for name, sent in delivery.request().headers.items() if sent == delivery.verify().delivery_id)
    assert refusal(delivery, delivery.request(headers={header: value})) == "malformed"


# Broken contracts
def two_actions(**fields: Any) -> bytes:
    return any_click(any_action(), any_action(**fields))


BROKEN: list[tuple[Delivery, Callable[..., bytes], list[tuple[dict[str, Any], str]]]] = [
    (
        STANDARD_WEBHOOKS,
        any_payment,
        [
            *(({"external_id": each}, "/data/external_id") for each in (None, "", 1001, "x" * 201, "a\nb")),
            *(
                ({"amount": each}, "/data/amount")
                for each in (None, 250, 250.0, "250,00", "-250.00", "1e3", "２５０", "9" * 5000)
            ),
            *(({"currency": each}, "/data/currency") for each in (None, "EURO", "€", "ßE", 978)),
            ({"reason": {"code": 1}}, "/data/reason"),
        ],
    ),
    (
        STRIPE,
        any_payment_intent,
        [
            ({"id": None}, "/data/object/id"),
            *(({"amount": each}, "/data/object/amount") for each in (True, 250.0, "25000", -1, 10**18, 10**4000)),
            ({"amount_received": True}, "/data/object/amount_received"),
            ({"currency": ""}, "/data/object/currency"),
        ],
    ),
    (
        GITHUB,
        any_check_run,
        [
            ({"external_id": 5}, "/check_run/external_id"),
            ({"status": None}, "/check_run/status"),
            ({"conclusion": None}, "/check_run/conclusion"),
            ({"completed_at": "today"}, "/check_run/completed_at"),
        ],
    ),
    (
        SLACK,
        two_actions,
        [
            ({"value": None}, "/actions/1/value"),
            ({"action_id": None}, "/actions/1/action_id"),
            ({"action_id": "countersign." + "x" * 100}, "/actions/1/action_id"),
            *(
                ({"action_ts": at}, "/actions/1/action_ts")
                for at in (None, "", "x", "１５４８４２６４１７.8", "1.0", "1548426417.x", "-154842641.7", "9" * 30)
            ),
        ],
    ),
    (
        SQUARE,
        any_square_payment,
        [
            ({"id": None}, "/data/object/payment/id"),
            ({"status": None}, "/data/object/payment/status"),
            ({"amount_money": None}, "/data/object/payment/amount_money/currency"),
            ({"amount_money": {"amount": 1.0, "currency": "EUR"}}, "/data/object/payment/amount_money/amount"),
            ({"amount_money": {"amount": 10**17, "currency": "JPY"}}, "/data/object/payment/amount_money/amount"),
        ],
    ),
    (
        PAYPAL,
        any_capture,
        [
            ({"id": None}, "/resource/id"),
            ({"custom_id": 5}, "/resource/custom_id"),
            ({"amount": None}, "/resource/amount/currency_code"),
            ({"amount": {"value": 250, "currency_code": "EUR"}}, "/resource/amount/value"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("delivery", "body", "pointer"),
    [(delivery, make(**fields), pointer) for delivery, make, found in BROKEN for fields, pointer in found],
    ids=name_of,
)
def test_a_malformed_field_is_reported_with_its_json_pointer(delivery: Delivery, body: bytes, pointer: str) -> None:
    with pytest.raises(ContractError) as error:
        delivery.translate(body)
    assert error.value.pointer == pointer
