"""Kept events: what the webhook function keeps of a post, and what the replay function does with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from countersign.composition import current_ports
from countersign.domain.clock import SystemClock
from countersign.domain.kept_events import KeptEvent
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import PAYMENT_TASK_ID
from countersign.testing.deliveries import any_payment
from countersign.testing.fakes import FixedClock
from countersign.testing.signing import sign_standard_webhooks
from tests.integration.conftest import (
    ENVIRONMENT,
    EVENTS_BUCKET,
    Answer,
    Kit,
    Reaction,
    answering,
    forget_what_functions_made,
)
from tests.integration.output import Output
from tests.integration.test_webhooks import SECRET, post, signed
from webhook.replay import handler

STAGE = ENVIRONMENT["METRICS_STAGE"]
OTHER_SECRET = "whsec_b3RoZXIgc2VjcmV0IG9mIHRoZSBwcm92aWRlcg=="


@pytest.fixture(autouse=True)
def _kept(kept_events: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_EVENTS_DAYS", "30")
    forget_what_functions_made()


def kept() -> list[KeptEvent]:
    found = client("s3").list_objects_v2(Bucket=EVENTS_BUCKET).get("Contents", [])
    return [current_ports().kept_events.read(each["Key"].removeprefix("events/")) for each in found]


def put(event: KeptEvent, key: str = "", stage: str = STAGE) -> str:
    """Put an event past the function, and return its key."""
    where = f"events/{key or event.key}"
    client("s3").put_object(Bucket=EVENTS_BUCKET, Key=where, Body=event.to_bytes(), Metadata={"stage": stage})
    return where.removeprefix("events/")


def replay(key: str, because: str = "it went missing", operator: str = "arn:aws:iam::1:user/ada") -> Any:
    return handler({"key": key, "operator": operator, "because": because}, None)


def an_unrecorded_event(at: datetime | None = None) -> KeptEvent:
    """Return a genuine event that was kept, and that the ledger has not; some time ago."""
    at = at or SystemClock().now() - timedelta(days=2)
    current_ports().clock = FixedClock(at)
    body = any_payment()
    with answering("dynamodb", "TransactWriteItems", Answer(500, "InternalServerError")):
        assert post(body, sign_standard_webhooks(SECRET, body, "msg_1", int(at.timestamp()))).status == 503
    (event,) = kept()
    forget_what_functions_made()
    return event


# Keeping


def test_a_verified_post_is_kept_with_the_headers_that_verify_it_and_no_other(kit: Kit, secrets: Any) -> None:
    kit.open_payment()
    headers = signed()
    post(headers={**headers, "authorization": "Basic abc", "x-forwarded-for": "203.0.113.7"})
    (event,) = kept()
    assert event.headers == {**headers, "content-type": "application/json"}
    assert (event.stage, event.provider, event.became) == (STAGE, "pay", "recorded")
    assert event.url.endswith("/webhooks/pay")


@pytest.mark.parametrize(
    ("body", "became"),
    [(any_payment(amount="much"), "malformed"), (any_payment("user.created"), "ignored"), (any_payment(), "parked")],
)
def test_a_verified_post_is_kept_whatever_became_of_it(secrets: Any, body: bytes, became: str) -> None:
    post(body)
    assert [event.became for event in kept()] == [became]


def test_a_refused_post_is_not_kept_and_its_log_line_has_a_digest(secrets: Any, output: Output) -> None:
    assert post(headers={}).status == 401
    (line,) = output.new().entries
    assert (kept(), len(line["body_sha256"])) == ([], 64)


def test_a_repeated_or_failed_event_does_not_replace_the_first_and_a_later_success_replaces_a_failure(
    kit: Kit, secrets: Any
) -> None:
    kit.open_payment()
    an_unrecorded_event(SystemClock().now())
    for became in ("recorded", "recorded"):
        post()
        assert [event.became for event in kept()] == [became]
    with answering("dynamodb", "BatchGetItem", Answer(500, "InternalServerError")):
        assert post().status == 503
    assert [event.became for event in kept()] == ["recorded"]


@pytest.mark.parametrize(
    "reaction", [Answer(503), Answer(403), EndpointConnectionError(endpoint_url="https://s3.example.com")], ids=str
)
def test_an_event_whose_copy_fails_is_recorded_and_answered_as_ever(
    kit: Kit, secrets: Any, output: Output, reaction: Reaction
) -> None:
    kit.open_payment()
    with answering("s3", "PutObject", reaction) as puts:
        page = post()
    assert (page.status, page.document, len(puts.asked)) == (200, {"status": "recorded"}, 1)
    assert output.new().counts == {"EventsNotKept": 1, "EventsRecorded": 1}


# Replaying


def test_an_event_is_replayed_at_its_time_of_receipt_and_once(kit: Kit, secrets: Any, output: Output) -> None:
    kit.open_payment()
    key = an_unrecorded_event().key
    output.new()
    assert replay(key) == {"handling": "recorded", "ignored": []}
    assert kit.task(PAYMENT_TASK_ID).status is Status.DECIDED
    (line,) = output.new().entries
    assert (line["operator"], line["because"]) == ("arn:aws:iam::1:user/ada", "it went missing")
    assert (replay(key)["handling"], len(kit.decisions()), len(kept())) == ("duplicate", 1, 1)


def moved(event: KeptEvent, by: timedelta) -> str:
    return put(replace(event, received_at=event.received_at + by))


def rotated(_: KeptEvent) -> None:
    client("secretsmanager").put_secret_value(SecretId="pay", SecretString=json.dumps({"active": [OTHER_SECRET]}))


REFUSED: dict[str, tuple[Callable[[KeptEvent], Any], str, str]] = {
    "unknown": (lambda _: "pay/2026-03-01/none", "KeptEventError", "no kept event has the key"),
    "of another stage": (lambda event: put(replace(event, stage="x-prod")), "KeptEventError", "prod received"),
    "stored by another stage": (lambda event: put(event, stage="countersign-prod"), "KeptEventError", "another stage"),
    "under another key": (lambda event: put(event, "pay/2026-03-01/x"), "KeptEventError", "altered"),
    "with another body": (lambda event: put(replace(event, body=b"{}"), event.key), "KeptEventError", "altered"),
    "with another body and key": (lambda event: put(replace(event, body=b"{}")), "SignatureError", "mismatch"),
    "with a time": (lambda event: moved(event, timedelta(hours=1)), "SignatureError", "stale"),
    "too old": (lambda event: moved(event, -timedelta(days=30)), "KeptEventError", "older than 30 days"),
    "of a removed provider": (lambda event: put(replace(event, provider="gone")), "UnknownProviderError", ""),
    "of a rotated secret": (rotated, "SignatureError", "mismatch"),
    "without a key": (lambda _: "", "KeptEventError", "must be texts"),
}


@pytest.mark.parametrize(("change", "error", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_event_that_cannot_be_replayed_changes_nothing_and_says_why(
    kit: Kit, secrets: Any, change: Callable[[KeptEvent], Any], error: str, reason: str
) -> None:
    kit.open_payment()
    event = an_unrecorded_event()
    before = kit.items()
    changed = change(event)
    why = replay(event.key if changed is None else changed)["refused"]
    assert why["error_type"] == error
    assert reason in why["reason"]
    assert kit.items() == before


def test_an_event_of_api_gateway_is_no_replay(secrets: Any) -> None:
    answer = handler({"version": "2.0", "body": json.dumps({"key": "x"})}, None)
    assert answer["refused"]["error_type"] == "KeptEventError"
    assert post(json.dumps({"key": "x", "operator": "me", "because": "y"}), {}).status == 401
