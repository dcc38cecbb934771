"""Random requests: a verifier returns the bytes or raises one error, and so does a translator with events."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.errors import ContractError, SignatureError
from countersign.providers.base import Verified, WebhookRequest
from countersign.providers.paypal import PayPal
from countersign.testing.builders import NOW
from countersign.testing.deliveries import ADYEN, ALL, AT, PAYPAL, URL, Delivery, FakePayPal, told
from countersign.testing.signing import sign_adyen

EVERY = pytest.mark.parametrize("delivery", ALL, ids=lambda delivery: f"{delivery.scheme}-{delivery.signature}")

texts = st.text(st.characters(), max_size=40)
timestamps = st.integers(AT - 400, AT + 400).map(str) | st.text("0123456789+-._ eE１²", max_size=12)
signature_like = st.text("v01=,t abcdefABCDEF+/=sha256é", max_size=100)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(["true", "paid", "EUR", "1.5"])
)
values = st.recursive(leaves, lambda inside: st.lists(inside, max_size=4) | st.dictionaries(texts, inside, max_size=4))


def refusing(delivery: Delivery, request: WebhookRequest) -> None:
    """Expect a refusal by secrets of another signer."""
    provider = PayPal(FakePayPal()) if delivery is PAYPAL else delivery.provider
    with pytest.raises(SignatureError) as error:
        provider.verify(request, [delivery.other_secret], NOW)
    assert error.value.reason in {"missing", "malformed", "stale", "future", "mismatch"}


@EVERY
@given(data=st.data())
def test_a_genuine_request_with_a_changed_header_is_refused(delivery: Delivery, data: st.DataObject) -> None:
    headers = dict(delivery.request().headers)
    if headers:
        name = data.draw(st.sampled_from(sorted(headers)))
        headers[name] = data.draw(texts | signature_like | timestamps | place_changed(headers[name]))
    refusing(delivery, WebhookRequest(headers, delivery.body, URL))


def place_changed(text: str) -> st.SearchStrategy[str]:
    """Return the text with one changed character."""
    return st.tuples(st.integers(0, len(text)), texts).map(lambda at: text[: at[0]] + at[1] + text[at[0] + 1 :])


@EVERY
@given(place=st.integers(0), bytes_there=st.binary(min_size=1, max_size=4))
def test_a_genuine_body_with_changed_bytes_is_refused_or_has_the_same_meaning(
    delivery: Delivery, place: int, bytes_there: bytes
) -> None:
    """Adyen signs values and leaves most of the body unsigned, including `live`."""
    place %= len(delivery.body)
    body = delivery.body[:place] + bytes_there + delivery.body[place + 1 :]
    genuine = delivery.request()
    try:
        verified = delivery.verify(WebhookRequest(genuine.headers, body, URL))
    except SignatureError:
        return
    if delivery is not ADYEN:
        assert verified.body == delivery.body
        return
    with contextlib.suppress(ContractError):
        acting = [told(event) for event in ADYEN.translate(body) if event.status != "ignored"]
        assert acting in ([told(ADYEN.translate()[0])], [])


@EVERY
@given(data=st.data())
def test_a_document_with_a_changed_value_is_translated_or_refused(delivery: Delivery, data: st.DataObject) -> None:
    if delivery.scheme == "slack":
        return
    document = json.loads(delivery.body)
    _change(document, data)
    translating(delivery, json.dumps(document).encode())


def _change(document: Any, data: st.DataObject) -> None:
    """Change one value of a document."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(document[key], dict | list) or not document[key] or data.draw(st.integers(0, 3)) == 0:
            document[key] = data.draw(values)
            return
        document = document[key]


def translating(delivery: Delivery, body: bytes) -> None:
    """Translate, and check the limits of the ledger."""
    with contextlib.suppress(ContractError):
        for event in delivery.provider.translate(Verified(body, "msg_1")):
            assert 0 < len(event.event_id) <= 200
            assert 0 < len(event.external_id) <= 200
            assert len((event.event_id + event.external_id).encode()) <= 1600
            assert (event.amount is None) == (event.currency is None)
            assert event.reason is None or 0 < len(event.reason) <= 500


@given(st.lists(st.fixed_dictionaries({"pspReference": texts, "merchantReference": texts}), min_size=1, max_size=3))
def test_items_with_any_references_are_verified_or_refused(items: list[dict[str, Any]]) -> None:
    base = {"merchantAccountCode": "A", "amount": {"value": 1, "currency": "EUR"}, "eventCode": "CAPTURE"}
    try:
        body = sign_adyen(ADYEN.secret, *[{**base, "success": "true", **item} for item in items])
    except UnicodeEncodeError:
        return
    refusable = any(":" in item["pspReference"] for item in items)
    try:
        ADYEN.verify(ADYEN.request(body))
    except SignatureError:
        assert refusable
