"""Tasks: the transitions, and the effects of closing, cancelling, extending and ringing."""

from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import tasks, upkeep
from countersign.domain.errors import ContractError
from countersign.domain.questions import Shown
from countersign.domain.rules import Decision
from countersign.domain.tasks import Deadline, Ring, RingState, Status, task_id_of
from countersign.testing.builders import DETAILS, NOW, REQUESTER, TITLE, any_decided_task, any_task

APPROVE, REJECT = Decision.APPROVE, Decision.REJECT
DEADLINE = any_task().expires_at


# Transitions
def test_the_table_of_transitions_has_exactly_these_rows() -> None:
    assert {(row.source, row.target, row.deadline) for row in tasks.TRANSITIONS} == {
        (None, Status.OPEN, Deadline.ANY),
        (Status.OPEN, Status.OPEN, Deadline.BEFORE),
        (Status.OPEN, Status.DECIDED, Deadline.BEFORE),
        (Status.OPEN, Status.EXPIRED, Deadline.PASSED),
        (Status.OPEN, Status.CANCELLED, Deadline.ANY),
        (None, Status.CANCELLED, Deadline.ANY),
        (None, Status.APPLIED, Deadline.ANY),
        (Status.DECIDED, Status.APPLIED, Deadline.ANY),
        (Status.APPLIED, Status.APPLIED, Deadline.ANY),
    }
    assert len(tasks.TRANSITIONS) == 9


# Closing
@pytest.mark.parametrize("superseded", [False, True])
@pytest.mark.parametrize("now", [NOW, DEADLINE + timedelta(days=1)])
def test_closing_a_decided_task_applies_it_at_any_time(superseded: bool, now: Any) -> None:
    change = tasks.close(any_decided_task(), now, superseded=superseded)
    assert change
    assert (change.transition, change.fields) == (tasks.APPLYING, {"superseded": superseded, "closed_at": now})
    assert [event.event for event in change.events] == ["applied"]


def test_closing_an_open_task_expires_it_from_its_deadline_on() -> None:
    assert tasks.close(any_task(), DEADLINE - timedelta(microseconds=1)) is None
    change = tasks.close(any_task(), DEADLINE)
    assert change
    assert (change.transition, change.fields) == (tasks.EXPIRING, {"closed_at": DEADLINE})
    assert [event.event for event in change.events] == ["expired"]


@pytest.mark.parametrize("status", [Status.APPLIED, Status.EXPIRED, Status.CANCELLED])
def test_closing_a_closed_task_changes_nothing(status: Status) -> None:
    assert tasks.close(any_task(status=status), DEADLINE + timedelta(days=1)) is None


# Cancelling
@pytest.mark.parametrize("now", [NOW, DEADLINE])
def test_an_open_task_can_be_cancelled_before_and_after_its_deadline(now: Any) -> None:
    change = tasks.cancel(any_task(), "executions", "execution_failed", now)
    assert change
    assert change.transition is tasks.CANCELLING
    assert change.fields == {"closed_at": now, "closed_because": "execution_failed"}
    (event,) = change.events
    assert (event.event, event.actor, event.data) == ("cancelled", "executions", {"reason": "execution_failed"})


@pytest.mark.parametrize("status", set(Status) - {Status.OPEN})
def test_a_decided_or_closed_task_cannot_be_cancelled(status: Status) -> None:
    assert tasks.cancel(any_decided_task(status=status), "executions", "execution_failed", NOW) is None


def test_a_task_reports_whether_it_outlived_its_execution() -> None:
    assert any_task(closed_because=tasks.execution_ended("TIMED_OUT")).outlived_execution
    assert not any_task(closed_because="hand_off_failed").outlived_execution
    assert not any_task().outlived_execution


# Ringing
@pytest.mark.parametrize("state", [RingState.DELIVERED, RingState.CLOSED, RingState.FAILED])
@pytest.mark.parametrize("before", [None, RingState.CLOSED, RingState.FAILED])
def test_the_result_of_a_ring_is_stored_on_the_task(state: RingState, before: RingState | None) -> None:
    ring = Ring(state, NOW, "SomeException")
    change = upkeep.rung(any_decided_task(ring=before and Ring(before, NOW)), ring)
    assert change
    assert (change.transition, change.fields) == (None, {"ring": ring})
    assert change.events[0].data == {"state": state, "error": "SomeException"}


@pytest.mark.parametrize("state", [RingState.DELIVERED, RingState.CLOSED, RingState.FAILED])
def test_a_delivered_ring_is_never_downgraded(state: RingState) -> None:
    assert upkeep.rung(any_decided_task(ring=Ring(RingState.DELIVERED, NOW)), Ring(state, NOW)) is None


# Ids and digests
def test_a_task_id_has_one_request_id_and_one_name() -> None:
    assert task_id_of("order-1001", "manager.second") == "order-1001.manager.second"
    assert task_id_of("order-1001", "manager.second").split(".", 1) == ["order-1001", "manager.second"]


@pytest.mark.parametrize(
    ("title", "details", "requester"),
    [
        (TITLE + " ", DETAILS, REQUESTER),
        (TITLE, DETAILS[:-1], REQUESTER),
        (TITLE, tuple(reversed(DETAILS)), REQUESTER),
        (TITLE, (("Order1001", ""), *DETAILS[1:]), REQUESTER),
        (TITLE, DETAILS, "otto@example.com"),
    ],
)
def test_other_content_has_another_digest(title: str, details: tuple[tuple[str, str], ...], requester: str) -> None:
    assert Shown(title, details, requester).digest() != Shown(TITLE, DETAILS, REQUESTER).digest()


def test_without_attachments_and_submitter_the_digest_is_that_of_earlier_releases() -> None:
    before = "957da7bc31af11e1fc9f0f879cf9f2575bede24be9466c23462b8ee7b4799dc9"
    assert Shown(TITLE, DETAILS, REQUESTER).digest() == before


@pytest.mark.parametrize("hours", [1, 25], ids=["not later than the old deadline", "after the end of the execution"])
def test_a_deadline_moves_only_to_a_later_time_within_the_life_of_the_execution(hours: int) -> None:
    task = any_task(expires_at=NOW + timedelta(hours=1), max_expires_at=NOW + timedelta(hours=24))
    assert tasks.extend(task, NOW + timedelta(hours=24), "olga", NOW).after.expires_at == task.max_expires_at
    with pytest.raises(ContractError):
        tasks.extend(task, NOW + timedelta(hours=hours), "olga", NOW)
