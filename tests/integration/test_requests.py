"""`POST /requests` and `GET /requests/{request_id}`: every row of the contract, and everything that is bad input."""

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from countersign.domain.clock import to_text
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.testing.builders import (
    APPROVER,
    CALLER,
    OTHER_APPROVER,
    REQUEST_ID,
    REQUESTER,
    WORKFLOW,
    any_input,
    any_request,
)
from requests_api.handler import handler
from tests.integration.conftest import (
    ALIAS,
    ENVIRONMENT,
    PROVIDERS,
    Answer,
    Kit,
    Operation,
    Page,
    answering,
    call,
    forget_what_functions_made,
)

MORE_WORKFLOWS = ("payment", "identity-verification")
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
        Answer(500, "ServiceException"),
        Answer(403, "AccessDeniedException"),
        Answer(404, "ResourceNotFoundException"),
        EndpointConnectionError(endpoint_url=LAMBDA, error="refused"),
        ConnectTimeoutError(endpoint_url=LAMBDA),
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

BROKEN_BODIES: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("half", b'{"workflow": "order-approval"'),
    ("twice", json.dumps(any_request()).encode()[:-1] + b',"request_id":"other"}'),
    ("not UTF-8", b'{"workflow":"\xff"}'),
]


@pytest.mark.parametrize("body", [body for _, body in BROKEN_BODIES], ids=[name for name, _ in BROKEN_BODIES])
def test_what_is_not_strict_json_is_400(kit: Kit, invocations: Operation, body: bytes) -> None:
    assert_problem(post(body=body), 400, "malformed", pointer="")
    assert kit.items() == {}
    assert invocations.asked == []


def test_a_body_whose_base64_is_broken_is_400(kit: Kit) -> None:
    from countersign.testing.builders import http_event

    event = http_event("POST", "/requests", b"", caller=CALLER) | {"body": "****"}
    answer = handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        ("text", ""),
        (None, ""),
        ({}, "/workflow"),
        (any_request(extra=1), ""),
        (any_request(workflow=1), "/workflow"),
        (any_request(request_id="order 1001"), "/request_id"),
        (any_request(request_id="held-1001"), "/request_id"),
        (any_request(input=[]), "/input"),
        (any_request(input={}), "/input/order_id"),
        (any_request(input=any_input(amount=250)), "/input/amount"),
        (any_request(input=any_input(approvers=[APPROVER, "otto"])), "/input/approvers/1"),
        (any_request(input=any_input(extra=1)), "/input"),
        (any_request(input=any_input(amount="100.50", currency="JPY")), "/input/amount"),
        (any_request(input=any_input(approvers=[REQUESTER])), "/input/approvers"),
        (any_request(input=any_input(approvers=["rita+x@example.com"])), "/input/approvers"),
        *(
            (any_request(input=any_input(approvers=[APPROVER, requester], rule={"kind": kind})), "/input/approvers")
            for kind in ("all", "in_order")
            for requester in (REQUESTER.upper(), "rita+x@example.com")
        ),
        (any_request(input=any_input(rule={"kind": "quorum", "k": 2})), "/input/rule/k"),
        (
            any_request(input=any_input(attachments=[{"name": "Offer", "url": "https://rita@example.com/"}])),
            "/input/attachments/0/url",
        ),
    ],
)
def test_what_breaks_the_contract_is_400_with_the_json_pointer(
    kit: Kit, invocations: Operation, document: Any, pointer: str
) -> None:
    assert_problem(post(body=json.dumps(document)), 400, "contract", pointer)
    assert kit.items() == {}
    assert invocations.asked == []


def test_everything_that_is_wrong_is_told_at_once(kit: Kit, invocations: Operation) -> None:
    document = any_request(input=any_input(curency="EUR", amount="0", deadline_seconds="60"), request_id=1, x=1)
    del document["input"]["order_id"]
    answer = post(document)
    assert_problem(answer, 400, "contract", "/request_id")
    assert [error["pointer"] for error in answer.document["errors"]] == [
        *("/request_id", "", "/input/order_id", "/input/deadline_seconds", "/input", "/input/amount")
    ]
    assert all(error["detail"] for error in answer.document["errors"])
    assert (kit.items(), invocations.asked) == ({}, [])


@pytest.mark.parametrize("body", ["s3cr3t-w0rd", '{"s3cr3t-w0rd": 1}', '{"workflow": ["s3cr3t-w0rd"]}'])
def test_a_problem_never_quotes_the_body(kit: Kit, body: str) -> None:
    assert "s3cr3t" not in post(body=body).body


