"""Comparison with the vendors' libraries: both accept every genuine event, and no event is accepted by us alone.

Each event that only a library accepts is a named difference with its own test.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import Adyen.util
import pytest
import standardwebhooks
import stripe
from slack_sdk.signature import SignatureVerifier

from countersign.domain import strict_json
from countersign.domain.errors import ContractError, SignatureError
from countersign.providers import base
from countersign.providers.base import WebhookRequest
from countersign.testing import signing
from countersign.testing.deliveries import ADYEN, ADYEN_SECRET, any_item

CASES = 300
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STRIPE_SECRETS = ["whsec_test_secret", "whsec_" + "x" * 60]


@pytest.fixture
def now() -> int:
    """The machine's clock, which the libraries read."""
    return int(datetime.now(UTC).timestamp())


def ours(scheme: str, headers: dict[str, str], body: bytes, secret: str, now: int) -> bool:
    """Return whether we accept a request: verified, and strict JSON."""
    request = WebhookRequest(headers, body)
    try:
        verified = base.load(scheme).verify(request, [secret], datetime.fromtimestamp(now, UTC))
        if scheme != "slack":
            strict_json.read(verified.body)
    except (SignatureError, ContractError):
        return False
    return True


def accepts(verify: Callable[[], Any]) -> bool:
    """Return whether a library accepts a request. Any exception is a refusal."""
    try:
        return verify() is not False
    except Exception:  # noqa: BLE001  ValueError, binascii.Error, UnicodeDecodeError and more escape from some
        return False


def standard_accepts(headers: dict[str, str], body: bytes, secret: str) -> bool:
    return accepts(lambda: standardwebhooks.Webhook(secret).verify(body, headers))


def stripe_accepts(headers: dict[str, str], body: bytes, secret: str) -> bool:
    header = {name.lower(): value for name, value in headers.items()}.get("stripe-signature")
    return accepts(lambda: stripe.Webhook.construct_event(body, header, secret))


def slack_accepts(headers: dict[str, str], body: bytes, secret: str) -> bool:
    return accepts(lambda: SignatureVerifier(secret).is_valid_request(body, headers))


def any_body(chance: random.Random) -> bytes:
    """Return an object with texts in several alphabets."""
    letters = string.printable + "äß€漢😀\u2028"
    members = {
        "".join(chance.choices(letters, k=chance.randint(1, 8))): chance.choice(
            [None, True, chance.randint(-(10**12), 10**12), chance.random(), "".join(chance.choices(letters, k=20))]
        )
        for _ in range(chance.randint(0, 12))
    }
    document = {
        "id": f"evt_{chance.getrandbits(64):x}",
        "object": "event",
        "type": "payment_intent.succeeded",
        **members,
    }
    return json.dumps(document, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 2])).encode()


