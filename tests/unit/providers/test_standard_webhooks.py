"""Standard Webhooks and Svix: the example of the specification, and the statuses of events."""

from datetime import UTC, datetime

import pytest

from countersign.domain.errors import ContractError, SignatureError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers.base import Verified, WebhookRequest
from countersign.testing.deliveries import DELIVERY_ID, STANDARD_WEBHOOKS, SVIX, any_payment

EXAMPLE_BODY = b'{"test": 2432232314}'
EXAMPLE_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
EXAMPLE_TIME = datetime.fromtimestamp(1614265330, UTC)

translate = STANDARD_WEBHOOKS.translate


@pytest.mark.parametrize("family", ["webhook", "svix"])
def test_the_example_of_the_specification_is_verified(family: str) -> None:
    headers = {name.replace("webhook", family): value for name, value in EXAMPLE_HEADERS.items()}
    verified = STANDARD_WEBHOOKS.verify(WebhookRequest(headers, EXAMPLE_BODY), EXAMPLE_TIME)
    assert verified == Verified(EXAMPLE_BODY, "msg_p5jXN8AQM9LWM0D4loKWxJek")


def test_a_secret_without_its_prefix_is_accepted() -> None:
    bare = STANDARD_WEBHOOKS.secret.removeprefix("whsec_")
    assert STANDARD_WEBHOOKS.verify(secrets=[bare]).delivery_id == DELIVERY_ID


def test_the_message_id_is_signed() -> None:
    with pytest.raises(SignatureError, match="mismatch"):
        STANDARD_WEBHOOKS.verify(STANDARD_WEBHOOKS.request(headers={"webhook-id": "msg_other"}))


def test_the_headers_of_both_families_are_not_mixed() -> None:
    request = SVIX.request(headers={"svix-id": None, "webhook-id": DELIVERY_ID})
    with pytest.raises(SignatureError, match="missing"):
        SVIX.verify(request)


def test_signatures_of_other_versions_are_ignored() -> None:
    genuine = STANDARD_WEBHOOKS.request().headers["webhook-signature"]
    asymmetric = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzC"
    request = STANDARD_WEBHOOKS.request(headers={"webhook-signature": f"{asymmetric} {genuine}"})
    assert STANDARD_WEBHOOKS.verify(request).body == STANDARD_WEBHOOKS.body
    with pytest.raises(SignatureError):
        STANDARD_WEBHOOKS.verify(STANDARD_WEBHOOKS.request(headers={"webhook-signature": genuine.replace("v1", "v2")}))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("payment.paid", EventStatus.PAID),
        ("payment.pending", EventStatus.PENDING),
        ("payment.failed", EventStatus.FAILED),
        ("payment.expired", EventStatus.EXPIRED),
        ("payment.teleported", EventStatus.UNKNOWN),
        ("payment.", EventStatus.UNKNOWN),
        ("payment.Paid", EventStatus.UNKNOWN),
        ("payment.paid ", EventStatus.UNKNOWN),
    ],
)
def test_a_payment_type_maps_to_a_status_and_an_unknown_one_to_unknown(kind: str, status: EventStatus) -> None:
    (event,) = translate(any_payment(kind, reason="card_declined"))
    assert event == ProviderEvent(
        DELIVERY_ID, "pay_1001", status, "250.00", "EUR", datetime(2026, 3, 1, 8, 59, 58, tzinfo=UTC), "card_declined"
    )


@pytest.mark.parametrize("kind", ["customer.created", "payment", "payments.paid", "Payment.paid", "refund.paid"])
def test_another_event_type_is_ignored_with_any_data(kind: str) -> None:
    assert translate(any_payment(kind, amount=17)) == ()


def test_an_unpaid_payment_needs_no_amount() -> None:
    for kind in ("payment.pending", "payment.failed", "payment.expired", "payment.other"):
        (event,) = translate(any_payment(kind, amount=None, currency=None))
        assert (event.amount, event.currency) == (None, None)


def test_an_amount_without_a_currency_breaks_the_contract() -> None:
    with pytest.raises(ContractError, match="/data/currency"):
        translate(any_payment("payment.failed", currency=None))


def test_an_amount_is_canonical_for_its_currency() -> None:
    for sent, currency, canonical in [("250", "EUR", "250.00"), ("7.50", "KWD", "7.500"), ("100.0", "jpy", "100")]:
        (event,) = translate(any_payment(amount=sent, currency=currency))
        assert (event.amount, event.currency) == (canonical, currency.upper())
