"""The executions function: how durable executions end, and what they leave open."""

from typing import Any

import pytest

from countersign.domain.requests import Request
from countersign.domain.tasks import Status
from countersign.testing.builders import (
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    execution_arn,
    is_unbroken,
    sqs_event,
    status_change,
)
from executions.handler import handler
from tests.integration.conftest import Kit

SECOND = "order-1001.second"


def run(*bodies: str | dict[str, Any]) -> list[str]:
    """Hand messages to the function and return the ids of those to be tried again."""
    return [failure["itemIdentifier"] for failure in handler(sqs_event(*bodies), None)["batchItemFailures"]]


@pytest.fixture
def running(kit: Kit) -> Kit:
    """A request that runs, with two open tasks."""
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), kit.now)
    kit.ledger.started(REQUEST_ID, execution_arn())
    kit.open_task()
    kit.open_task(task_id=SECOND)
    return kit


def status_of(kit: Kit) -> str:
    request = kit.ledger.request(REQUEST_ID)
    assert request
    return request.status


def test_a_dead_execution_fails_its_request_and_cancels_its_open_tasks(running: Kit) -> None:
    assert run(status_change("TIMED_OUT")) == []
    assert status_of(running) == "failed"
    for task_id in (TASK_ID, SECOND):
        task = running.task(task_id)
        assert task.status is Status.CANCELLED
        assert running.audit(task_id)[-1].event.data == {"reason": "execution_timed_out"}
        assert is_unbroken(running.audit(task_id), task.audit_head, task.audit_seq)


def test_a_decided_task_of_a_dead_execution_stays_decided_and_is_counted_for_the_alarm(
    running: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    running.decide()
    run(status_change("STOPPED"))
    assert running.task().status is Status.DECIDED
    assert running.task(SECOND).status is Status.CANCELLED
    assert '"DecisionsNotApplied":[1' in capsys.readouterr().out


def test_an_execution_that_leaves_no_decision_behind_rings_no_alarm(
    running: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    run(status_change("FAILED"))
    assert "DecisionsNotApplied" not in capsys.readouterr().out


@pytest.mark.parametrize("status", ["RUNNING", "SUSPENDED", ""])
def test_an_execution_that_has_not_ended_changes_nothing(running: Kit, status: str) -> None:
    before = running.items()
    assert run(status_change(status)) == []
    assert running.items() == before


@pytest.mark.parametrize("body", ["not JSON", '{"detail": {"status": "FAILED"}}'])
def test_a_message_that_is_no_status_change_goes_back_to_the_queue_and_blocks_nothing(running: Kit, body: str) -> None:
    assert run(body, status_change("FAILED")) == ["message-0"]
    assert status_of(running) == "failed"
