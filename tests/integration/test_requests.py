"""`POST /requests` and `GET /requests/{request_id}`: each status of the contract."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import requests_api.use_cases
from countersign.adapters.places import DynamoPlaces
from countersign.domain import tasks
from countersign.domain.requests import RequestStatus
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.services.waiting import Waiting
from countersign.testing.builders import APPROVER, CALLER, REQUEST_ID, WORKFLOW, any_input, any_request
from requests_api.handler import handler
from tests.integration.conftest import (
    ALIAS,
    CODE_TABLES,
    LIMITS_TABLE,
    Answer,
    Kit,
    Operation,
    Page,
    answering,
    assert_problem,
    call,
    forget_what_functions_made,
)

LAMBDA = "https://lambda.eu-central-1.amazonaws.com"


def post(document: Any = None) -> Page:
    return post_body(json.dumps(any_request() if document is None else document))


def post_body(body: str | bytes) -> Page:
    return call(handler, "POST", "/requests", body=body, caller=CALLER)


def get(request_id: str = REQUEST_ID) -> Page:
    return call(handler, "GET", f"/requests/{request_id}", caller=CALLER)


# POST


def test_a_request_is_202_and_starts_the_workflows_alias_under_its_id(kit: Kit, invocations: Operation) -> None:
    answer = post()
    assert (answer.status, answer.headers["Content-Type"]) == (202, "application/json")
    assert answer.document == {"request_id": REQUEST_ID, "workflow": WORKFLOW}
    (invocation,) = invocations.asked
    assert f"/functions/{WORKFLOW}%3Alive/invocations" in invocation.url
    assert invocation.headers["X-Amz-Invocation-Type"] in ("Event", b"Event")
    assert invocation.headers["X-Amz-Durable-Execution-Name"] in (REQUEST_ID, REQUEST_ID.encode())
    payload = {"request_id": REQUEST_ID, "workflow": WORKFLOW, "submitted_by": CALLER}
    assert json.loads(invocation.body) == payload | {"input": any_input(deadline_seconds=3600)}
    request = kit.ledger.request(REQUEST_ID)
    assert request
    assert (request.submitted_by, request.status, request.workflow) == (CALLER, "running", WORKFLOW)
    assert request.execution_arn.startswith(ALIAS)
    assert APPROVER not in repr(kit.items()), "the input is not kept"


def test_the_same_request_in_other_words_is_200_and_starts_nothing(kit: Kit, invocations: Operation) -> None:
    post()
    again = post_body(json.dumps(dict(reversed(any_request().items())), indent=2).encode())
    assert (again.status, again.document) == (200, {"request_id": REQUEST_ID, "workflow": WORKFLOW})
    assert len(invocations.asked) == 1


NO_START = EndpointConnectionError(endpoint_url=LAMBDA, error="refused")


@pytest.mark.parametrize(
    "failure", [Answer(429, "TooManyRequestsException"), Answer(403, "AccessDeniedException"), NO_START], ids=str
)
def test_a_failed_start_is_503_and_the_repeated_request_202(
    kit: Kit, invocations: Operation, failure: Answer | Exception
) -> None:
    taken, invocations.by_default = invocations.by_default, failure
    assert_problem(post(), 503, "try_again")
    request = kit.ledger.request(REQUEST_ID)
    assert request
    assert request.status == "submitted"
    invocations.by_default = taken
    assert [post().status for _ in range(2)] == [202, 200]


@pytest.mark.parametrize(("operation", "starts"), [("PutItem", 1), ("UpdateItem", 2)])
def test_during_an_outage_of_the_ledger_a_request_is_503_and_its_start_is_repeated_with_the_same_payload(
    kit: Kit, invocations: Operation, operation: str, starts: int
) -> None:
    with answering("dynamodb", operation, Answer(500, "InternalServerError")):
        assert_problem(post(), 503, "try_again")
    assert post().status == 202
    payloads = [invocation.body for invocation in invocations.asked]
    assert (len(payloads), len(set(payloads))) == (starts, 1)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "malformed", ""),
        (json.dumps(any_request()).ljust(MAX_BODY_BYTES + 1), 413, "body_too_large", ""),
        (json.dumps(any_request(input={})), 400, "contract", "/input/order_id"),
        (json.dumps(any_request(request_id="held-1001")), 400, "contract", "/request_id"),
        (json.dumps(any_request(workflow="order-aproval")), 404, "unknown_workflow", "/workflow"),
    ],
    ids=["empty", "over the cap", "input", "id", "workflow"],
)
def test_a_request_that_breaks_the_contract_is_refused_and_starts_nothing(
    kit: Kit, invocations: Operation, body: str | bytes, status: int, code: str, pointer: str
) -> None:
    assert_problem(post_body(body), status, code, pointer)
    assert (kit.items(), invocations.asked) == ({}, [])


def test_a_new_request_for_a_retired_workflow_is_410(kit: Kit, invocations: Operation) -> None:
    forget_what_functions_made(workflows={WORKFLOW: CODE_TABLES["workflows"][WORKFLOW] | {"retired": True}})
    assert_problem(post(), 410, "retired_workflow", "/workflow")
    assert (kit.items(), invocations.asked) == ({}, [])


def test_the_policy_and_the_rules_for_callers_are_those_of_the_stage(kit: Kit, invocations: Operation) -> None:
    post()
    policies = {WORKFLOW: [{"currency": "USD"}]}
    forget_what_functions_made(policies=policies)
    assert post().status == 200
    assert_problem(post(any_request(request_id="order-1002")), 400, "contract", "/input/amount")
    rules = {"providers": [], "requester": "caller", "approver_domains": [], "prover": "", "callers": {}}
    forget_what_functions_made(policies=policies, requests=rules)
    assert_problem(post(), 403, "caller")
    limited = {CALLER: {"workflows": [], "agent": False, "own_only": False}}
    forget_what_functions_made(requests=rules | {"callers": limited})
    assert_problem(post(), 403, "workflow_not_allowed", "/workflow")
    mine = {"workflows": None, "agent": False, "own_only": True}
    forget_what_functions_made(requests=rules | {"callers": {CALLER: mine}})
    assert get().status == 200


AGENT = "arn:aws:sts::111122223333:assumed-role/invoices/i-0abc"


def as_agent(**more: Any) -> dict[str, Any]:
    """Return the tables of a stage in which the role of AGENT is an AI agent's."""
    agent = {"workflows": ["approval"], "agent": True, "own_only": True}
    approval = CODE_TABLES["workflows"][WORKFLOW] | {"function": "approval:live", "contract": "approval"}
    return {
        "requests": CODE_TABLES["requests"] | {"callers": {"arn:aws:iam::111122223333:role/ai/Invoices": agent}},
        "workflows": CODE_TABLES["workflows"] | {"approval": approval},
        "policies": {"approval": [{"approvers": [APPROVER]}]},
    } | more