@pytest.fixture
def policy(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a policy in place: EUR up to 1000, by two people above 100."""
    rows = [
        {"currency": "EUR", "up_to": "100"},
        {"currency": "EUR", "up_to": "1000", "rule": {"kind": "quorum", "k": 2}},
    ]
    monkeypatch.setenv("POLICY", json.dumps({WORKFLOW: rows}))


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount": "1000.01"}, "/input/amount"),
        ({"amount": "10.00", "currency": "USD"}, "/input/amount"),
        ({"amount": "250.00"}, "/input/approvers"),
        ({"amount": "250.00", "approvers": [APPROVER, REQUESTER]}, "/input/approvers"),
    ],
)
def test_what_the_policy_does_not_cover_is_400_and_starts_nothing(
    kit: Kit, invocations: Operation, changes: dict[str, Any], pointer: str
) -> None:
    assert_problem(post(any_request(input=any_input(**changes))), 400, "contract", pointer)
    assert kit.items() == {}
    assert invocations.asked == []


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("changes", [{"amount": "100.00"}, {"approvers": [APPROVER, OTHER_APPROVER]}])
def test_what_the_policy_covers_is_202(kit: Kit, invocations: Operation, changes: dict[str, Any]) -> None:
    assert post(any_request(input=any_input(**changes))).status == 202


def test_a_request_that_came_before_the_policy_is_still_itself(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    post()
    monkeypatch.setenv("POLICY", json.dumps({WORKFLOW: [{"currency": "USD"}]}))
    forget_what_functions_made()
    assert post().status == 200
    assert_problem(post(any_request(request_id="order-1002")), 400, "contract", "/input/amount")


# Caller rules: what the stage asks of requests

PAYMENT = {"order_id": "1001", "provider": "pay", "external_id": "pay_1001", "amount": "250.00", "currency": "EUR"}
RITA = f"arn:aws:sts::111122223333:assumed-role/shop/{REQUESTER.title()}"


@pytest.fixture
def workflows(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy some more workflows."""
    named = {name: {"function": f"{WORKFLOW}:live", "deadline_seconds": 3600} for name in (WORKFLOW, *MORE_WORKFLOWS)}
    monkeypatch.setenv("WORKFLOWS", json.dumps(named))


def caller_rules(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Have the stage ask something else of requests from now on."""
    monkeypatch.setenv("REQUESTS", json.dumps(json.loads(ENVIRONMENT["REQUESTS"]) | changes))
    forget_what_functions_made()


@pytest.mark.usefixtures("workflows")
def test_a_payment_by_a_provider_that_the_stage_does_not_have_is_400(kit: Kit, invocations: Operation) -> None:
    answer = post(any_request(workflow="payment", input=PAYMENT | {"provider": "strpie", "amount": "0"}))
    assert_problem(answer, 400, "contract", "/input/amount")
    assert answer.document["errors"][1] == {
        "detail": f"must be a provider of this stage; there are {', '.join(PROVIDERS)}",
        "pointer": "/input/provider",
    }
    assert (kit.items(), invocations.asked) == ({}, [])
    assert post(any_request(workflow="payment", input=PAYMENT)).status == 202


@pytest.mark.parametrize(
    ("workflow", "document", "pointer"),
    [
        (WORKFLOW, any_input(approvers=[APPROVER, "mallory@evil.example"]), "/input/approvers/1"),
        (WORKFLOW, any_input(approvers=["maria@shop.example.com"]), "/input/approvers/0"),
        (WORKFLOW, any_input(approvers=["maria@example.com.evil.example"]), "/input/approvers/0"),
        ("identity-verification", {"user_id": "u-1", "reviewers": ["mallory@evil.example"]}, "/input/reviewers/0"),
    ],
)
@pytest.mark.usefixtures("workflows")
def test_an_approver_of_a_domain_that_the_stage_does_not_allow_is_400(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch, workflow: str, document: Any, pointer: str
) -> None:
    request = any_request(workflow=workflow, input=document)
    caller_rules(monkeypatch, approver_domains=["example.com", "example.org"])
    answer = post(request)
    assert_problem(answer, 400, "contract", pointer)
    assert answer.document["detail"] == "must be an address of example.com, example.org"
    assert kit.items() == {}
    assert post(any_request(input=any_input(approvers=[APPROVER.upper(), "otto@example.org"]))).status == 202
    caller_rules(monkeypatch, approver_domains=[])
    assert post(request | {"request_id": "order-1002"}).status == 202


def test_what_came_before_the_stage_asked_for_more_is_still_itself(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    post()
    caller_rules(monkeypatch, approver_domains=["example.org"])
    assert post().status == 200


@pytest.mark.parametrize("given", [{}, {"requester": REQUESTER.upper()}])
def test_where_the_caller_is_the_requester_their_session_names_them(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    caller_rules(monkeypatch, requester="caller")
    document = {name: value for name, value in any_input().items() if name != "requester"}
    assert post(any_request(input=document | given), caller=RITA).status == 202
    assert json.loads(invocations.asked[0].body)["input"]["requester"].casefold() == REQUESTER
    assert get().document["submitted_by"] == RITA


def test_where_the_caller_is_the_requester_nobody_asks_in_another_s_name(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller_rules(monkeypatch, requester="caller")
    answer = post(any_request(input=any_input(requester=OTHER_APPROVER)), caller=RITA)
    assert_problem(answer, 400, "contract", "/input/requester")
    document = any_input(approvers=[REQUESTER])
    del document["requester"]
    assert_problem(post(any_request(input=document), caller=RITA), 400, "contract", "/input/approvers")
    assert (kit.items(), invocations.asked) == ({}, [])


@pytest.mark.parametrize("caller", ["", CALLER, "arn:aws:sts::1:assumed-role/shop/i-0abc", f"{CALLER}/{REQUESTER}"])
@pytest.mark.usefixtures("workflows")
def test_where_the_caller_is_the_requester_one_whose_session_is_no_address_is_403(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch, caller: str
) -> None:
    caller_rules(monkeypatch, requester="caller")
    assert_problem(post(caller=caller), 403, "caller")
    assert (kit.items(), invocations.asked) == ({}, [])
    assert post(any_request(workflow="payment", input=PAYMENT), caller=caller).status == 202, "nobody requests it"


def test_an_unknown_workflow_is_404_and_keeps_nothing(kit: Kit, invocations: Operation) -> None:
    assert_problem(post(any_request(workflow="order-aproval")), 404, "unknown_workflow", pointer="/workflow")
    assert kit.items() == {}


def test_the_same_id_with_other_input_is_409(kit: Kit, invocations: Operation) -> None:
    post()
    before = kit.items()
    assert_problem(post(any_request(input=any_input(amount="250.01"))), 409, "request_conflict")
    assert kit.items() == before
    assert len(invocations.asked) == 1


def test_an_execution_of_that_name_with_another_payload_is_409(kit: Kit, invocations: Operation) -> None:
    invocations.by_default = Answer(409, "DurableExecutionAlreadyStartedException")
    assert_problem(post(), 409, "request_conflict")


@pytest.mark.parametrize("encoded", [False, True], ids=["text", "base64"])
def test_a_body_over_the_cap_is_413(kit: Kit, invocations: Operation, encoded: bool) -> None:
    text = json.dumps(any_request()).ljust(MAX_BODY_BYTES + 1)
    assert_problem(post(body=text.encode() if encoded else text), 413, "body_too_large", pointer="")
    assert kit.items() == {}


@pytest.mark.parametrize("encoded", [False, True], ids=["text", "base64"])
def test_a_body_of_exactly_the_cap_is_read(kit: Kit, invocations: Operation, encoded: bool) -> None:
    text = json.dumps(any_request()).ljust(MAX_BODY_BYTES)
    assert post(body=text.encode() if encoded else text).status == 202


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/requests"),
        ("DELETE", "/requests"),
        ("GET", "/requests"),
        ("POST", "/requests/order-1001"),
        ("GET", "/"),
    ],
)
def test_a_wrong_method_or_path_is_404(kit: Kit, method: str, path: str) -> None:
    assert_problem(call(handler, method, path, caller=CALLER), 404, "unknown_route")


# Reporting


def test_a_request_that_runs_is_reported_with_its_tasks(kit: Kit, invocations: Operation) -> None:
    post()
    task = kit.open_task()
    answer = get()
    assert answer.status == 200
    assert answer.document == {
        "request_id": REQUEST_ID,
        "workflow": WORKFLOW,
        "status": "running",
        "result": None,
        "submitted_by": CALLER,
        "tasks": [
            {
                "task_id": task.task_id,
                "kind": "approval",
                "status": "OPEN",
                "outcome": None,
                "opened_at": to_text(kit.now),
                "expires_at": to_text(task.expires_at),
                "decided_at": None,
            }
        ],
    }


@pytest.mark.parametrize("request_id", ["order-1002", "x" * 3000, "order.1001", "%F0%9F%98%80", "order 1001"])
def test_an_unknown_request_is_404(kit: Kit, request_id: str) -> None:
    assert_problem(get(request_id), 404, "unknown_request")


def test_reporting_fifty_times_changes_nothing(kit: Kit, invocations: Operation) -> None:
    post()
    kit.open_task()
    before = kit.items()
    assert {get().status for _ in range(50)} == {200}
    assert kit.items() == before


def test_a_report_that_the_ledger_cannot_give_is_503(kit: Kit) -> None:
    with answering("dynamodb", "GetItem", Answer(500, "InternalServerError")):
        assert_problem(get(), 503, "try_again")


def test_what_nobody_expected_is_500_and_says_nothing_of_it(kit: Kit) -> None:
    with answering("dynamodb", "GetItem", Answer(400, "ValidationException")):
        answer = get()
    assert_problem(answer, 500, "unexpected")
    assert "Validation" not in answer.body
