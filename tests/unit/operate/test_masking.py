"""Masked bodies of providers: what helps an operator stays, what may be a secret or a person does not."""

import json

import pytest

from countersign.testing.deliveries import ADYEN, SHOPIFY, STRIPE
from operate.masking import MASK, masked

STAYS = {
    "id": "evt_1MtwBw",
    "payer_id": "P-17",
    "merchantReference": "order-1001",
    "type": "payment_intent.succeeded",
    "currency": "eur",
    "amount": 25000,
    "amount_received": "250.00",
    "created": 1772355598,
    "eventDate": "2026-03-01T09:59:58+01:00",
    "livemode": True,
    "reason": None,
    "order": "pi_3MtwBwLkdIwHu7ix28a3tqPa",
}
HIDDEN = {
    "name": "Maria Lopez",
    "email": "maria@example.com",
    "id": "maria@example.com",
    "status": "shipped to Maria Lopez",
    "client_secret": "pi_3_secret_x",
    "tax_id": "DE123456789",
    "value": "491701234567",
    "phone": 491701234567,
    "date_of_birth": "1990-01-01",
    "created": "Maria",
    "last4": "4242",
    "reason": "033899:1111:03/2030",
    "line1": "Main Street 1",
    "score": 0.7,
}


@pytest.mark.parametrize(("name", "value"), STAYS.items())
def test_ids_amounts_times_and_states_stay(name: str, value: object) -> None:
    assert masked({"data": [{name: value}]}, {"pi_3MtwBwLkdIwHu7ix28a3tqPa"}) == {"data": [{name: value}]}


@pytest.mark.parametrize(("name", "value"), HIDDEN.items())
def test_everything_else_is_masked(name: str, value: object) -> None:
    assert masked({"data": [{name: value}], "list": [value]}, {}) == {"data": [{name: MASK}], "list": [MASK]}


@pytest.mark.parametrize("name", ["maria@example.com", "Maria Lopez", "491701234567", "x" * 101])
def test_a_name_of_a_member_that_may_be_a_person_is_masked(name: str) -> None:
    assert masked({"metadata": {name: 1, "order_no": 2}}, {}) == {"metadata": {MASK: MASK, "order_no": MASK}}


@pytest.mark.parametrize("delivery", [STRIPE, ADYEN, SHOPIFY], ids=lambda delivery: delivery.scheme)
def test_a_provider_s_body_keeps_its_form(delivery: object) -> None:
    body = json.loads(delivery.body)  # type: ignore[attr-defined]
    assert masked(body, {}).keys() == body.keys()
