"""Adyen: signatures inside the body, several items, and their statuses."""

import json
from typing import Any

import pytest

from countersign.domain.errors import ContractError, SignatureError
from countersign.domain.provider_events import EventStatus
from countersign.testing.deliveries import ADYEN, ADYEN_SECRET, any_item
from countersign.testing.signing import sign_adyen

EXAMPLE = {
    "pspReference": "pspReference",
    "originalReference": "originalReference",
    "merchantAccountCode": "merchantAccount",
    "merchantReference": "reference",
    "amount": {"currency": "EUR", "value": 1000},
    "eventCode": "EVENT",
    "success": "true",
    "additionalData": {"hmacSignature": "ipnxGCaUZ4l8TUW75a71/ghd2Fe5ffvX0pV4TLTntIc="},
}
"""From the tests of the Adyen libraries."""


def signed(*items: dict[str, Any]) -> bytes:
    return sign_adyen(ADYEN_SECRET, *items)


def notification(*items: Any) -> bytes:
    return json.dumps({"live": "false", "notificationItems": list(items)}).encode()


def wrapped(item: dict[str, Any]) -> dict[str, Any]:
    return {"NotificationRequestItem": item}


def refusal(body: bytes) -> str:
    with pytest.raises(SignatureError) as error:
        ADYEN.verify(ADYEN.request(body))
    return error.value.reason


def test_the_example_of_the_adyen_libraries_is_verified_and_ignored() -> None:
    assert ADYEN.provider.translate(ADYEN.verify(ADYEN.request(notification(wrapped(EXAMPLE))))) == ()


def test_every_item_of_a_payment_is_an_event() -> None:
    body = signed(
        any_item(),
        any_item(eventCode="REPORT_AVAILABLE", merchantReference=""),
        any_item(pspReference="8", success="false"),
    )
    events = ADYEN.provider.translate(ADYEN.verify(ADYEN.request(body)))
    assert [(event.event_id, event.status) for event in events] == [
        ("7914073381342284:AUTHORISATION:true", "paid"),
        ("8:AUTHORISATION:false", "declined"),
    ]
    assert [event.payment_id for event in events] == ["7914073381342284", "8"]


@pytest.mark.parametrize("place", [0, 1])
def test_one_unsigned_item_refuses_the_whole_notification(place: int) -> None:
    document = json.loads(signed(any_item(), any_item()))
    item = document["notificationItems"][place]["NotificationRequestItem"]
    item["additionalData"]["hmacSignature"] = "A" * 43 + "="
    assert refusal(json.dumps(document).encode()) == "mismatch"
    item["additionalData"]["hmacSignature"] = ""
    assert refusal(json.dumps(document).encode()) == "malformed"
    del item["additionalData"]
    assert refusal(json.dumps(document).encode()) == "missing"


@pytest.mark.parametrize(
    "change",
    [
        *({"pspReference": "7914073381342285"}, {"originalReference": "1"}, {"merchantAccountCode": "Other"}),
        *({"merchantReference": "order-1002"}, {"amount": {"value": 1, "currency": "EUR"}}),
        *({"amount": {"value": 25000, "currency": "USD"}}, {"eventCode": "CAPTURE"}, {"success": "false"}),
    ],
)
def test_every_relevant_field_is_signed(change: dict[str, Any]) -> None:
    document = json.loads(signed(any_item()))
    document["notificationItems"][0]["NotificationRequestItem"] |= change
    assert refusal(json.dumps(document).encode()) == "mismatch"


def test_a_reference_with_a_colon_is_verified() -> None:
    body = signed(any_item(merchantReference="shop:order-1001"))
    (event,) = ADYEN.provider.translate(ADYEN.verify(ADYEN.request(body)))
    assert event.external_id == "shop:order-1001"


@pytest.mark.parametrize(
    "items",
    [[], [1], [{}], [wrapped({})], [wrapped({**EXAMPLE, "amount": {"currency": "EUR", "value": True}})], [None]],
)
def test_a_notification_without_well_formed_items_is_malformed(items: list[Any]) -> None:
    assert refusal(notification(*items)) == "malformed"


@pytest.mark.parametrize(
    ("code", "success", "status"),
    [
        ("AUTHORISATION", "true", EventStatus.PAID),
        ("AUTHORISATION", "false", EventStatus.DECLINED),
        ("AUTHORISATION", "maybe", EventStatus.UNKNOWN),
        ("CAPTURE", "true", EventStatus.PAID),
        ("CAPTURE", "false", EventStatus.FAILED),
        ("CAPTURE_FAILED", "true", EventStatus.FAILED),
        ("CANCELLATION", "true", EventStatus.FAILED),
        ("CANCELLATION", "false", EventStatus.UNKNOWN),
        ("PENDING", "true", EventStatus.PENDING),
        ("OFFER_CLOSED", "true", EventStatus.EXPIRED),
        ("REFUND", "true", EventStatus.REFUNDED),
        ("REFUND", "false", EventStatus.UNKNOWN),
        ("REFUND_FAILED", "true", EventStatus.UNKNOWN),
        ("CANCEL_OR_REFUND", "true", EventStatus.UNKNOWN),
        ("NOTIFICATION_OF_CHARGEBACK", "true", EventStatus.DISPUTED),
        ("CHARGEBACK", "true", EventStatus.DISPUTED),
        ("CHARGEBACK_REVERSED", "true", EventStatus.UNKNOWN),
    ],
)
def test_event_code_and_success_map_to_a_status(code: str, success: str, status: EventStatus) -> None:
    (event,) = ADYEN.translate(signed(any_item(eventCode=code, success=success, originalReference="7914")))
    assert event.status is status
    assert (event.event_id, event.payment_id) == (f"7914073381342284:{code}:{success}", "7914")


@pytest.mark.parametrize("code", ["REPORT_AVAILABLE", "NOTIFICATION_OF_FRAUD", "authorisation"])
def test_other_codes_are_ignored(code: str) -> None:
    assert ADYEN.translate(signed(any_item(eventCode=code))) == ()


def test_a_malformed_field_is_reported_with_its_json_pointer_in_the_notification() -> None:
    body = signed(any_item(), any_item(eventDate="yesterday"))
    with pytest.raises(ContractError) as error:
        ADYEN.translate(body)
    assert error.value.pointer == "/notificationItems/1/NotificationRequestItem/eventDate"
