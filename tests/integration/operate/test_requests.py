"""requests, show REQUEST, the end of a timeline, and what doctor says of failed requests."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from countersign.domain.clock import to_text
from countersign.domain.requests import Raised, Request, RequestStatus
from countersign.testing.builders import CALLER, REQUEST_ID, TASK_ID, WORKFLOW
from operate.checks import Note
from operate.checks.requests import requests
from tests.integration.conftest import Answer, Kit, answering
from tests.integration.operate.conftest import DeployedStage, Run

RAISED = Raised("KeyError", "refund/handler.py:38")
UNIMPORTED = Raised("Runtime.ImportModuleError", "")
PLACE = "KeyError at refund/handler.py:38"


class Asked:
    """Requests of a stage."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.ledger = kit, kit.ledger

    def ask(self, request_id: str, ago: timedelta = timedelta(hours=1), result: Any = None, **failed: Any) -> None:
        """Start a request some time ago; end it a minute later if it has a result, or an error and what it raised."""
        at = self.kit.now - ago
        self.ledger.submit(Request(request_id, WORKFLOW, submitted_by=CALLER), at)
        self.ledger.started(request_id, f"arn:{request_id}")
        if result or failed:
            status = RequestStatus.FAILED if failed else RequestStatus.SUCCEEDED
            self.ledger.finish(request_id, WORKFLOW, status, result, at + timedelta(minutes=1), **failed)


@pytest.fixture
def asked(kit: Kit) -> Asked:
    """A request that failed, one that runs, one that succeeded and one that is two days old."""
    asked = Asked(kit)
    asked.ask(REQUEST_ID, error="failed", raised=RAISED)
    asked.ask("order-2", timedelta(minutes=5))
    asked.ask("order-3", timedelta(hours=2), result={"status": "approved"})
    asked.ask("order-4", timedelta(days=2), error="timed_out")
    return asked


def listed(run: Run, *words: str) -> list[str]:
    status, out, _ = run("requests", *words, "--json")
    assert status == 0
    return [request["request_id"] for request in json.loads(out)]


def test_requests_are_listed_the_newest_first_with_why_they_failed(asked: Asked, run: Run) -> None:
    status, out, _ = run("requests")
    running, failed, succeeded = (line.split(maxsplit=5) for line in out.splitlines()[1:])
    assert (status, running[:3]) == (0, ["order-2", "running", WORKFLOW])
    assert (failed[:2], failed[4:]) == ([REQUEST_ID, "failed"], ["1m", PLACE])
    assert (succeeded[:2], listed(run, "--failed")) == (["order-3", "succeeded"], [REQUEST_ID])
    assert listed(run, "--failed", "--since", "3d") == [REQUEST_ID, "order-4"]
    assert run("requests", "--workflow", "payment") == (0, "", "No request matches.\n")


def test_a_request_is_shown_with_what_it_raised_and_its_tasks(asked: Asked, run: Run) -> None:
    asked.kit.open_task()
    status, out, note = run("show", REQUEST_ID)
    assert (status, f"`logs {REQUEST_ID}`" in note) == (0, True)
    for words in (PLACE, CALLER, f"arn:{REQUEST_ID}", TASK_ID):
        assert words in out
    assert "It has opened no task yet." in run("show", "order-2")[1]
    shown = json.loads(run("show", REQUEST_ID, "--json")[1])
    assert shown["error"].items() >= {"code": "failed", "class": RAISED.kind, "at": RAISED.at}.items()
    assert [task["task_id"] for task in shown["tasks"]] == [TASK_ID]


@pytest.mark.parametrize(
    ("request_id", "end"),
    [
        (REQUEST_ID, f"{REQUEST_ID}  request failed: {PLACE}"),
        ("order-3", "order-3  request succeeded"),
        ("order-4", "order-4  request failed: the execution of the workflow reached its time-out"),
    ],
)
def test_a_timeline_ends_with_how_the_request_ended_and_why(asked: Asked, run: Run, request_id: str, end: str) -> None:
    asked.kit.open_task()
    status, out, _ = run("timeline", request_id)
    assert (status, out.splitlines()[-1].rpartition("● ")[2]) == (0, end)


def deployed(at: datetime) -> AbstractContextManager[object]:
    """Let the workflow be deployed at a time."""
    return answering("lambda", "GetFunctionConfiguration", Answer(document={"LastModified": to_text(at)}))


def test_doctor_finds_failed_requests_by_workflow_and_cause(asked: Asked, stage: DeployedStage) -> None:
    asked.ask("order-5", timedelta(minutes=30), error="failed", raised=RAISED)
    asked.ask("order-6", error="failed", raised=UNIMPORTED)
    with deployed(asked.kit.now - timedelta(days=1)):
        found = dict(requests(stage))
    assert set(found) == {
        f"1 of {WORKFLOW} failed: its code cannot be imported: Runtime.ImportModuleError; the last is order-6",
        f"2 of {WORKFLOW} failed: {PLACE}; the last is order-5",
    }
    assert not any(isinstance(advice, Note) for advice in found.values())


def test_requests_that_failed_before_the_last_deploy_are_no_finding(kit: Kit, stage: DeployedStage) -> None:
    Asked(kit).ask("order-7", timedelta(hours=23, minutes=59), error="failed", raised=RAISED)
    with deployed(kit.now):
        ((_, advice),) = requests(stage)
    assert isinstance(advice, Note)
    assert str(advice) == f"{WORKFLOW} was deployed since; run `logs order-7`"


def test_where_none_failed_doctor_says_so(kit: Kit, stage: DeployedStage) -> None:
    assert list(requests(stage)) == [("none of 0 since yesterday failed", "")]
