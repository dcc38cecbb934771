"""Submissions: requests start once per id, and failed starts are repeated."""

import dataclasses
from contextlib import nullcontext
from typing import Any

import pytest

from countersign.contracts import validation
from countersign.domain.errors import ContractError, RequestConflictError, RetiredWorkflowError, StartFailedError
from countersign.domain.people import Entry
from countersign.domain.policy import Policy
from countersign.domain.requests import ERRORS, Raised, Request, RequestStatus
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Status
from countersign.services import submissions
from countersign.services.submissions import Startable, Submissions
from countersign.testing.builders import (
    APPROVER,
    CALLER,
    NOW,
    REQUEST_ID,
    REQUESTER,
    WORKFLOW,
    any_decided_task,
    any_exchange,
    any_input,
    any_payment_task,
    any_request,
    any_task,
)
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryLedger, MemoryStarter

WORKFLOWS = {name: Startable(3600, name) for name in (WORKFLOW, "approval")}


class Setup:
    """The use case with its ports in memory."""

    def __init__(self, *failures: Exception) -> None:
        self.ledger = MemoryLedger()
        self.starter = MemoryStarter(failures)
        self.directory = MemoryDirectory()
        self.submissions = Submissions(self.ledger, self.starter, self.directory, FixedClock(NOW), WORKFLOWS)

    def submit(self, **changes: Any) -> submissions.Submission:
        return self.submissions.submit(any_request(**changes), CALLER)

    @property
    def request(self) -> Request:
        return self.ledger.asked[REQUEST_ID]


def test_the_deadline_of_a_request_overrides_that_of_the_workflow() -> None:
    setup = Setup()
    setup.submit(input=any_input(deadline_seconds=60))
    assert setup.starter.started[0][2]["input"]["deadline_seconds"] == 60


def test_a_repeated_request_after_its_end_starts_nothing() -> None:
    setup = Setup()
    setup.submit()
    setup.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, {"status": "approved"}, NOW)
    again = setup.submit()
    assert (again.started, again.request.status, len(setup.starter.started)) == (False, "succeeded", 1)


@pytest.mark.parametrize("changes", [{"input": any_input(amount="250.01")}, {"workflow": "second"}])
def test_a_request_id_of_other_content_is_a_conflict(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORKFLOWS, "second", Startable(3600, WORKFLOW))
    monkeypatch.setattr(validation, "problems", lambda name, document, prefix="": [])
    setup = Setup()
    setup.submit()
    with pytest.raises(RequestConflictError) as error:
        setup.submit(**changes)
    assert REQUEST_ID in str(error.value)
    assert len(setup.starter.started) == 1


def test_a_repeated_start_has_the_payload_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(StartFailedError("TooManyRequestsException"))
    with pytest.raises(StartFailedError):
        setup.submit()
    monkeypatch.setitem(WORKFLOWS, WORKFLOW, Startable(7200, WORKFLOW))
    setup.submit(input=dict(reversed(any_input().items())))
    ((_, _, payload),) = setup.starter.started
    assert list(payload["input"].items()) == [("deadline_seconds", 3600), *any_input().items()]


def test_a_request_without_a_stored_input_starts_with_the_repeated_input() -> None:
    setup = Setup()
    setup.ledger.submit(Request(REQUEST_ID, WORKFLOW, digest(any_input()), CALLER, 3600), NOW)
    setup.submit()
    assert setup.starter.started[0][2]["input"] == any_input(deadline_seconds=3600)


def test_an_input_keeps_the_contract_of_its_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORKFLOWS, "expense-approval", Startable(3600, WORKFLOW))
    setup = Setup()
    with pytest.raises(ContractError) as error:
        setup.submit(workflow="expense-approval", input=any_input(amount=250))
    assert error.value.pointer == "/input/amount"
    assert setup.submit(workflow="expense-approval").started
    assert setup.starter.started[0][0] == "expense-approval"


def retire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORKFLOWS, WORKFLOW, dataclasses.replace(WORKFLOWS[WORKFLOW], is_retired=True))


def test_a_retired_workflow_takes_no_new_request_but_starts_accepted_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(StartFailedError("TooManyRequestsException"))
    with pytest.raises(StartFailedError):
        setup.submit()
    retire(monkeypatch)
    with pytest.raises(RetiredWorkflowError):
        setup.submit(request_id="order-1002")
    assert [setup.submit().started for _ in range(2)] == [True, False]
    assert setup.submissions.report(REQUEST_ID)["status"] == "running"
    with pytest.raises(RequestConflictError):
        setup.submit(input=any_input(amount="250.01"))


def test_a_faulty_request_for_a_retired_workflow_is_answered_with_all_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    retire(monkeypatch)
    with pytest.raises(ContractError) as error:
        Setup().submit(input=any_input(amount=250))
    assert [problem.pointer for problem in error.value.problems] == ["/input/amount", "/workflow"]


# Reports
def test_a_report_adds_later_refunds_and_disputes_to_the_recorded_result() -> None:
    setup = Setup()
    result = {"status": "paid", "amount": "250.00", "currency": "EUR"}
    setup.ledger.finish(REQUEST_ID, "payment", RequestStatus.SUCCEEDED, result, NOW)
    taken_back: list[dict[str, Any]] = [{}, {"refunds": {"pay_1001": "50.00"}}, {"disputes": ("pay_1001",)}]
    for number, changes in enumerate(taken_back):
        setup.ledger.standing[f"{number}"] = any_payment_task(task_id=f"{number}", **changes)
    report = setup.submissions.report(REQUEST_ID)
    assert report["result"] == result | {"refunded": "50.00", "disputed": True}
    assert [{"refunded", "disputed"} & task.keys() for task in report["tasks"]] == [set(), {"refunded"}, {"disputed"}]
    assert setup.request.result == result, "the record is unchanged"


