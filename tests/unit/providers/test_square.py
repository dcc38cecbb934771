"""Square: the example of its libraries, the signed URL, and the statuses of payments."""

import json
from typing import Any

import pytest

from countersign.domain.errors import SignatureError
from countersign.domain.provider_events import EventStatus
from countersign.providers.base import WebhookRequest
from countersign.testing.deliveries import SQUARE, any_square_payment, told

EXAMPLE = {"X-Square-HmacSha256-Signature": "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og="}
EXAMPLE_URL = "https://example.com/webhook"


def test_the_example_of_the_square_libraries_is_verified() -> None:
    assert SQUARE.verify(WebhookRequest(EXAMPLE, b'{"hello":"world"}', EXAMPLE_URL)).body == b'{"hello":"world"}'


@pytest.mark.parametrize("url", ["", "https://example.com/webhook/", "http://example.com/webhook"])
def test_another_url_is_a_mismatch(url: str) -> None:
    with pytest.raises(SignatureError, match="mismatch"):
        SQUARE.verify(WebhookRequest(EXAMPLE, b'{"hello":"world"}', url))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("COMPLETED", EventStatus.PAID),
        ("APPROVED", EventStatus.PENDING),
        ("PENDING", EventStatus.PENDING),
        ("CANCELED", EventStatus.FAILED),
        ("FAILED", EventStatus.FAILED),
        ("TELEPORTED", EventStatus.UNKNOWN),
    ],
)
@pytest.mark.parametrize("kind", ["payment.created", "payment.updated"])
def test_the_status_of_a_square_payment_maps_to_a_status(kind: str, sent: str, status: EventStatus) -> None:
    (event,) = SQUARE.translate(any_square_payment(kind, status=sent))
    event_id, payment = "13b867cf-db3d-4b1c-90b6-2f32a9d78124", "hYy9pRFVxpDsO1FB05SunFWUe9JZY"
    assert told(event) == (event_id, payment, status, "250.00", "EUR")


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELED"])
def test_a_payment_with_refunded_money_is_refunded_in_every_status(status: str) -> None:
    refunded = {"amount": 2000, "currency": "EUR"}
    (event,) = SQUARE.translate(any_square_payment(status=status, refunded_money=refunded))
    assert (event.status, event.amount, event.cumulative) == (EventStatus.REFUNDED, "20.00", True)
    (event,) = SQUARE.translate(any_square_payment(refunded_money=refunded | {"amount": 0}))
    assert (event.status, event.amount, event.cumulative) == (EventStatus.PAID, "250.00", False)


@pytest.mark.parametrize(
    ("kind", "about", "told_of", "status"),
    [
        ("dispute.created", "dispute", {"disputed_payment": {"payment_id": "P1"}}, EventStatus.DISPUTED),
        ("refund.updated", "refund", {"payment_id": "P1", "status": "FAILED"}, EventStatus.UNKNOWN),
        ("refund.updated", "refund", {"payment_id": "P1", "status": "REJECTED"}, EventStatus.UNKNOWN),
        ("refund.updated", "refund", {"payment_id": "P1", "status": "COMPLETED"}, None),
        ("refund.updated", "refund", {"payment_id": "P1", "status": "PENDING"}, None),
    ],
)
def test_disputes_and_failed_refunds_belong_to_their_payment(
    kind: str, about: str, told_of: dict[str, Any], status: EventStatus | None
) -> None:
    event = json.loads(any_square_payment(kind))
    event["data"] = {"object": {about: told_of | {"amount_money": {"amount": 2000, "currency": "EUR"}}}}
    found = [(each.external_id, each.status, each.amount) for each in SQUARE.translate(json.dumps(event).encode())]
    assert found == ([("P1", status, "20.00")] if status else [])


@pytest.mark.parametrize("kind", ["refund.created", "payment", "payment.updated.v2"])
def test_other_types_are_ignored(kind: str) -> None:
    assert SQUARE.translate(any_square_payment(kind)) == ()
