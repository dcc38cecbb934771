"""The end of an execution: its request ends, and its open tasks are cancelled."""

import dataclasses
from datetime import timedelta

import pytest

from countersign.domain.identity import role_of
from countersign.domain.requests import Cancelling, Raised, Request, RequestStatus
from countersign.domain.tasks import Status, Task
from countersign.domain.votes import found_unsound
from countersign.services.executions import ENDED, Aftermath, Executions
from countersign.testing.builders import (
    CALLER,
    NOW,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_decided_task,
    any_task,
    execution_arn,
)
from countersign.testing.fakes import FixedClock, MemoryExecutions, MemoryLedger
from tests.unit.services.races import meanwhile

SECOND = "order-1001.second"
EARLIER = NOW - timedelta(hours=1)
RAISED = Raised("KeyError", "refund/handler.py:38")
DEAD = sorted(ENDED - {"SUCCEEDED"})


def ledger_with(*standing: Task) -> MemoryLedger:
    ledger = MemoryLedger()
    ledger.standing = {task.task_id: task for task in standing}
    ledger.asked[REQUEST_ID] = Request(REQUEST_ID, WORKFLOW, status=RequestStatus.RUNNING)
    return ledger


def ended(ledger: MemoryLedger, status: str, request_id: str = REQUEST_ID, raised: Raised | None = None) -> Aftermath:
    executions = MemoryExecutions()
    executions.errors = {execution_arn(): raised} if raised else {}
    return Executions(ledger, executions, FixedClock(NOW)).ended(request_id, status, execution_arn())


def test_the_final_statuses_are_those_of_lambda() -> None:
    assert {"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"} == ENDED


def error_after(status: str) -> str:
    """Return the error after the end of an execution about whose tasks nothing is known."""
    return "" if status == "SUCCEEDED" else status.lower()


def outcome_of(ledger: MemoryLedger, status: str = "FAILED") -> tuple[str, str]:
    """End an execution, and return the status and the error of its request."""
    ended(ledger, status)
    return ledger.asked[REQUEST_ID].status, ledger.asked[REQUEST_ID].error


@pytest.mark.parametrize("status", DEAD)
def test_a_dead_execution_fails_its_request_and_cancels_its_open_tasks(status: str) -> None:
    ledger = ledger_with(any_task(), any_task(task_id=SECOND))
    raised = RAISED if status == "FAILED" else None
    left = Aftermath((TASK_ID, SECOND), error=status.lower(), raised=raised)
    assert (ended(ledger, status, raised=RAISED), ledger.asked[REQUEST_ID].raised) == (left, raised)
    assert (ledger.asked[REQUEST_ID].error, ledger.asked[REQUEST_ID].ended_at) == (status.lower(), NOW)
    assert {task.status for task in ledger.standing.values()} == {Status.CANCELLED}
    assert {task.closed_because for task in ledger.standing.values()} == {f"execution_{status.lower()}"}
    assert [entry.event.data for entry in ledger.entries] == [{"reason": f"execution_{status.lower()}"}] * 2


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("withdrawn_by_operator", ("cancelled", "withdrawn")),
        ("withdrawn_by_requester", ("cancelled", "withdrawn")),
        ("hand_off_failed", ("failed", "hand_off_failed")),
        ("withdrawn", ("failed", "failed")),
    ],
)
def test_the_task_that_was_cancelled_last_tells_why_an_execution_failed(reason: str, outcome: tuple[str, str]) -> None:
    earlier = any_task(task_id=SECOND, status=Status.CANCELLED, closed_at=EARLIER, closed_because="withdrawn")
    cancelled = any_task(status=Status.CANCELLED, closed_at=NOW, closed_because=reason)
    assert outcome_of(ledger_with(cancelled, earlier, any_task(task_id="order-1001.third"))) == outcome


def test_an_execution_that_failed_after_its_tasks_were_answered_is_failed() -> None:
    applied = any_decided_task(status=Status.APPLIED, closed_at=NOW)
    withdrawn = any_task(task_id=SECOND, status=Status.CANCELLED, closed_at=EARLIER, closed_because="hand_off_failed")
    assert outcome_of(ledger_with(withdrawn, applied)) == ("failed", "failed")


def test_an_execution_that_refused_an_unsound_decision_is_unsound() -> None:
    ledger = ledger_with(any_decided_task())
    ledger.commit(found_unsound(any_decided_task(), NOW))
    assert outcome_of(ledger) == ("failed", "unsound")


@pytest.mark.parametrize("status", DEAD)
def test_a_request_that_its_caller_has_cancelled_is_withdrawn(status: str) -> None:
    ledger = ledger_with()
    cancelling = Cancelling("ordered twice", role_of(CALLER), NOW)
    ledger.asked[REQUEST_ID] = dataclasses.replace(ledger.asked[REQUEST_ID], cancelling=cancelling)
    assert outcome_of(ledger, status) == ("cancelled", "withdrawn")


@pytest.mark.parametrize("status", sorted(ENDED))
def test_a_decision_before_the_end_is_kept_and_reported_as_stranded(status: str) -> None:
    ledger = ledger_with(any_decided_task())
    assert ended(ledger, status) == Aftermath(stranded=(TASK_ID,), error=error_after(status))
    assert ledger.standing[TASK_ID] == any_decided_task()


@pytest.mark.parametrize("status", sorted(ENDED))
def test_a_recorded_result_is_kept(status: str) -> None:
    ledger = ledger_with()
    ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, {"status": "approved"}, NOW)
    ended(ledger, status)
    assert (ledger.asked[REQUEST_ID].status, ledger.asked[REQUEST_ID].result) == ("succeeded", {"status": "approved"})


def test_an_execution_that_succeeded_without_a_record_ends_its_request() -> None:
    ledger = ledger_with()
    ended(ledger, "SUCCEEDED")
    assert ledger.asked[REQUEST_ID].status == "succeeded"


@pytest.mark.parametrize("status", sorted(ENDED))
def test_the_end_of_an_unknown_execution_changes_nothing(status: str) -> None:
    ledger = MemoryLedger()
    assert (ended(ledger, status, "unknown"), ledger.asked) == (Aftermath(error=error_after(status)), {})


def test_a_repeated_end_cancels_once() -> None:
    ledger = ledger_with(any_task())
    ended(ledger, "FAILED")
    assert (ended(ledger, "FAILED"), len(ledger.entries)) == (Aftermath(error="failed"), 1)


@pytest.mark.parametrize("status", [Status.APPLIED, Status.EXPIRED, Status.CANCELLED])
def test_a_closed_task_is_neither_cancelled_nor_stranded(status: Status) -> None:
    assert ended(ledger_with(any_task(status=status)), "FAILED") == Aftermath(error="failed")


def test_another_execution_of_the_same_name_changes_nothing() -> None:
    ledger = ledger_with(any_task())
    ledger.asked[REQUEST_ID] = Request(
        REQUEST_ID, WORKFLOW, status=RequestStatus.RUNNING, execution_arn=execution_arn(run="2")
    )
    assert (ended(ledger, "FAILED"), ledger.asked[REQUEST_ID].status) == (Aftermath(), "running")
    assert ledger.standing[TASK_ID] == any_task()


def test_a_task_that_changes_during_the_cancellation_is_read_again() -> None:
    ledger = ledger_with(any_task())

    meanwhile(ledger, lambda: ledger.standing.update({TASK_ID: any_decided_task(audit_seq=1)}))
    assert ended(ledger, "FAILED") == Aftermath(stranded=(TASK_ID,), error="failed")
    assert ledger.standing[TASK_ID].status is Status.DECIDED
