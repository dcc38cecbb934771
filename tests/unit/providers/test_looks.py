"""The providers that can be asked: their hosts, the questions, and what their answers say."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.errors import ContractError, LookFailedError, SignatureError
from countersign.providers.base import Expected, Look, Unsigned, Verified, WebhookRequest, load, schemes
from countersign.providers.documents import Document
from countersign.testing.builders import NOW

INTENT = {
    "id": "pi_1001",
    "amount": 25000,
    "amount_received": 25000,
    "currency": "eur",
    "livemode": True,
    "status": "succeeded",
    "latest_charge": {"created": 1_772_355_598, "amount_refunded": 0, "disputed": False},
}
CAPTURE = {
    "id": "42311647XV020574X",
    "amount": {"currency_code": "EUR", "value": "250.00"},
    "status": "COMPLETED",
    "create_time": "2026-03-01T08:59:58Z",
}
PAYMENT = {
    "id": "tr_5B8cwPMGnU6qLbRvo7qEZo",
    "mode": "live",
    "profileId": "pfl_QkEhN94Ba",
    "amount": {"currency": "EUR", "value": "250.00"},
    "amountRefunded": {"currency": "EUR", "value": "0.00"},
    "status": "paid",
    "paidAt": "2026-03-01T08:59:58+00:00",
}
LINK = {
    "id": "PL6DB3157D27FFBBCF",
    "reference": "order-1001",
    "merchantAccount": "AcmeECOM",
    "amount": {"currency": "EUR", "value": 25000},
    "reusable": False,
    "status": "completed",
    "updatedAt": "2026-03-01T09:59:58+01:00",
}
GENUINE: Mapping[str, dict[str, Any]] = {"adyen": LINK, "mollie": PAYMENT, "paypal": CAPTURE, "stripe": INTENT}
HOSTS = {
    "adyen": {"{}-checkout-live.adyenpayments.com", "checkout-test.adyen.com"},
    "mollie": {"api.mollie.com"},
    "paypal": {"api-m.paypal.com", "api-m.sandbox.paypal.com"},
    "stripe": {"api.stripe.com"},
}


def asked(scheme: str) -> Look:
    provider = load(scheme)
    assert isinstance(provider, Look)
    return provider


def answered(scheme: str, expected: Expected | None = None, **changes: Any) -> list[tuple[str, str | None]]:
    """Return the statuses and amounts of a changed answer."""
    body = json.dumps(GENUINE[scheme] | changes).encode()
    events = asked(scheme).answer(Document.read(body), expected or Expected())
    return [(event.status.value, event.reason or event.amount) for event in events]


def order(*captures: dict[str, str], custom_id: str = "order-1001") -> dict[str, Any]:
    """Return an order of PayPal's with changed captures."""
    made = [CAPTURE | {"custom_id": custom_id} | changes for changes in captures]
    unit = {"amount": CAPTURE["amount"], "custom_id": custom_id}
    return {"purchase_units": [unit | ({"payments": {"captures": made}} if made else {})]}


def test_every_provider_is_asked_at_the_hosts_of_its_scheme_and_adyen_at_the_companys_own() -> None:
    looks = {scheme: look for scheme in schemes() if isinstance(look := load(scheme), Look)}
    assert {scheme: {look.host, look.sandbox} - {""} for scheme, look in looks.items()} == HOSTS
    place, prefix = asked("adyen").place, {"live_prefix": "1797a841fbb37ca7-Acme"}
    live = ("1797a841fbb37ca7-Acme-checkout-live.adyenpayments.com", "/checkout/v71/paymentLinks/PL1")
    assert place("", "PL1", Expected(accounts=prefix)) == live
    assert place("", "PL1", Expected(live=False)) == ("checkout-test.adyen.com", "/v71/paymentLinks/PL1")
    for wrong in ("", "evil.example/", "1797a841fbb37ca7-", "1797a841fbb37ca7-a.b", f"{'0' * 16}-{'x' * 33}"):
        with pytest.raises(LookFailedError, match="no_host"):
            place("", "PL1", Expected(accounts={"live_prefix": wrong}))


@pytest.mark.parametrize("scheme", GENUINE)
def test_a_genuine_answer_is_paid(scheme: str) -> None:
    (event,) = asked(scheme).answer(Document(GENUINE[scheme]))
    assert (event.external_id, event.status, event.amount, event.currency) == (
        *(GENUINE[scheme].get("reference", GENUINE[scheme]["id"]), "paid"),
        *("250.00", "EUR"),
    )
    assert event.occurred_at is not None
    assert event.occurred_at < NOW


