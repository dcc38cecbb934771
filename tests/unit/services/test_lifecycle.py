"""Lifecycle events: each new status once, with ids and times, and nothing that people wrote or are."""

import dataclasses
import json

import pytest

from countersign.domain import tasks
from countersign.domain.tasks import Status
from countersign.services.lifecycle import EVENTS, event_of
from tests.builders import APPROVER, CALLBACK_ID, DETAILS, NOW, REQUESTER, TITLE, any_decided_task, any_task

APPLIED = any_decided_task(status=Status.APPLIED, closed_at=NOW)


def test_every_status_has_an_event_of_its_own() -> None:
    assert set(EVENTS) == set(Status)
    assert len(set(EVENTS.values())) == len(Status)


@pytest.mark.parametrize("transition", [row for row in tasks.TRANSITIONS if row.source is not row.target])
def test_every_transition_that_changes_the_status_is_told(transition: tasks.Transition) -> None:
    before = any_task(status=transition.source) if transition.source else None
    event = event_of(before, any_task(status=transition.target))
    assert event
    assert event["kind"] == EVENTS[transition.target]


@pytest.mark.parametrize("status", Status)
def test_a_write_that_leaves_the_status_alone_is_not_told(status: Status) -> None:
    assert event_of(any_task(status=status), any_task(status=status, revision=1, audit_seq=2)) is None


def test_an_event_has_ids_kind_outcome_and_times() -> None:
    assert event_of(any_decided_task(), APPLIED) == {
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


def test_an_open_task_has_neither_an_outcome_nor_times_that_have_not_come() -> None:
    event = event_of(None, any_task())
    assert event
    assert event["outcome"] is None
    assert {"decided_at", "closed_at"}.isdisjoint(event)


@pytest.mark.parametrize("after", [any_task(), any_decided_task(), dataclasses.replace(APPLIED, superseded=True)])
def test_an_event_holds_no_details_comments_people_or_callbacks(after: tasks.Task) -> None:
    told = json.dumps(event_of(None, after))
    for secret in (TITLE, DETAILS[2][1], "Go ahead", APPROVER, REQUESTER, CALLBACK_ID, after.shown):
        assert secret not in told
