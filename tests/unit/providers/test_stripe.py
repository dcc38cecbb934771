"""Stripe: its signature scheme, and the statuses of payment intents."""

from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.errors import ContractError, SignatureError
from countersign.domain.provider_events import EventStatus
from countersign.testing.builders import NOW
from countersign.testing.deliveries import STRIPE, any_payment_intent, told

translate = STRIPE.translate
GENUINE = STRIPE.request().headers["stripe-signature"]
TIME, SIGNATURE = GENUINE.split(",")


@pytest.mark.parametrize(
    "header",
    [
        *(GENUINE, f"{SIGNATURE},{TIME}", f"{TIME},v0={'0' * 64},{SIGNATURE}", f"{TIME},v1={'0' * 64},{SIGNATURE}"),
        f"{TIME},{SIGNATURE},v2=x",
    ],
)
def test_signatures_of_other_schemes_and_keys_are_ignored(header: str) -> None:
    assert STRIPE.verify(STRIPE.request(headers={"stripe-signature": header})).body == STRIPE.body


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (TIME, "missing"),
        (SIGNATURE, "malformed"),
        (f"{TIME},{TIME},{SIGNATURE}", "malformed"),
        (f"t=1,{TIME},{SIGNATURE}", "malformed"),
        (f"{TIME},v0={SIGNATURE[3:]}", "missing"),
        (f"{TIME},V1={SIGNATURE[3:]}", "missing"),
        (f"{TIME}, {SIGNATURE}", "missing"),
        (f"{TIME},{SIGNATURE},", "malformed"),
        (f"{TIME},v1,{SIGNATURE}", "malformed"),
        (f"{TIME},{SIGNATURE}=", "malformed"),
        (f"{TIME};{SIGNATURE}", "malformed"),
        (f"t=,{SIGNATURE}", "malformed"),
    ],
)
def test_a_malformed_signature_header_is_refused(header: str, reason: str) -> None:
    with pytest.raises(SignatureError) as error:
        STRIPE.verify(STRIPE.request(headers={"stripe-signature": header}))
    assert error.value.reason == reason


def test_the_timestamp_is_signed() -> None:
    with pytest.raises(SignatureError, match="mismatch"):
        STRIPE.verify(STRIPE.request(headers={"stripe-signature": f"t={int(TIME[2:]) + 1},{SIGNATURE}"}))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("payment_intent.succeeded", EventStatus.PAID),
        ("payment_intent.processing", EventStatus.PENDING),
        ("payment_intent.payment_failed", EventStatus.DECLINED),
        ("payment_intent.canceled", EventStatus.FAILED),
        ("payment_intent.teleported", EventStatus.UNKNOWN),
    ],
)
def test_a_payment_intent_type_maps_to_a_status_and_an_unknown_one_to_unknown(kind: str, status: EventStatus) -> None:
    (event,) = translate(any_payment_intent(kind))
    assert told(event) == ("evt_1MtwBw", "pi_3MtwBwLkdIwHu7ix28a3tqPa", status, "250.00", "EUR")
    assert event.occurred_at == NOW - timedelta(seconds=2)
    assert event.reason is None


@pytest.mark.parametrize(
    "kind",
    [
        *("charge.succeeded", "payment_intents.succeeded", "invoice.payment_intent.succeeded"),
        *("payment_intent.created", "payment_intent.requires_action"),
        *("payment_intent.amount_capturable_updated", "payment_intent.partially_funded"),
    ],
)
def test_an_event_without_a_result_is_ignored(kind: str) -> None:
    assert translate(any_payment_intent(kind)) == ()


@pytest.mark.parametrize(
    ("count", "currency", "amount"), [(500, "jpy", "500"), (500, "mga", "500.00"), (500, "isk", "5")]
)
def test_minor_units_follow_the_exponents_of_stripe(count: int, currency: str, amount: str) -> None:
    (event,) = translate(any_payment_intent(amount=count, currency=currency))
    assert (event.amount, event.currency) == (amount, currency.upper())


def test_the_paid_amount_is_the_received_amount() -> None:
    (event,) = translate(any_payment_intent(amount=25000, amount_received=10000))
    assert event.amount == "100.00"


@pytest.mark.parametrize(
    ("kind", "status", "amount", "cumulative"),
    [
        ("charge.refunded", EventStatus.REFUNDED, "20.00", True),
        ("charge.dispute.created", EventStatus.DISPUTED, "250.00", False),
        ("charge.dispute.funds_reinstated", EventStatus.UNKNOWN, "250.00", False),
        ("refund.failed", EventStatus.UNKNOWN, "250.00", False),
    ],
)
def test_refunds_and_disputes_belong_to_the_payment_intent_of_their_charge(
    kind: str, status: EventStatus, amount: str, cumulative: bool
) -> None:
    (event,) = translate(any_payment_intent(kind, id="ch_1", payment_intent="pi_1", amount_refunded=2000))
    assert told(event) == ("evt_1MtwBw", "pi_1", status, amount, "EUR")
    assert event.cumulative is cumulative
    assert translate(any_payment_intent(kind, id="ch_1", payment_intent=None)) == ()


def test_the_amount_of_an_unpaid_intent_is_the_requested_amount() -> None:
    for kind in ("payment_intent.processing", "payment_intent.payment_failed", "payment_intent.canceled"):
        (event,) = translate(any_payment_intent(kind, amount_received=0))
        assert event.amount == "250.00"


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("payment_failed", {"last_payment_error": {"code": "card_declined"}}, "card_declined"),
        ("payment_failed", {"last_payment_error": {"code": "x", "decline_code": "do_not_honor"}}, "do_not_honor"),
        ("payment_failed", {"last_payment_error": None}, None),
        ("canceled", {"cancellation_reason": "abandoned"}, "abandoned"),
        ("canceled", {"cancellation_reason": None}, None),
        ("succeeded", {"last_payment_error": {"code": "card_declined"}}, None),
        ("succeeded", {"last_payment_error": {"code": 5}}, None),
    ],
)
def test_the_reason_is_the_code_of_stripe(kind: str, fields: dict[str, Any], reason: str | None) -> None:
    (event,) = translate(any_payment_intent(f"payment_intent.{kind}", **fields))
    assert event.reason == reason


def test_the_event_needs_an_id_of_its_own() -> None:
    with pytest.raises(ContractError, match="/id"):
        translate(any_payment_intent().replace(b'"evt_1MtwBw"', b"null"))