def test_an_agent_that_asks_the_same_again_is_409_with_the_standing_request(kit: Kit, invocations: Operation) -> None:
    forget_what_functions_made(**as_agent())
    asks = [{"workflow": "approval", "request_id": f"ask-{n}", "input": {"title": "Buy it?"}} for n in (1, 1, 2)]
    answers = [call(handler, "POST", "/requests", body=json.dumps(ask), caller=AGENT) for ask in asks]
    assert [answer.status for answer in answers] == [202, 200, 409]
    assert_problem(answers[2], 409, "already_asked")
    assert (answers[2].document["request_id"], answers[2].document["until"]) == ("ask-1", None)
    assert json.loads(invocations.asked[0].body)["input"]["agent"] == "arn:aws:iam::111122223333:role/invoices"


def test_the_same_id_with_another_input_is_409(kit: Kit, invocations: Operation) -> None:
    post()
    before = kit.items()
    assert_problem(post(any_request(input=any_input(amount="250.01"))), 409, "request_conflict")
    assert (kit.items(), len(invocations.asked)) == (before, 1)


def test_an_execution_of_that_name_with_another_payload_is_409(kit: Kit, invocations: Operation) -> None:
    invocations.by_default = Answer(409, "DurableExecutionAlreadyStartedException")
    assert_problem(post(), 409, "request_conflict")


# GET


def test_a_running_request_is_reported_with_its_tasks(kit: Kit, invocations: Operation) -> None:
    post()
    task = kit.open_task()
    answer = get()
    assert (answer.status, answer.document["status"]) == (200, "running")
    assert [(each["task_id"], each["status"]) for each in answer.document["tasks"]] == [(task.task_id, "OPEN")]


@pytest.mark.parametrize("request_id", ["order-1002", "x" * 3000], ids=["unknown", "too long"])
def test_an_unknown_request_is_404(kit: Kit, request_id: str) -> None:
    assert_problem(get(request_id), 404, "unknown_request")


@pytest.mark.parametrize(
    ("error", "status", "code"), [("InternalServerError", 503, "try_again"), ("ValidationException", 500, "unexpected")]
)
def test_an_error_of_the_ledger_is_reported_without_its_text(kit: Kit, error: str, status: int, code: str) -> None:
    with answering("dynamodb", "Query", Answer(400, error)):
        answer = get()
    assert_problem(answer, status, code)
    assert error not in answer.body


