"""Shopify: orders and transactions, distinguished by their signed bodies."""

import hashlib
import json
from typing import Any

import pytest

from countersign.domain.errors import ContractError
from countersign.domain.provider_events import EventStatus
from countersign.testing.deliveries import SHOPIFY, any_order, told


def any_transaction(**fields: Any) -> bytes:
    """Return a Shopify transaction."""
    transaction = {
        "id": 120560818172775265,
        "order_id": 820982911946154508,
        "kind": "sale",
        "status": "success",
        "amount": "250.0",
        "currency": "EUR",
        "processed_at": "2026-03-01T03:59:58-05:00",
        "error_code": None,
    }
    return json.dumps(transaction | fields).encode()


@pytest.mark.parametrize(
    ("financial_status", "status"),
    [
        ("paid", EventStatus.PAID),
        ("pending", EventStatus.PENDING),
        ("authorized", EventStatus.PENDING),
        ("partially_paid", EventStatus.PENDING),
        ("voided", EventStatus.FAILED),
        ("expired", EventStatus.EXPIRED),
        ("refunded", EventStatus.REFUNDED),
        ("teleported", EventStatus.UNKNOWN),
    ],
)
def test_the_financial_status_of_an_order_maps_to_a_status(financial_status: str, status: EventStatus) -> None:
    body = any_order(financial_status=financial_status)
    (event,) = SHOPIFY.translate(body)
    assert told(event) == (hashlib.sha256(body).hexdigest(), "820982911946154508", status, "250.00", "EUR")


@pytest.mark.parametrize("status", ["partially_refunded", "refunded"])
def test_an_order_with_refunds_has_the_total_refunded_amount(status: str) -> None:
    refunds = [
        {"transactions": [{"kind": "refund", "status": "success", "amount": "20.0"}]},
        {"transactions": [{"kind": "refund", "status": "failure", "amount": "99.0"}]},
        {"transactions": []},
        {"transactions": [{"kind": "refund", "status": "success", "amount": "10.50"}, {"kind": "void"}]},
    ]
    (event,) = SHOPIFY.translate(any_order(financial_status=status, refunds=refunds))
    assert (event.status, event.amount, event.currency, event.cumulative) == ("refunded", "30.50", "EUR", True)


def test_a_partial_refund_without_an_amount_is_unknown() -> None:
    (event,) = SHOPIFY.translate(any_order(financial_status="partially_refunded"))
    assert (event.status, event.amount, event.cumulative) == ("unknown", "250.00", False)


@pytest.mark.parametrize(("sent", "status"), [("success", "refunded"), ("failure", "unknown"), ("pending", "unknown")])
def test_a_refund_transaction_has_its_own_amount(sent: str, status: str) -> None:
    (event,) = SHOPIFY.translate(any_transaction(kind="refund", status=sent, amount="20.00", parent_id=389404469))
    assert (event.status, event.amount, event.cumulative, event.payment_id) == (status, "20.00", False, "389404469")


@pytest.mark.parametrize("kind", ["sale", "capture"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("success", EventStatus.PAID),
        ("pending", EventStatus.PENDING),
        ("failure", EventStatus.DECLINED),
        ("error", EventStatus.DECLINED),
        ("teleported", EventStatus.UNKNOWN),
    ],
)
def test_the_status_of_a_paying_transaction_maps_to_a_status(kind: str, sent: str, status: EventStatus) -> None:
    body = any_transaction(kind=kind, status=sent, error_code="card_declined")
    (event,) = SHOPIFY.translate(body)
    assert told(event) == (hashlib.sha256(body).hexdigest(), "820982911946154508", status, "250.00", "EUR")
    assert (event.reason, event.payment_id) == ("card_declined", "120560818172775265")


@pytest.mark.parametrize("kind", ["authorization", "void", "change", None, ["sale"], {}])
def test_transactions_without_a_payment_are_ignored(kind: Any) -> None:
    assert SHOPIFY.translate(any_transaction(kind=kind)) == ()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (any_order(id="820982911946154508"), "/id"),
        (any_order(id=True), "/id"),
        (any_order(id=10**20), "/id"),
        (any_order(total_price=250), "/total_price"),
        (any_order(currency=None), "/currency"),
        (any_order(financial_status=1), "/financial_status"),
        (any_transaction(order_id=None), "/order_id"),
        (any_transaction(status=None), "/status"),
        (any_transaction(amount="-5"), "/amount"),
    ],
)
def test_a_malformed_field_is_reported_with_its_json_pointer(body: bytes, pointer: str) -> None:
    with pytest.raises(ContractError) as error:
        SHOPIFY.translate(body)
    assert error.value.pointer == pointer
