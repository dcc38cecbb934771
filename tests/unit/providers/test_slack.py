"""Slack: the example of its documentation, and the statuses of buttons."""

from datetime import UTC, datetime

import pytest

from countersign.domain.errors import ContractError
from countersign.domain.provider_events import EventStatus
from countersign.providers.base import WebhookRequest
from countersign.testing.deliveries import AT, SLACK, any_action, any_click, told

EXAMPLE_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
EXAMPLE_HEADERS = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


def test_the_example_of_the_slack_documentation_is_verified() -> None:
    request = WebhookRequest(EXAMPLE_HEADERS, EXAMPLE_BODY)
    assert SLACK.verify(request, datetime.fromtimestamp(1531420618, UTC)).body == EXAMPLE_BODY


def test_slack_sends_forms() -> None:
    assert SLACK.provider.content_type == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("status", ["pending", "paid", "failed", "expired"])
def test_the_action_id_of_a_button_has_the_status_and_its_value_is_the_external_id(status: str) -> None:
    (event,) = SLACK.translate(any_click(any_action(action_id=f"countersign.{status}", value="pay 1001 ä")))
    assert told(event) == (f"{AT - 2}.840180:countersign.{status}", "pay 1001 ä", status, None, None)


@pytest.mark.parametrize("name", ["countersign.ignored", "countersign.refunded", "countersign.", "countersign.PAID"])
def test_a_countersign_button_with_another_status_is_unknown(name: str) -> None:
    (event,) = SLACK.translate(any_click(any_action(action_id=name)))
    assert event.status is EventStatus.UNKNOWN


def test_every_countersign_action_is_an_event_and_others_are_ignored() -> None:
    actions = [any_action(), any_action(action_id="open_menu", value=None), any_action(action_id="countersign.failed")]
    assert [event.status for event in SLACK.translate(any_click(*actions))] == ["paid", "failed"]


def test_other_payloads_are_ignored() -> None:
    assert SLACK.translate(any_click(kind="view_submission")) == ()


@pytest.mark.parametrize(
    "form",
    [
        *(b"", b"payload", b"{}", b"payload=%ff", "payload=ä".encode(), b"\xff", b"&".join([b"a=1"] * 1000)),
        *(b"payload=", b"payload={}&payload={}", b"other={}", b"payload=%7B", b"payload=%EF%BB%BF{}"),
        *(b"payload={%22type%22:1,%22type%22:2}", b"payload=" + b"[" * 100_000, b"payload=%22%5Cud800%22"),
    ],
)
def test_a_form_without_exactly_one_strict_json_payload_breaks_the_contract(form: bytes) -> None:
    with pytest.raises(ContractError):
        SLACK.translate(form)


def test_a_form_may_have_fifteen_other_fields_and_no_second_payload() -> None:
    genuine = any_click()
    assert SLACK.translate(genuine + b"&a=1" * 15)
    for form in (genuine + b"&a=1" * 16, genuine + b"&" + genuine):
        with pytest.raises(ContractError):
            SLACK.translate(form)