def test_a_call_waits_for_the_end_of_a_request(
    kit: Kit, invocations: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    post()

    def end(_: float) -> None:
        kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, {}, kit.now)

    monkeypatch.setattr(requests_api.use_cases, "Waiting", partial(Waiting, pause=end))
    forget_what_functions_made()
    answer = call(handler, "GET", f"/requests/{REQUEST_ID}", query={"wait": "25"}, caller=CALLER)
    assert (answer.status, answer.document["status"]) == (200, "succeeded")


@pytest.mark.parametrize("query", [*({"wait": text} for text in ("0", "26", "-1", "1.5", "1,2", "")), {"wiat": "5"}])
def test_a_wrong_query_is_400(kit: Kit, query: dict[str, str]) -> None:
    assert_problem(call(handler, "GET", f"/requests/{REQUEST_ID}", query=query, caller=CALLER), 400, "contract")


def test_places_are_taken_left_and_free_after_their_time(kit: Kit) -> None:
    places, now = DynamoPlaces(client("dynamodb"), LIMITS_TABLE, 2), datetime(2026, 3, 1, 9, tzinfo=UTC)
    until = now + timedelta(seconds=28)
    assert {places.take(now, until), places.take(now, until)} == {0, 1}
    assert places.take(until - timedelta(seconds=1), until) is None
    places.leave(1, until)
    assert (places.take(now, until + timedelta(1)), places.take(until, until + timedelta(1))) == (1, 0)
    places.leave(0, until)
    assert places.take(until, until) is None, "a late holder leaves no place that is another's"
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        assert places.take(until + timedelta(2), until) is None
        places.leave(0, until)


# The list


def listed(**query: str) -> Page:
    return call(handler, "GET", "/requests", query=query, caller=CALLER)


def test_the_list_has_the_requests_that_the_filters_let_through(kit: Kit, invocations: Operation) -> None:
    post()
    answer = listed(status="running", workflow=WORKFLOW)
    (summary,) = answer.document["requests"]
    assert (answer.status, summary["request_id"], answer.document["cursor"]) == (200, REQUEST_ID, None)
    assert listed(status="failed").document == {"requests": [], "cursor": None}
    assert_problem(listed(status="open"), 400, "contract", "/status")


def test_a_role_may_be_limited_to_its_own_requests(kit: Kit, invocations: Operation) -> None:
    post()
    for role, found in ((CALLER, 1), (f"{CALLER}-2", 0)):
        limits = {role: {"workflows": None, "agent": False, "own_only": True}}
        forget_what_functions_made(requests=CODE_TABLES["requests"] | {"callers": limits})
        assert len(call(handler, "GET", "/requests", caller=role).document["requests"]) == found


# DELETE


def cancel(caller: str = CALLER, body: str = '{"reason": "ordered twice"}') -> Page:
    return call(handler, "DELETE", f"/requests/{REQUEST_ID}", body=body, caller=caller)


def test_a_cancelled_request_is_202_also_the_second_time(kit: Kit, invocations: Operation) -> None:
    post()
    kit.open_task()
    answers = [cancel(), cancel()]
    taken = (202, {"request_id": REQUEST_ID, "workflow": WORKFLOW})
    assert [(answer.status, answer.document) for answer in answers] == [taken] * 2
    assert (kit.task().status, kit.task().closed_comment) == (Status.CANCELLED, "ordered twice")
    assert kit.audit()[-1].event.actor == CALLER


def test_a_request_that_cannot_be_cancelled_is_409_and_one_of_another_role_404(
    kit: Kit, invocations: Operation
) -> None:
    assert_problem(cancel(), 404, "unknown_request")
    post()
    assert_problem(cancel(f"{CALLER}-2"), 404, "unknown_request")
    assert_problem(cancel(body="{}"), 400, "contract", "/reason")
    task = kit.open_task(irrevocable=True)
    assert_problem(cancel(), 409, "irrevocable")
    kit.ledger.commit(tasks.cancel(task, "", "", kit.now))  # type: ignore[arg-type]
    kit.open_task(task_id="order-1001.second")
    kit.decide(task_id="order-1001.second")
    assert_problem(cancel(), 409, "request_decided")
    kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, None, kit.now)
    assert_problem(cancel(), 409, "request_ended")


def test_an_unknown_route_is_404(kit: Kit) -> None:
    assert_problem(call(handler, "PUT", "/requests", caller=CALLER), 404, "unknown_route")