def test_a_report_has_status_result_and_tasks_and_no_callback() -> None:
    setup = Setup()
    setup.submit()
    task = any_decided_task(status=Status.APPLIED)
    setup.ledger.standing[task.task_id] = task
    setup.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, {"status": "approved"}, NOW)
    assert setup.submissions.report(REQUEST_ID) == {
        "request_id": REQUEST_ID,
        "workflow": WORKFLOW,
        "status": "succeeded",
        "result": {"status": "approved"},
        "error": None,
        "created_at": "2026-03-01T09:00:00.000000Z",
        "ended_at": "2026-03-01T09:00:00.000000Z",
        "submitted_by": CALLER,
        "tasks": [
            {
                "task_id": "order-1001.approval",
                "kind": "approval",
                "status": "APPLIED",
                "outcome": "approved",
                "opened_at": "2026-03-01T09:00:00.000000Z",
                "expires_at": "2026-03-01T10:00:00.000000Z",
                "decided_at": "2026-03-01T09:01:00.000000Z",
                "round": 1,
                "returned": None,
            }
        ],
    }


def test_a_report_has_the_question_for_which_a_task_waits_for_its_requester() -> None:
    setup = Setup()
    setup.submit()
    for task in (any_task(round=2, exchanges=(any_exchange(),)), any_payment_task()):
        setup.ledger.standing[task.task_id] = task
    approval, payment = setup.submissions.report(REQUEST_ID)["tasks"]
    asked = {"by": APPROVER, "comment": "Which chairs?", "at": "2026-03-01T09:00:00.000000Z"}
    assert (approval["round"], approval["returned"], {"round", "returned"} & payment.keys()) == (2, asked, set())


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (RequestStatus.SUBMITTED, "", "running"),
        (RequestStatus.RUNNING, "", "running"),
        *((RequestStatus.FAILED, code, "failed") for code in ERRORS if code != "withdrawn"),
        (RequestStatus.CANCELLED, "withdrawn", "cancelled"),
    ],
)
def test_a_report_without_result_says_why_in_a_code_and_a_sentence(status: RequestStatus, code: str, told: str) -> None:
    setup = Setup()
    setup.ledger.asked[REQUEST_ID] = Request(REQUEST_ID, WORKFLOW, status=status, error=code)
    report = setup.submissions.report(REQUEST_ID)
    assert (report["status"], report["result"], report["tasks"], report["ended_at"]) == (told, None, [], None)
    assert report["error"] == ({"code": code, "message": ERRORS[code]} if code else None)


@pytest.mark.parametrize("embedded", [True, False])
def test_only_on_the_embedded_cloud_a_report_says_what_the_workflow_raised_and_where(*, embedded: bool) -> None:
    setup = Setup()
    raised = Raised("KeyError", "refund/handler.py:38")
    failed = Request(REQUEST_ID, WORKFLOW, status=RequestStatus.FAILED, error="failed", raised=raised)
    setup.ledger.asked[REQUEST_ID] = failed
    error = dataclasses.replace(setup.submissions, tells_errors=embedded).report(REQUEST_ID)["error"]
    assert error.keys() == {"code", "message"} | ({"class", "at"} if embedded else set())
    assert (error.get("class"), error.get("at")) == (raised if embedded else (None, None))


# Aliases
ALIAS = "m.lopez@example.com"


def test_the_only_approver_who_is_the_person_whom_the_request_is_for_is_refused() -> None:
    setup = Setup()
    setup.directory.known[ALIAS] = Entry(APPROVER)
    question = {"title": "A trip", "requester": REQUESTER, "on_behalf_of": ALIAS, "approvers": [APPROVER]}
    with pytest.raises(
        ContractError, match="besides the requester or the person under `on_behalf_of`; has 0"
    ) as refused:
        setup.submit(workflow="approval", input=question)
    assert refused.value.pointer == "/input/approvers"


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        (None, True),
        ({"rule": {"kind": "any"}}, True),
        ({"approvers": [APPROVER]}, False),
        ({"approvers": [REQUESTER]}, True),
        ({"auto_approve": True}, False),
    ],
)
def test_a_refund_that_nobody_could_approve_is_refused(row: dict[str, Any] | None, refused: bool) -> None:
    refund = {"order_id": "1", "payment_request_id": "p-1", "amount": "1", "currency": "EUR", "reason": "Broken"}
    policy = None if row is None else Policy.from_document([{"currency": "EUR", **row}])
    setup = Setup()
    workflows = {"refund": Startable(60, "refund", policy)}
    setup.submissions = dataclasses.replace(setup.submissions, workflows=workflows)
    with pytest.raises(ContractError, match=r"nobody|besides the requester") if refused else nullcontext() as caught:
        setup.submit(workflow="refund", input={**refund, "requester": REQUESTER})
    assert not caught or caught.value.pointer == "/input/approvers"


def test_a_request_from_before_a_new_alias_is_still_a_duplicate() -> None:
    setup = Setup()
    asked_for = any_input(approvers=[APPROVER, ALIAS])
    assert setup.submit(input=asked_for).started
    setup.directory.known[ALIAS] = Entry(APPROVER)
    assert not setup.submit(input=asked_for).started
    with pytest.raises(RequestConflictError):
        setup.submit(input=any_input(approvers=[ALIAS, APPROVER]))
