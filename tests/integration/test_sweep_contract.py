"""The contract of every ledger for the sweeper."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from countersign.domain import refunds, tasks, upkeep
from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.provider_events import EventRecord, Handling, ParkedEvent
from countersign.domain.requests import Request, RequestStatus
from countersign.domain.tasks import Change, Task
from countersign.ports import Ledger
from countersign.testing.builders import (
    CALLER,
    NOW,
    PAYMENT_TASK_ID,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_decided_task,
    any_input,
    any_paid_task,
    any_parked,
    any_payment_task,
    any_task,
)
from countersign.testing.fakes import MemoryLedger
from tests.integration.conftest import Kit

OPENED = AuditEvent("opened", WORKFLOW)
WORDS = any_input(description="Stühle \u2028")
ASKED = Request(REQUEST_ID, WORKFLOW, "5" * 64, CALLER, deadline_seconds=60, input=WORDS, created_at=NOW)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    kit: Kit = request.getfixturevalue("kit")
    return kit.ledger


def overdue(ledger: Ledger, before: datetime) -> list[Task | Request | ParkedEvent]:
    return list(ledger.overdue(before))


def put(ledger: Ledger, task: Task) -> Task:
    """Put a task, and return it."""
    ledger.open(task, (OPENED,), NOW)
    standing = ledger.task(task.task_id)
    assert standing
    return standing


def park(ledger: Ledger) -> None:
    ledger.park(any_parked(), EventRecord("pay", "evt_1", "b" * 64, Handling.PARKED), NOW)


@pytest.mark.parametrize("task", [any_task(), any_task(sent_at=NOW), any_decided_task()])
def test_a_live_task_is_overdue_from_its_due_time_on(ledger: Ledger, task: Task) -> None:
    standing, due_at = put(ledger, task), upkeep.due_at(task)
    assert due_at
    assert (overdue(ledger, due_at - MOMENT), overdue(ledger, due_at)) == ([], [standing])


def test_a_task_whose_link_was_sent_is_due_at_its_deadline(ledger: Ledger) -> None:
    task = put(ledger, any_task())
    sent = ledger.commit(Change(task, None, {"sent_at": NOW}, (AuditEvent("sent", "approver"),), NOW))
    assert (overdue(ledger, task.expires_at - MOMENT), overdue(ledger, task.expires_at)) == ([], [sent])


def test_a_payment_is_overdue_while_money_is_reserved_after_the_end_of_a_refund(ledger: Ledger) -> None:
    paid = put(ledger, any_paid_task())
    first = ledger.commit(refunds.reserve(paid, "refund-1", Decimal(10), NOW + DAY, "refund", NOW))
    both = ledger.commit(refunds.reserve(first, "refund-2", Decimal(20), NOW + DAY / 2, "refund", NOW))
    assert (overdue(ledger, NOW + DAY / 2 - MOMENT), overdue(ledger, NOW + DAY / 2)) == ([], [both])
    for refund in ("refund-2", "refund-1"):
        change = refunds.free(both, ledger.audit(PAYMENT_TASK_ID), refund, Sender("refund", "kit"), "failed", NOW)
        assert change
        both = ledger.commit(change)
    assert overdue(ledger, NOW + 2 * DAY) == []


def test_a_closed_task_is_never_overdue(ledger: Ledger) -> None:
    change = tasks.close(put(ledger, any_decided_task()), NOW)
    assert change
    ledger.commit(change)
    assert overdue(ledger, NOW + DAY) == []


def test_a_task_that_the_sweeper_rang_for_stays_overdue_with_the_time_of_the_sweep(ledger: Ledger) -> None:
    swept = ledger.commit(upkeep.sweep(put(ledger, any_decided_task()), NOW + DAY))
    assert (swept.swept_at, overdue(ledger, NOW + DAY)) == (NOW + DAY, [swept])


def test_a_request_is_overdue_with_its_input_until_it_is_started(ledger: Ledger) -> None:
    ledger.submit(ASKED, NOW)
    assert (overdue(ledger, NOW - MOMENT), overdue(ledger, NOW)) == ([], [ASKED])
    ledger.started(REQUEST_ID, "arn:1")
    assert overdue(ledger, NOW + DAY) == []
    running = {"status": RequestStatus.RUNNING, "execution_arn": "arn:1"}
    assert ledger.request(REQUEST_ID) == dataclasses.replace(ASKED, input=None, **running)  # type: ignore[arg-type]
    assert not ledger.start_again(REQUEST_ID, NOW)


def test_a_request_that_ended_without_a_recorded_start_is_not_overdue(ledger: Ledger) -> None:
    ledger.submit(ASKED, NOW)
    ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.FAILED, None, NOW)
    assert (overdue(ledger, NOW + DAY), ledger.start_again(REQUEST_ID, NOW)) == ([], False)


def test_a_request_is_started_again_once(ledger: Ledger) -> None:
    ledger.submit(ASKED, NOW)
    assert ledger.start_again(REQUEST_ID, NOW + MOMENT)
    assert not ledger.start_again(REQUEST_ID, NOW + DAY)
    assert overdue(ledger, NOW) == [dataclasses.replace(ASKED, swept_at=NOW + MOMENT)]


def test_an_event_is_overdue_a_day_after_it_came_unless_it_was_applied(ledger: Ledger) -> None:
    park(ledger)
    assert (overdue(ledger, NOW + DAY - MOMENT), overdue(ledger, NOW + DAY)) == ([], [any_parked()])
    change = upkeep.sweep(put(ledger, any_payment_task(expires_at=NOW + 9 * DAY)), NOW)
    ledger.commit_parked(change, any_parked(), Handling.RECORDED)
    assert overdue(ledger, NOW + DAY) == []


def test_an_event_is_reported_once_and_stays_parked(ledger: Ledger) -> None:
    park(ledger)
    (event,) = overdue(ledger, NOW + DAY)
    assert isinstance(event, ParkedEvent)
    assert [ledger.report_once(event, NOW + DAY) for _ in range(2)] == [True, False]
    assert (overdue(ledger, NOW + DAY), ledger.parked("pay", "pay_1001")) == ([], [any_parked()])


def test_an_event_that_was_applied_is_not_reported(ledger: Ledger) -> None:
    park(ledger)
    ledger.commit_parked(upkeep.sweep(put(ledger, any_payment_task()), NOW), any_parked(), Handling.RECORDED)
    assert not ledger.report_once(any_parked(), NOW + DAY)
    assert ledger.parked("pay", "pay_1001") == []


def test_the_longest_overdue_comes_first_and_parked_events_come_last(ledger: Ledger) -> None:
    times = [NOW + timedelta(minutes=minutes) for minutes in (7, 3, 9, 5, 1, 8)]
    for number, at in enumerate(times):
        put(ledger, any_task(task_id=f"order-{number}.approval", expires_at=at, sent_at=NOW))
    asked = dataclasses.replace(ASKED, created_at=NOW + 2 * DAY)
    ledger.submit(asked, NOW + 2 * DAY)
    park(ledger)
    found = overdue(ledger, NOW + 2 * DAY)
    assert ([each.expires_at for each in found if isinstance(each, Task)], found[-2]) == (sorted(times), asked)
    assert found[-1] == any_parked()


def test_overdue_items_are_read_lazily(ledger: Ledger) -> None:
    put(ledger, any_task(task_id=TASK_ID))
    assert isinstance(ledger.overdue(NOW + DAY), Iterator)
