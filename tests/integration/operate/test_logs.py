"""logs: the lines of a function or of a request, on AWS's form of a log and on that of the embedded cloud."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.requests import Raised, Request, RequestStatus
from countersign.functions.clients import client
from countersign.testing.builders import REQUEST_ID, WORKFLOW
from tests.integration.conftest import Answer, Kit, answering
from tests.integration.operate.conftest import DeployedStage, Run

TRACEBACK = [
    {"level": "ERROR", "message": "Execution failed", "requestId": "i-1"}
    | {"stackTrace": ['  File "refund.py", line 8\n']},
    'Traceback (most recent call last):\n  File "refund.py", line 8',
]
"""The traceback of an error as Lambda writes it, and as the embedded cloud does: neither names the request."""


class Written:
    """The logs of three functions."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        for group in (WORKFLOW, "payment", "relay"):
            client("logs").create_log_group(logGroupName=group)

    def write(self, group: str, stream: str, *lines: dict[str, Any] | str, ago: float = 0) -> None:
        """Write lines, so many seconds ago."""
        client("logs").create_log_stream(logGroupName=group, logStreamName=stream)
        at = int((self.kit.now.timestamp() - ago) * 1000)
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        events = [{"timestamp": at, "message": text} for text in texts]
        client("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def written(kit: Kit, stage: DeployedStage) -> Iterator[Written]:
    stage.built = [("workflow", "AWS::Lambda::Function", name) for name in (WORKFLOW, "payment", "relay")]

    def configuration(request: Any) -> Answer:
        name = request.url.split("/functions/")[1].split("/")[0]
        variables = {"Variables": {"POWERTOOLS_SERVICE_NAME": name}}
        return Answer(document={"Environment": variables, "LoggingConfig": {"LogGroup": name}})

    with answering("lambda", "GetFunctionConfiguration", configuration):
        yield Written(kit)


def messages(run: Run, *words: str) -> list[tuple[str, str]]:
    """Return the function and the message of each line."""
    status, out, _ = run("logs", *words, "--json")
    assert status == 0
    return [(line["function"], line["message"]) for line in json.loads(out)]


def test_a_function_s_lines_are_printed_the_oldest_first_and_without_metrics_and_lambda_s_own(
    written: Written, run: Run
) -> None:
    written.write("relay", "b", {"message": "second"}, "END RequestId: 1", " ", ago=10)
    written.write("relay", "a", {"message": "first"}, {"_aws": {}, "Rings": 1}, ago=20)
    written.write("relay", "c", {"message": "too old"}, ago=4000)
    written.write(WORKFLOW, "a", {"message": "of another"})
    assert messages(run, "relay") == [("relay", "first"), ("relay", "second")]
    assert (len(messages(run, "relay", "--since", "2h")), len(messages(run))) == (3, 3)


@pytest.mark.parametrize("traceback", TRACEBACK, ids=["Lambda", "the embedded cloud"])
def test_a_request_s_lines_are_those_that_name_it_and_the_traceback_of_its_workflow(
    written: Written, run: Run, traceback: dict[str, Any] | str
) -> None:
    written.kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), written.kit.now - timedelta(minutes=5))
    written.write("relay", "a", {"message": "ring", "task_id": f"{REQUEST_ID}.approval"}, ago=30)
    raised = {"level": "ERROR", "message": "workflow raised", "request_id": REQUEST_ID, "function_request_id": "i-1"}
    other = {"level": "ERROR", "message": "of another", "request_id": f"{REQUEST_ID}2", "requestId": "i-2"}
    written.write(WORKFLOW, "a", raised, other, traceback, ago=20)
    written.write(WORKFLOW, "b", "another invocation", other, ago=20)
    (ring, failed, trace) = messages(run, REQUEST_ID)
    assert (ring, failed) == (("relay", "ring"), (WORKFLOW, "workflow raised"))
    assert trace[1] == (traceback if isinstance(traceback, str) else "Execution failed")
    printed = run("logs", REQUEST_ID)[1]
    assert f"ERROR  workflow raised  request_id {REQUEST_ID}" in printed
    assert 'File "refund.py", line 8' in printed


def test_the_traceback_of_a_workflow_that_cannot_be_imported_is_among_the_lines_of_its_request(
    written: Written, run: Run
) -> None:
    ledger, now = written.kit.ledger, written.kit.now
    ledger.submit(Request(REQUEST_ID, WORKFLOW), now - timedelta(minutes=5))
    raised = Raised("Runtime.ImportModuleError", "")
    ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.FAILED, None, now, "failed", raised)
    written.write(WORKFLOW, "a", "ModuleNotFoundError", {"message": "of another", "request_id": "order-2"}, ago=2)
    assert messages(run, REQUEST_ID) == [(WORKFLOW, "ModuleNotFoundError")]


def test_no_line_and_an_unknown_name_are_said(written: Written, run: Run) -> None:
    status, out, note = run("logs", "relay")
    assert (status, out) == (0, "")
    assert note.startswith("No line of relay since ")
    assert "Logs are kept for " in note
    status, _, error = run("logs", "order-9")
    assert (status, "Use one of: order-approval, payment, relay." in error) == (2, True)


def test_following_prints_each_new_line_once_until_ctrl_c(
    written: Written, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.write("relay", "a", "first")
    pauses: list[Callable[[], object]] = [lambda: written.write("relay", "b", "second"), int]

    def pause(_: float) -> None:
        if not pauses:
            raise KeyboardInterrupt
        pauses.pop(0)()

    monkeypatch.setattr(time, "sleep", pause)
    status, out, _ = run("logs", "relay", "--follow")
    assert (status, [line.split()[-1] for line in out.splitlines()]) == (130, ["first", "second"])
