"""The executions function: the end of a durable execution ends its request and cancels its open tasks."""

from collections.abc import Iterator
from typing import Any

import pytest

from countersign.domain import tasks
from countersign.domain.requests import Raised, Request
from countersign.domain.tasks import Status
from countersign.testing.builders import REQUEST_ID, WORKFLOW, execution_arn, is_unbroken, status_change
from executions.handler import handler
from tests.integration.conftest import Answer, Kit, Operation, answering, on_queue
from tests.integration.output import Output

SECOND = "order-1001.second"

run = on_queue(handler)


@pytest.fixture(autouse=True)
def lambda_() -> Iterator[Operation]:
    """Lambda's answer about an execution."""
    with answering("lambda", "GetDurableExecution", Answer(document={"Status": "FAILED"})) as operation:
        yield operation


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
    assert (run(status_change("TIMED_OUT")), status_of(running)) == ([], "failed")
    assert running.task().status is Status.DECIDED
    assert output.new().counts == {"DecisionsNotApplied": 1}
    task = running.task(SECOND)
    assert task.status is Status.CANCELLED
    assert running.audit(SECOND)[-1].event.data == {"reason": "execution_timed_out"}
    assert is_unbroken(running.audit(SECOND), task.audit_head, task.audit_seq)


TRACE = ['  File "refund/handler.py", line 8, in handler', '  File "refund/money.py", line 38, in total', "KeyError"]
IMPORT = ['  File "/var/lang/lib/python3.13/importlib/__init__.py", line 88, in import_module\n    return _bootstrap\n']
OF_LAMBDA = [*IMPORT, '  File "/var/task/refund/handler.py", line 3, in <module>\n    import x\n']
SYNTAX = ['  File "/var/task/refund/handler.py" Line 7\n    def (\n']
UNPARSED = "Runtime.UserCodeSyntaxError"
ERRORS = {
    "the workflow raised": (TRACE, "KeyError", Raised("KeyError", "refund/money.py:38")),
    "the import raised": (OF_LAMBDA, "KeyError", Raised("KeyError", "refund/handler.py:3")),
    "the import found a syntax error": (SYNTAX, UNPARSED, Raised(UNPARSED, "refund/handler.py:7")),
    "the import lacks a module": ([], "Runtime.ImportModuleError", Raised("Runtime.ImportModuleError", "")),
    "the library raised": (["ValueError"], "ValueError", Raised("ValueError", "")),
    "out of memory": (None, "Runtime.OutOfMemory", Raised("Runtime.OutOfMemory", "")),
    "a type that is a text": (["IBAN 77"], "IBAN 77", Raised("", "")),
}


@pytest.mark.parametrize(("trace", "kind", "raised"), ERRORS.values(), ids=ERRORS)
def test_a_failed_request_keeps_the_class_and_the_place_of_its_error_and_never_the_message(
    running: Kit, lambda_: Operation, output: Output, trace: list[str] | None, kind: str, raised: Raised
) -> None:
    error: dict[str, Any] = {"ErrorType": kind, "ErrorMessage": "IBAN 77", "ErrorData": "IBAN 77"}
    error |= {"StackTrace": trace} if trace else {}
    lambda_.by_default = Answer(document={"Status": "FAILED", "Error": error})
    assert run(status_change("FAILED")) == []
    request = running.ledger.request(REQUEST_ID)
    assert request
    assert request.raised == raised
    assert "IBAN 77" not in f"{running.items()} {output.new().text}"


def test_a_request_ends_although_lambda_does_not_tell_its_error(running: Kit, lambda_: Operation) -> None:
    lambda_.by_default = Answer(403, "AccessDeniedException")
    assert (run(status_change("FAILED")), status_of(running)) == ([], "failed")


@pytest.mark.parametrize(("withdrawn", "counted"), [(False, {"ExecutionsFailed": 1}), (True, {})])
def test_a_failed_execution_is_counted_unless_its_request_was_withdrawn(
    running: Kit, output: Output, withdrawn: bool, counted: dict[str, int]
) -> None:
    if withdrawn:
        running.ledger.commit(tasks.withdraw(running.task(), "operator", "ordered twice", running.now))
    run(status_change("FAILED"))
    assert output.new().counts == counted


def test_an_execution_that_succeeded_has_a_line_only_if_it_left_a_task(running: Kit, output: Output) -> None:
    lines = []
    for _ in range(2):
        run(status_change("SUCCEEDED"))
        lines.append(output.new().messages)
    assert lines == [{"execution ended"}, set()]


@pytest.mark.parametrize("status", ["RUNNING", "SUSPENDED", ""])
def test_an_execution_that_has_not_ended_changes_nothing(running: Kit, status: str) -> None:
    before = running.items()
    assert (run(status_change(status)), running.items()) == ([], before)


@pytest.mark.parametrize("body", ["not JSON", '{"detail": {"status": "FAILED"}}'], ids=["not JSON", "without a name"])
def test_a_message_that_is_no_status_change_goes_back_to_the_queue_and_blocks_no_other(running: Kit, body: str) -> None:
    assert (run(body, status_change("FAILED")), status_of(running)) == (["message-0"], "failed")
