"""Kept events: each belongs to one stage, and its key to its content."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import kept_events
from countersign.domain.errors import KeptEventError
from countersign.domain.kept_events import KeptEvent, require_kept
from countersign.testing.builders import NOW

STAGE = "countersign-dev"
EVENT = KeptEvent(
    stage=STAGE,
    provider="pay",
    scheme="standard_webhooks",
    received_at=NOW,
    url="https://hooks.example.com/webhooks/pay",
    headers={"webhook-id": "msg_1"},
    body=b"\xffpaid",
    delivery_id="msg_1",
    origin="",
    became="recorded",
)


def test_an_event_is_read_as_it_was_kept() -> None:
    assert kept_events.read(EVENT.to_bytes(), EVENT.key, STAGE) == EVENT


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"received_at": NOW + timedelta(seconds=1), "headers": {}, "became": "duplicate"}, True),
        ({"received_at": NOW + timedelta(days=1)}, False),
        ({"body": b"other"}, False),
        ({"delivery_id": "msg_2"}, False),
        ({"provider": "card"}, False),
        ({"stage": "countersign-prod"}, False),
    ],
)
def test_a_key_is_the_same_for_each_delivery_of_an_event_on_a_day(changes: dict[str, Any], is_same: bool) -> None:
    assert EVENT.key.startswith(f"pay/{NOW:%Y-%m-%d}/")
    assert (replace(EVENT, **changes).key == EVENT.key) is is_same


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (replace(EVENT, stage="countersign-prod").to_bytes(), "the stage countersign-prod received"),
        (replace(EVENT, body=b"forged").to_bytes(), "altered"),
        (EVENT.to_bytes().replace(b'"became"', b'"becomes"'), "altered"),
        (EVENT.to_bytes().replace(b'"received_at":"2', b'"received_at":"x'), "altered"),
        (b"[]", "altered"),
        (b"\xff", "altered"),
        (b"", "altered"),
    ],
)
def test_an_event_of_another_stage_and_an_altered_one_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(KeptEventError, match=reason):
        kept_events.read(content, EVENT.key, STAGE)


def test_an_event_older_than_the_stage_keeps_events_is_refused() -> None:
    require_kept(EVENT, 30, NOW + timedelta(days=30))
    with pytest.raises(KeptEventError, match="older than 30 days"):
        require_kept(EVENT, 30, NOW + timedelta(days=30, seconds=1))
