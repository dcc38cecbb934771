"""Lifecycle events: each new status, refund and dispute once, with ids and times only."""

import dataclasses
import json
from importlib.resources import files

import pytest

from countersign.contracts import validation
from countersign.domain import tasks
from countersign.domain.requests import ERRORS, Request, RequestStatus
from countersign.domain.tasks import Exchange, Replacement, Status
from countersign.services.lifecycle_events import EVENTS, events_of, request_ended
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    DETAILS,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TITLE,
    any_decided_task,
    any_payment_task,
    any_task,
)

APPLIED = any_decided_task(status=Status.APPLIED, closed_at=NOW)


def test_every_status_has_an_event_of_its_own() -> None:
    assert (set(EVENTS), len(set(EVENTS.values()))) == (set(Status), len(Status))


@pytest.mark.parametrize("transition", [row for row in tasks.TRANSITIONS if row.source is not row.target])
def test_every_change_of_status_is_published(transition: tasks.Transition) -> None:
    before = any_task(status=transition.source) if transition.source else None
    (event,) = events_of(before, any_task(status=transition.target))
    assert event["kind"] == EVENTS[transition.target]


@pytest.mark.parametrize("status", Status)
def test_a_write_without_a_change_of_status_is_not_published(status: Status) -> None:
    assert not list(events_of(any_task(status=status), any_task(status=status, revision=1, audit_seq=2)))


def test_an_event_has_ids_kind_outcome_and_times() -> None:
    (event,) = events_of(any_decided_task(), APPLIED)
    assert event == {
        "version": 1,
        "kind": "TaskApplied",
        "task_id": "order-1001.approval",
        "request_id": "order-1001",
        "workflow": "order-approval",
        "task_kind": "approval",
        "outcome": "approved",
        "opened_at": "2026-03-01T09:00:00.000000Z",
        "expires_at": "2026-03-01T10:00:00.000000Z",
        "decided_at": "2026-03-01T09:01:00.000000Z",
        "closed_at": "2026-03-01T09:00:00.000000Z",
    }


@pytest.mark.parametrize("tells", [True, False])
def test_an_event_after_which_the_requester_is_told_the_outcome_says_so(tells: bool) -> None:
    asked = (Exchange(APPROVER, "Which desk?", NOW),)
    changes = (
        (any_decided_task(), APPLIED),
        (any_task(), any_task(status=Status.EXPIRED)),
        (any_task(), any_task(exchanges=asked)),
    )
    for before, after in changes:
        (event,) = events_of(before, dataclasses.replace(after, tells_requester=tells))
        assert event.get("tell", False) is tells
    (opened,) = events_of(None, any_task(tells_requester=tells))
    assert "tell" not in opened


@pytest.mark.parametrize(
    ("because", "tells"),
    [
        ("withdrawn", True),
        ("withdrawn_by_operator", True),
        ("withdrawn_by_requester", True),
        ("withdrawn_by_caller", True),
        ("execution_failed", False),
        ("hand_off_failed", False),
    ],
)
def test_an_event_after_which_approvers_are_told_that_their_links_are_moot_says_so(because: str, tells: bool) -> None:
    cancelled = any_task(status=Status.CANCELLED, closed_because=because)
    (event,) = events_of(any_task(), cancelled)
    assert event.get("tell", False) is tells
    (event,) = events_of(any_task(), dataclasses.replace(cancelled, audience=()))
    assert "tell" not in event, "nobody was asked"


def test_each_replacement_of_an_approver_is_published_once_and_names_nobody() -> None:
    replaced = any_task(replaced=(Replacement(OTHER_APPROVER, APPROVER, NOW),))
    (event,) = events_of(any_task(), replaced)
    assert (event["kind"], event["tell"], APPROVER in json.dumps(event)) == ("TaskReassigned", True, False)
    assert not list(events_of(replaced, dataclasses.replace(replaced, audit_seq=9)))


