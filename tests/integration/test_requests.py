"""`POST /requests` and `GET /requests/{request_id}`: every row of the contract, and everything that is bad input."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.testing.builders import APPROVER, CALLER, REQUEST_ID, REQUESTER, WORKFLOW, any_input, any_request
from requests_api.handler import handler
from tests.integration.conftest import ALIAS, Answer, Kit, Operation, Page, answering, call, forget_what_functions_made

LAMBDA = "https://lambda.eu-central-1.amazonaws.com"
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code"}


def post(document: Any = None, body: str | bytes | None = None, caller: str = CALLER) -> Page:
    if body is None:
        body = json.dumps(any_request() if document is None else document)
    return call(handler, "POST", "/requests", body=body, caller=caller)


def get(request_id: str = REQUEST_ID) -> Page:
    return call(handler, "GET", f"/requests/{request_id}", caller=CALLER)


def assert_problem(answer: Page, status: int, code: str, pointer: str | None = None) -> None:
    """Assert a problem document of RFC 9457."""
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.document["status"] == status
    assert answer.document["code"] == code
    assert set(answer.document) >= PROBLEM_MEMBERS
    assert all(answer.document[member] for member in PROBLEM_MEMBERS)
    assert answer.document.get("pointer") == pointer


# Starting


def test_a_request_is_202_and_starts_the_workflow_by_its_alias_under_its_id(kit: Kit, invocations: Operation) -> None:
    answer = post()
    assert answer.status == 202
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.document == {"request_id": REQUEST_ID, "workflow": WORKFLOW}
    (request,) = invocations.asked
    assert f"/functions/{WORKFLOW}%3Alive/invocations" in request.url
    assert request.headers["X-Amz-Invocation-Type"] in ("Event", b"Event")
    assert request.headers["X-Amz-Durable-Execution-Name"] in (REQUEST_ID, REQUEST_ID.encode())
    assert json.loads(request.body) == {
        "request_id": REQUEST_ID,
        "workflow": WORKFLOW,
        "submitted_by": CALLER,
        "input": any_input(deadline_seconds=3600),
    }


def test_a_request_is_kept_with_its_caller_and_execution_and_without_its_input(
    kit: Kit, invocations: Operation
) -> None:
    post()
    request = kit.ledger.request(REQUEST_ID)
    assert request
    assert (request.submitted_by, request.status, request.workflow) == (CALLER, "running", WORKFLOW)
    assert request.execution_arn.startswith(ALIAS)
    assert APPROVER not in repr(kit.items())


def test_the_same_request_again_is_200_and_starts_nothing(kit: Kit, invocations: Operation) -> None:
    post()
    spelt_otherwise = json.dumps(dict(reversed(any_request().items())), indent=2)
    again = post(body=spelt_otherwise.encode())
    assert (again.status, again.document) == (200, {"request_id": REQUEST_ID, "workflow": WORKFLOW})
    assert len(invocations.asked) == 1


@pytest.mark.parametrize(
    "failure",
    [
        Answer(429, "TooManyRequestsException"),
        Answer(403, "AccessDeniedException"),
        EndpointConnectionError(endpoint_url=LAMBDA, error="refused"),
    ],
    ids=str,
)
def test_a_start_that_failed_is_503_and_the_same_request_afterwards_202(
    kit: Kit, invocations: Operation, failure: Answer | Exception
) -> None:
    taken, invocations.by_default = invocations.by_default, failure
    answer = post()
    assert_problem(answer, 503, "try_again")
    assert answer.headers["Retry-After"] == "2"
    request = kit.ledger.request(REQUEST_ID)
    assert request
    assert request.status == "submitted"
    invocations.by_default = taken
    assert post().status == 202
    assert post().status == 200


def test_a_start_that_lambda_took_and_the_ledger_did_not_record_is_503_and_then_202(
    kit: Kit, invocations: Operation
) -> None:
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        assert_problem(post(), 503, "try_again")
    assert post().status == 202
    payloads = {request.body for request in invocations.asked}
    assert len(payloads) == 1, "the second start is the first one again, which Lambda knows by name and payload"


def test_a_request_that_the_ledger_does_not_take_is_503_and_starts_nothing(kit: Kit, invocations: Operation) -> None:
    with answering("dynamodb", "PutItem", Answer(500, "InternalServerError")):
        assert_problem(post(), 503, "try_again")
    assert invocations.asked == []


# Bad input


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "malformed", ""),
        (json.dumps(any_request()).ljust(MAX_BODY_BYTES + 1), 413, "body_too_large", ""),
        ("[]", 400, "contract", ""),
        (json.dumps(any_request(input={})), 400, "contract", "/input/order_id"),
        (json.dumps(any_request(request_id="held-1001")), 400, "contract", "/request_id"),
        (json.dumps(any_request(input=any_input(approvers=[REQUESTER]))), 400, "contract", "/input/approvers"),
        (json.dumps(any_request(workflow="order-aproval")), 404, "unknown_workflow", "/workflow"),
    ],
    ids=["empty", "over the cap", "no object", "input", "id", "approvers", "workflow"],
)
def test_what_breaks_the_contract_is_refused_and_starts_nothing(
    kit: Kit, invocations: Operation, body: str | bytes, status: int, code: str, pointer: str
) -> None:
    answer = call(handler, "POST", "/requests", body=body, caller=CALLER)
    assert_problem(answer, status, code, pointer)
    assert (kit.items(), invocations.asked) == ({}, [])


# What the stage asks of requests


def test_what_the_stage_does_not_allow_is_refused_and_what_came_before_is_still_itself(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    post()
    monkeypatch.setenv("POLICY", json.dumps({WORKFLOW: [{"currency": "USD"}]}))
    forget_what_functions_made()
    assert post().status == 200
    assert_problem(post(any_request(request_id="order-1002")), 400, "contract", "/input/amount")
    asked = {"providers": [], "requester": "caller", "approver_domains": []}
    monkeypatch.setenv("REQUESTS", json.dumps(asked))
    forget_what_functions_made()
    assert_problem(post(), 403, "caller")


def test_a_new_request_for_a_retired_workflow_is_410(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    retired = {"function": f"{WORKFLOW}:live", "deadline_seconds": 3600, "retired": True}
    monkeypatch.setenv("WORKFLOWS", json.dumps({WORKFLOW: retired}))
    assert_problem(post(), 410, "retired_workflow", "/workflow")
    assert (kit.items(), invocations.asked) == ({}, [])


def test_the_same_id_with_other_input_is_409(kit: Kit, invocations: Operation) -> None:
    post()
    before = kit.items()
    assert_problem(post(any_request(input=any_input(amount="250.01"))), 409, "request_conflict")
    assert kit.items() == before
    assert len(invocations.asked) == 1


def test_an_execution_of_that_name_with_another_payload_is_409(kit: Kit, invocations: Operation) -> None:
    invocations.by_default = Answer(409, "DurableExecutionAlreadyStartedException")
    assert_problem(post(), 409, "request_conflict")


# Reporting


def test_a_request_that_runs_is_reported_with_its_tasks(kit: Kit, invocations: Operation) -> None:
    post()
    task = kit.open_task()
    answer = get()
    assert (answer.status, answer.document["status"]) == (200, "running")
    assert [(told["task_id"], told["status"]) for told in answer.document["tasks"]] == [(task.task_id, "OPEN")]


@pytest.mark.parametrize("request_id", ["order-1002", "x" * 3000])
def test_an_unknown_request_is_404(kit: Kit, request_id: str) -> None:
    assert_problem(get(request_id), 404, "unknown_request")


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [("InternalServerError", 503, "try_again"), ("ValidationException", 500, "unexpected")],
)
def test_a_report_that_the_ledger_cannot_give_says_nothing_of_why(
    kit: Kit, trouble: str, status: int, code: str
) -> None:
    with answering("dynamodb", "GetItem", Answer(400, trouble)):
        answer = get()
    assert_problem(answer, status, code)
    assert trouble not in answer.body


def test_a_path_that_is_no_route_is_404(kit: Kit) -> None:
    assert_problem(call(handler, "PUT", "/requests", caller=CALLER), 404, "unknown_route")