def mutated(chance: random.Random, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Return a genuine request with at most one change."""
    headers = dict(headers)
    name = chance.choice(sorted(headers))
    value = headers[name]
    at = chance.randrange(len(value))
    spelling = chance.choice([name.upper(), name.lower(), name.title()])
    changes: list[Callable[[], tuple[dict[str, str], bytes]]] = [
        lambda: ({**headers, name: value[:at] + chance.choice(string.printable + "é１") + value[at + 1 :]}, body),
        lambda: ({**headers, name: value[:at] + value[at + 1 :]}, body),
        lambda: ({**headers, name: value[:at] + chance.choice(",= v1t.+-_") + value[at:]}, body),
        lambda: ({**headers, name: value[:at]}, body),
        lambda: ({**headers, name: f"{value} {value}"}, body),
        lambda: ({**headers, name: f"{value},{value}"}, body),
        lambda: ({**headers, name: value.swapcase()}, body),
        lambda: ({other: sent for other, sent in headers.items() if other != name}, body),
        lambda: ({(spelling if other == name else other): sent for other, sent in headers.items()}, body),
        lambda: (headers, body + chance.choice([b" ", b"\n", b"\x00", b"}"])),
        lambda: (headers, chance.choice([b"", body[1:], body[:-1], b"\xef\xbb\xbf" + body, body.replace(b"1", b"2")])),
    ]
    return chance.choice(changes)()


def requests(
    sign: Callable[[random.Random, bytes, int], tuple[dict[str, str], str]], now: int, seed: str
) -> Iterator[tuple[dict[str, str], bytes, str]]:
    """Return random genuine requests with their secrets."""
    chance = random.Random(seed)
    for _ in range(CASES):
        body = any_body(chance)
        headers, secret = sign(chance, body, now)
        yield headers, body, secret


def sign_standard(chance: random.Random, body: bytes, now: int) -> tuple[dict[str, str], str]:
    secret = "whsec_" + base64.b64encode(chance.randbytes(chance.randint(24, 64))).decode()
    at = now + chance.randint(-290, 290)
    return signing.sign_standard_webhooks(secret, body, f"msg_{chance.getrandbits(64):x}", at), secret


def sign_stripe(chance: random.Random, body: bytes, now: int) -> tuple[dict[str, str], str]:
    secret = chance.choice(STRIPE_SECRETS)
    return signing.sign_stripe(secret, body, now + chance.randint(-290, 290)), secret


def sign_slack(chance: random.Random, body: bytes, now: int) -> tuple[dict[str, str], str]:
    return signing.sign_slack(SLACK_SECRET, body, now + chance.randint(-290, 290)), SLACK_SECRET


LIBRARIES = pytest.mark.parametrize(
    ("scheme", "theirs", "signer"),
    [
        ("standard_webhooks", standard_accepts, sign_standard),
        ("stripe", stripe_accepts, sign_stripe),
        ("slack", slack_accepts, sign_slack),
    ],
    ids=["standardwebhooks", "stripe", "slack_sdk"],
)


@LIBRARIES
def test_every_genuine_event_is_accepted_by_both(scheme: str, theirs: Any, signer: Any, now: int) -> None:
    for headers, body, secret in requests(signer, now, "genuine"):
        assert theirs(headers, body, secret), (headers, body)
        assert ours(scheme, headers, body, secret, now), (headers, body)


@LIBRARIES
def test_a_changed_event_that_only_one_side_accepts_is_a_named_difference(
    scheme: str, theirs: Any, signer: Any, now: int
) -> None:
    chance = random.Random("mutations")
    both = 0
    for genuine_headers, genuine_body, secret in requests(signer, now, "mutated"):
        headers, body = mutated(chance, genuine_headers, genuine_body)
        if ours(scheme, headers, body, secret, now):
            assert theirs(headers, body, secret), (headers, body)
            both += 1
        elif theirs(headers, body, secret):
            assert is_named(scheme, headers), (scheme, headers)
    assert 0 < both < CASES / 2


def is_named(scheme: str, headers: dict[str, str]) -> bool:
    """Return whether a request has one of the named differences."""
    sent = {name.lower(): value for name, value in headers.items()}
    if scheme == "standard_webhooks":
        timestamp, signature = sent["webhook-timestamp"], sent["webhook-signature"]
        canonical = signature.startswith("v1,") and len(signature) == 47 and " " not in signature
        return not timestamp.isdigit() or not timestamp.isascii() or timestamp.startswith("0") or not canonical
    if scheme == "stripe":
        items = sent["stripe-signature"].split(",")
        return any(item.count("=") != 1 or not item.removeprefix("t=").isalnum() for item in items) or len(items) > 2
    return not sent["x-slack-request-timestamp"].isdigit()


# Named differences: accepted by the library, refused by us
Sent = tuple[dict[str, str], bytes, str]
STRIPE_BODY = b'{"id":"evt_1","object":"event","type":"x"}'


def assert_differs(scheme: str, theirs: Callable[..., bool], sent: Sent, now: int) -> None:
    assert theirs(*sent), sent
    assert not ours(scheme, *sent, now), sent


def standard(now: int, body: bytes = b'{"type":"x"}', **changes: str) -> Sent:
    headers = signing.sign_standard_webhooks(signing.STANDARD_SECRET, body, "msg_1", now)
    return headers | {f"webhook-{name}": text for name, text in changes.items()}, body, signing.STANDARD_SECRET


def by_stripe(timestamp: int | str, signed: int | str) -> Sent:
    _, _, signature = signing.sign_stripe(STRIPE_SECRETS[0], STRIPE_BODY, signed)["Stripe-Signature"].partition(",")
    return {"Stripe-Signature": f"t={timestamp},{signature}"}, STRIPE_BODY, STRIPE_SECRETS[0]


@pytest.mark.parametrize("spelling", ["{}.0", "{}.9", " {}", "+{}", "{}\n", "{}e0", "0{}"])
def test_standardwebhooks_reads_timestamps_as_floats(spelling: str, now: int) -> None:
    assert_differs("standard_webhooks", standard_accepts, standard(now, timestamp=spelling.format(now)), now)


def test_standardwebhooks_decodes_base64_leniently_and_compares_any_number_of_signatures(now: int) -> None:
    genuine = standard(now)[0]["webhook-signature"]
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    same_bits = f"{genuine[:-2]}{alphabet[alphabet.index(genuine[-2]) + 1]}="
    many = " ".join([f"v1,{'A' * 43}="] * 9_999 + [genuine])
    for signature in (same_bits, f"{genuine[:9]}!{genuine[9:]}", f"{genuine}=", f"{genuine} garbage", many):
        assert_differs("standard_webhooks", standard_accepts, standard(now, signature=signature), now)


def test_standardwebhooks_parses_json_that_is_not_strict(now: int) -> None:
    for body in (b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":"\\ud800"}', b"[" * 65 + b"]" * 65):
        assert_differs("standard_webhooks", standard_accepts, standard(now, body), now)


@pytest.mark.parametrize("ahead", [310, 86_400, 10**8])
def test_stripe_accepts_timestamps_of_the_future(ahead: int, now: int) -> None:
    assert_differs("stripe", stripe_accepts, by_stripe(now + ahead, now + ahead), now)


@pytest.mark.parametrize("spelling", ["+{}", " {}", "{} ", "0{}", "full-width", "underscore"])
def test_stripe_reads_timestamps_as_python_does(spelling: str, now: int) -> None:
    text = {
        "full-width": str(now).translate({ord(str(n)): 0xFF10 + n for n in range(10)}),
        "underscore": f"{str(now)[0]}_{str(now)[1:]}",
    }.get(spelling, spelling.format(now))
    assert_differs("stripe", stripe_accepts, by_stripe(text, now), now)


def test_stripe_ignores_malformed_parts_of_its_header(now: int) -> None:
    genuine = by_stripe(now, now)[0]["Stripe-Signature"]
    many = ",".join([genuine, *[f"v1={'0' * 64}"] * 10_000])
    for header in (f"{genuine},", f"{genuine}=x", f"{genuine},t=1", f"{genuine},garbage", many):
        sent = {"Stripe-Signature": header}, STRIPE_BODY, STRIPE_SECRETS[0]
        assert_differs("stripe", stripe_accepts, sent, now)


@pytest.mark.parametrize("spelling", ["+{}", " {}", "{}\n", "0{}"])
def test_slack_reads_timestamps_as_python_does(spelling: str, now: int) -> None:
    headers = signing.sign_slack(SLACK_SECRET, b"payload={}", spelling.format(now))
    assert_differs("slack", slack_accepts, (headers, b"payload={}", SLACK_SECRET), now)


# Adyen: its library reads one item of a parsed document
def adyen_accepts(body: bytes) -> bool:
    return accepts(lambda: bool(Adyen.util.is_valid_hmac_notification(json.loads(body), ADYEN_SECRET)))


def we_accept(body: bytes) -> bool:
    try:
        ADYEN.verify(ADYEN.request(body))
    except SignatureError:
        return False
    return True


def test_genuine_adyen_items_are_accepted_by_both_and_changed_ones_by_neither() -> None:
    chance = random.Random("adyen")
    for _ in range(CASES):
        item = any_item(
            pspReference=str(chance.getrandbits(53)),
            merchantReference="".join(chance.choices("aZ0-_ :/äß€", k=chance.randint(1, 40))),
            amount={"value": chance.randint(0, 10**9), "currency": chance.choice(["EUR", "JPY", "KWD"])},
            eventCode=chance.choice(["AUTHORISATION", "CAPTURE", "REFUND"]),
            success=chance.choice(["true", "false"]),
        )
        body = signing.sign_adyen(ADYEN_SECRET, item)
        assert adyen_accepts(body)
        assert we_accept(body)
        at = chance.randrange(len(body))
        changed = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        assert not we_accept(changed) or adyen_accepts(changed), changed


def test_the_adyen_library_verifies_only_the_first_item() -> None:
    document = json.loads(signing.sign_adyen(ADYEN_SECRET, any_item(), any_item()))
    document["notificationItems"][1]["NotificationRequestItem"]["amount"]["value"] = 1
    body = json.dumps(document).encode()
    assert adyen_accepts(body)
    assert not we_accept(body)


def test_the_adyen_library_accepts_a_colon_moved_between_fields() -> None:
    document = json.loads(signing.sign_adyen(ADYEN_SECRET, any_item(merchantReference="shop:order-1001")))
    moved = {"merchantAccountCode": "CountersignECOM:shop", "merchantReference": "order-1001"}
    document["notificationItems"][0]["NotificationRequestItem"] |= moved
    body = json.dumps(document).encode()
    assert adyen_accepts(body)
    assert not we_accept(body)
