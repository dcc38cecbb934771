"""Expected events: the mode, the account, and final attempts."""

import json
from typing import Any

import pytest

from countersign.providers import base
from countersign.providers.base import AS_BY_DEFAULT, Expected, Verified
from countersign.testing.deliveries import (
    ADYEN,
    ADYEN_SECRET,
    ALL,
    GITHUB,
    PAYPAL,
    SHOPIFY,
    SQUARE,
    STANDARD_WEBHOOKS,
    STRIPE,
    Delivery,
    any_capture,
    any_item,
    any_payment,
    any_payment_intent,
    with_members,
)
from countersign.testing.signing import sign_adyen


def said(delivery: Delivery, expected: Expected = AS_BY_DEFAULT, origin: str = "", **members: Any) -> tuple[str, str]:
    """Return status and reason of a paid event with changed members."""
    verified = Verified(with_members(delivery.body, **members), "msg_1", origin)
    (event,) = delivery.provider.translate(verified, expected)
    return event.status.value, (event.reason or "") if event.status == "ignored" else ""


def of(**accounts: str) -> Expected:
    return Expected(accounts=accounts)


PAID, TEST, LIVE = ("paid", ""), ("ignored", "test_mode"), ("ignored", "live_mode")
TESTING = Expected(live=False)
RUN = json.loads(GITHUB.body)["check_run"] | {"app": {"id": 15368}}
BUILDS = {"check_run": RUN, "repository": {"full_name": "acme/shop"}}


@pytest.mark.parametrize(
    ("delivery", "live", "test"),
    [
        (STRIPE, {"livemode": True}, {"livemode": False}),
        (STRIPE, {}, {"livemode": "false"}),
        (ADYEN, {"live": "true"}, {"live": "false"}),
        (SHOPIFY, {"test": False}, {"test": True}),
        (SHOPIFY, {}, {"test": True}),
        (PAYPAL, {"origin": "live"}, {"origin": "sandbox"}),
    ],
)
def test_an_event_of_the_other_mode_is_ignored(delivery: Delivery, live: dict[str, Any], test: dict[str, Any]) -> None:
    assert (said(delivery, **live), said(delivery, **test)) == (PAID, TEST)
    assert (said(delivery, TESTING, **live), said(delivery, TESTING, **test)) == (LIVE, PAID)


def test_the_mode_of_a_paypal_event_is_that_of_the_confirming_environment() -> None:
    assert [PAYPAL.verify(secrets=[secret]).origin for secret in (PAYPAL.secret, PAYPAL.other_secret)] == [
        "live",
        "sandbox",
    ]


def test_the_shop_of_a_shopify_event_comes_from_its_header() -> None:
    assert SHOPIFY.verify(SHOPIFY.request(headers={"x-shopify-shop-domain": "a.myshopify.com"})).origin == (
        "a.myshopify.com"
    )


@pytest.mark.parametrize(
    ("delivery", "expected", "members", "result"),
    [
        (STRIPE, of(), {"account": "acct_1"}, "other_account"),
        (STRIPE, of(account="acct_1"), {"account": "acct_1"}, ""),
        (STRIPE, of(account="acct_1"), {"account": "acct_2"}, "other_account"),
        (STRIPE, of(account="acct_1"), {}, "other_account"),
        (ADYEN, of(), {}, ""),
        (ADYEN, of(merchant_account="CountersignECOM"), {}, ""),
        (ADYEN, of(merchant_account="ShopFR"), {}, "other_merchant_account"),
        (GITHUB, of(), BUILDS, ""),
        (GITHUB, of(repository="acme/shop", app="15368"), BUILDS, ""),
        (GITHUB, of(repository="acme/other", app="15368"), BUILDS, "other_repository"),
        (GITHUB, of(repository="acme/shop", app="1"), BUILDS, "other_app"),
        (GITHUB, of(repository="acme/shop"), {}, "other_repository"),
        (SHOPIFY, of(), {"origin": "a.myshopify.com"}, ""),
        (SHOPIFY, of(shop="a.myshopify.com"), {"origin": "a.myshopify.com"}, ""),
        (SHOPIFY, of(shop="a.myshopify.com"), {"origin": "b.myshopify.com"}, "other_shop"),
        (SHOPIFY, of(shop="a.myshopify.com"), {}, "other_shop"),
        (SQUARE, of(), {"merchant_id": "M1"}, ""),
        (SQUARE, of(account="M1"), {"merchant_id": "M2"}, "other_account"),
    ],
)
def test_an_event_of_another_account_is_ignored_with_the_reason(
    delivery: Delivery, expected: Expected, members: dict[str, Any], result: str
) -> None:
    assert said(delivery, expected, **members) == (("ignored", result) if result else PAID)


@pytest.mark.parametrize(
    ("delivery", "body"),
    [
        (STANDARD_WEBHOOKS, any_payment("payment.declined")),
        (STRIPE, any_payment_intent("payment_intent.payment_failed")),
        (ADYEN, sign_adyen(ADYEN_SECRET, any_item(success="false"))),
        (PAYPAL, any_capture("PAYMENT.CAPTURE.DECLINED", custom_id="order-1001")),
    ],
)
def test_a_declined_attempt_fails_the_payment_only_if_declined_is_final(delivery: Delivery, body: bytes) -> None:
    statuses = [
        delivery.provider.translate(Verified(body, "msg_1"), Expected(declined_is_final=final))[0].status
        for final in (False, True)
    ]
    assert statuses == ["declined", "failed"]


def test_every_scheme_lists_its_settings() -> None:
    assert {delivery.scheme: sorted(base.load(delivery.scheme).settings) for delivery in ALL} == {
        "standard_webhooks": ["declined"],
        "stripe": ["account", "declined", "live"],
        "adyen": ["declined", "live", "live_prefix", "merchant_account"],
        "github": ["app", "repository"],
        "slack": [],
        "shopify": ["declined", "live", "shop"],
        "square": ["account"],
        "paypal": ["declined", "live"],
    }