def test_each_return_to_the_requester_is_published_once() -> None:
    once = any_task(exchanges=(Exchange(APPROVER, "Which desk?", NOW),))
    (event,) = events_of(any_task(), once)
    assert (event["kind"], event["outcome"]) == ("TaskReturned", None)
    assert "Which desk?" not in json.dumps(event)
    assert not list(events_of(once, dataclasses.replace(once, audit_seq=9)))


def test_the_event_of_an_open_task_has_no_outcome_and_no_later_times() -> None:
    (event,) = events_of(None, any_task())
    assert event["outcome"] is None
    assert {"decided_at", "closed_at"}.isdisjoint(event)


@pytest.mark.parametrize("after", [any_task(), any_decided_task(), dataclasses.replace(APPLIED, superseded=True)])
def test_an_event_holds_no_details_comments_people_or_callbacks(after: tasks.Task) -> None:
    told = json.dumps(list(events_of(None, after)))
    for secret in (TITLE, DETAILS[2][1], "Go ahead", APPROVER, REQUESTER, CALLBACK_ID, after.shown):
        assert secret not in told


def test_every_refund_and_dispute_is_published_once_with_payment_and_total() -> None:
    before = any_payment_task(refunds={"pay_1001": "100.00"}, disputes=("ch_1",))
    after = any_payment_task(refunds={"pay_1001": "150.00", "ch_2": "1.00"}, disputes=("ch_1", "ch_2"))
    named = {"provider": "pay", "external_id": "pay_1001", "workflow": "payment", "task_id": after.task_id}
    refund = named | {"kind": "PaymentRefunded", "currency": "EUR"}
    wanted = [
        refund | {"refunded": "150.00", "payment_id": "pay_1001"},
        refund | {"refunded": "1.00", "payment_id": "ch_2"},
        named | {"kind": "PaymentDisputed", "payment_id": "ch_2"},
    ]
    told = list(events_of(before, after))
    assert [event | more for event, more in zip(told, wanted, strict=True)] == told
    assert not list(events_of(after, after))


def test_each_hard_bounce_is_published_without_its_recipient() -> None:
    (event,) = events_of(any_task(bounced=1), any_task(bounced=2))
    assert event["kind"] == "MailBounced"
    assert APPROVER not in json.dumps(event)


SCHEMAS = {
    schema["properties"]["kind"]["const"]: path.name.removesuffix(".json")
    for path in files("countersign.contracts.schemas").iterdir()
    if path.name.endswith(".json")
    and "const" in (schema := json.loads(path.read_text("utf-8"))).get("properties", {}).get("kind", {})
}


def test_every_event_keeps_its_schema_and_every_schema_has_an_event() -> None:
    asked, opened, paid = (Exchange(APPROVER, "Which desk?", NOW),), any_task(tells_requester=True), any_payment_task()
    changes = [
        *((None, dataclasses.replace(opened, status=status, decided_at=NOW, closed_at=NOW)) for status in Status),
        (opened, dataclasses.replace(opened, exchanges=asked)),
        (opened, dataclasses.replace(opened, replaced=(Replacement(OTHER_APPROVER, APPROVER, NOW),))),
        (any_decided_task(), dataclasses.replace(APPLIED, bounced=1)),
        (paid, dataclasses.replace(paid, refunds={"pay_1001": "1.50"}, disputes=("ch_1",))),
    ]
    told = [event for before, after in changes for event in events_of(before, after)]
    ended = Request("order-1001", "order-approval", status=RequestStatus.FAILED, created_at=NOW, ended_at=NOW)
    told += [request_ended(dataclasses.replace(ended, error=error)) for error in ERRORS]
    told.append(request_ended(dataclasses.replace(ended, status=RequestStatus.SUCCEEDED)))
    assert {event["kind"] for event in told} == set(SCHEMAS)
    for event in told:
        validation.check(SCHEMAS[event["kind"]], event)
        members = {name for name in event if validation.has_member(SCHEMAS[event["kind"]], name)}
        assert all(validation.has_member("task-event", name) for name in event.keys() - members), event