@pytest.mark.parametrize(
    ("scheme", "changes", "expected"),
    [
        ("adyen", {"status": "active"}, [("pending", "250.00")]),
        ("adyen", {"status": "paymentPending", "reusable": None}, [("pending", "250.00")]),
        ("adyen", {"status": "expired"}, [("expired", "250.00")]),
        ("adyen", {"status": "paid"}, [("unknown", "250.00")]),
        ("adyen", {"amount": {"currency": "ISK", "value": 25000}}, [("paid", "250")]),
        ("paypal", order(), [("pending", "250.00")]),
        ("paypal", order({"status": "DECLINED"}), [("pending", "250.00")]),
        ("paypal", order({"status": "DECLINED"}, custom_id=""), [("pending", "250.00")]),
        ("paypal", order({"status": "DECLINED"}, {}), [("paid", "250.00")]),
        ("paypal", order({"status": "REFUNDED"}), [("refunded", "250.00"), ("paid", "250.00")]),
        ("mollie", {"status": "open"}, [("pending", "250.00")]),
        ("mollie", {"status": "authorized"}, [("pending", "250.00")]),
        ("mollie", {"status": "canceled"}, [("failed", "250.00")]),
        ("mollie", {"status": "expired"}, [("expired", "250.00")]),
        ("mollie", {"status": "Paid"}, [("unknown", "250.00")]),
        ("mollie", {"mode": "test"}, [("ignored", "test_mode")]),
        (
            "mollie",
            {
                "amountRefunded": {"currency": "EUR", "value": "10.00"},
                "amountChargedBack": {"currency": "EUR", "value": "5.00"},
            },
            [("refunded", "10.00"), ("disputed", "5.00"), ("paid", "250.00")],
        ),
        ("paypal", {"status": "PENDING"}, [("pending", "250.00")]),
        ("paypal", {"status": "DECLINED"}, [("declined", "250.00")]),
        ("paypal", {"status": "REFUNDED"}, [("refunded", "250.00"), ("paid", "250.00")]),
        ("paypal", {"status": "PARTIALLY_REFUNDED"}, [("unknown", "250.00")]),
        ("stripe", {"status": "requires_capture"}, [("pending", "250.00")]),
        ("stripe", {"status": "canceled"}, [("failed", "250.00")]),
        (
            "stripe",
            {"latest_charge": {"amount_refunded": 1000, "disputed": True}},
            [("refunded", "10.00"), ("disputed", "250.00"), ("paid", "250.00")],
        ),
    ],
)
def test_an_answer_is_read_like_an_event(
    scheme: str, changes: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    assert answered(scheme, **changes) == expected


@pytest.mark.parametrize(("scheme", "account"), [("mollie", "account"), ("adyen", "merchant_account")])
def test_a_payment_of_another_account_is_ignored(scheme: str, account: str) -> None:
    assert answered(scheme, Expected(accounts={account: "other"})) == [("ignored", f"other_{account}")]


@pytest.mark.parametrize(
    ("scheme", "changes"),
    [("adyen", {"reusable": True}), ("paypal", order({}, {})), ("paypal", {"purchase_units": []})],
)
def test_an_answer_that_does_not_say_how_one_payment_stands_is_refused(scheme: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        answered(scheme, **changes)


@pytest.mark.parametrize(("custom_id", "named"), [("order-1001", "order-1001"), ("", CAPTURE["id"])])
def test_the_capture_of_an_order_is_the_payment_that_its_webhooks_name(custom_id: str, named: str) -> None:
    (event,) = asked("paypal").answer(Document(order({}, custom_id=custom_id)))
    assert (event.external_id, event.payment_id) == (named, CAPTURE["id"] if custom_id else None)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
VALUES = st.recursive(
    LEAVES, lambda inside: st.lists(inside, max_size=2) | st.dictionaries(st.text(), inside, max_size=2)
)


@pytest.mark.parametrize("scheme", GENUINE)
@given(data=st.data())
def test_an_answer_with_a_changed_value_is_read_or_breaks_the_contract(scheme: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(GENUINE[scheme])))
    body = json.dumps(GENUINE[scheme] | {name: data.draw(VALUES)}).encode()
    with suppress(ContractError):
        for event in asked(scheme).answer(Document.read(body)):
            assert 0 < len(event.external_id) <= 200
            assert (event.amount is None) == (event.currency is None)


def test_paypal_is_asked_with_an_access_token_of_the_same_host() -> None:
    calls: list[tuple[str, Mapping[str, str], bytes | None]] = []

    def call(*sent: Any) -> Document:
        calls.append(sent)
        return Document({"access_token": "A21AAF"})

    assert asked("paypal").headers("client:s3cr3t", Expected(), call) == {"Authorization": "Bearer A21AAF"}
    ((path, sent, body),) = calls
    assert (path, body) == ("/v1/oauth2/token", b"grant_type=client_credentials")
    assert sent["Authorization"] == "Basic Y2xpZW50OnMzY3IzdA=="


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"id=tr_1", "tr_1"),
        (b"testByMollie=1&id=tr_1", "tr_1"),
        (b"id=tr_1&id=tr_2", "tr_1"),
        (b"id=tr_1%0d%0aX", "tr_1\r\nX"),
        (b'{"id":"tr_1"}', ""),
        (b"\xff\x00", ""),
        (b"", ""),
    ],
)
def test_an_unsigned_post_of_mollies_only_names_a_payment(body: bytes, named: str) -> None:
    mollie = load("mollie")
    assert isinstance(mollie, Unsigned)
    assert mollie.named(body) == named
    assert mollie.translate(Verified(body)) == ()
    with pytest.raises(SignatureError):
        mollie.verify(WebhookRequest({}, body), ["secret"], NOW)
