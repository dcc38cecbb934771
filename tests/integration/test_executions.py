"""The executions function: the end of a durable execution ends its request and cancels its open tasks."""

import pytest

from countersign.domain.requests import Request
from countersign.domain.tasks import Status
from countersign.testing.builders import REQUEST_ID, WORKFLOW, execution_arn, is_unbroken, status_change
from executions.handler import handler
from tests.integration.conftest import Kit, on_queue
from tests.integration.output import Output

SECOND = "order-1001.second"

run = on_queue(handler)


@pytest.fixture
def running(kit: Kit) -> Kit:
    """A running request with two open tasks."""
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), kit.now)
    kit.ledger.started(REQUEST_ID, execution_arn())
    kit.open_task()
    kit.open_task(task_id=SECOND)
    return kit


def status_of(kit: Kit) -> str:
    request = kit.ledger.request(REQUEST_ID)
    assert request
    return request.status


def test_a_dead_execution_fails_its_request_and_cancels_its_open_tasks_and_a_decision_left_is_counted(
    running: Kit, output: Output
) -> None:
    running.decide()
    assert run(status_change("TIMED_OUT")) == []
    assert status_of(running) == "failed"
    assert running.task().status is Status.DECIDED
    assert output.new().counts == {"DecisionsNotApplied": 1}
    task = running.task(SECOND)
    assert task.status is Status.CANCELLED
    assert running.audit(SECOND)[-1].event.data == {"reason": "execution_timed_out"}
    assert is_unbroken(running.audit(SECOND), task.audit_head, task.audit_seq)


def test_an_execution_that_succeeded_has_a_line_only_if_it_left_a_task(running: Kit, output: Output) -> None:
    lines = []
    for _ in range(2):
        run(status_change("SUCCEEDED"))
        lines.append(output.new().messages)
    assert lines == [{"execution ended"}, set()]


@pytest.mark.parametrize("status", ["RUNNING", "SUSPENDED", ""])
def test_an_execution_that_has_not_ended_changes_nothing(running: Kit, status: str) -> None:
    before = running.items()
    assert run(status_change(status)) == []
    assert running.items() == before


@pytest.mark.parametrize("body", ["not JSON", '{"detail": {"status": "FAILED"}}'], ids=["not JSON", "without a name"])
def test_a_message_that_is_no_status_change_goes_back_to_the_queue_and_blocks_no_other(running: Kit, body: str) -> None:
    assert run(body, status_change("FAILED")) == ["message-0"]
    assert status_of(running) == "failed"
