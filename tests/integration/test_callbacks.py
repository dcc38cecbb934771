"""`POST /callbacks/succeed|fail|heartbeat`: every row of the contract, by the token that the hand-off carried."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import review.handler
from countersign.domain import tokens
from countersign.domain.answers import document_of
from countersign.domain.links import Link, Purpose
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import Failure, Status
from countersign.testing.builders import PAYMENT_TASK_ID, any_token, is_unbroken
from tests.integration.conftest import Answer, Kit, Operation, Page, answering, call
from webhook.handler import handler

PAID = {"status": "paid", "amount": "250.00", "currency": "EUR"}
FAILURE = {"code": "declined", "message": "No funds", "data": {"try": 2}}
ROUTES = {"succeed": PAID, "fail": FAILURE, "heartbeat": {}}


@pytest.fixture
def heartbeats(aws: None) -> Iterator[Operation]:
    """Lambda's heartbeats, which it takes unless told otherwise."""
    with answering("lambda", "SendDurableExecutionCallbackHeartbeat", Answer()) as operation:
        yield operation


def token_of(
    kit: Kit, purpose: Purpose = Purpose.CALLBACK, task_id: str = PAYMENT_TASK_ID, *, channel: str = ""
) -> str:
    token, fingerprint = tokens.mint()
    kit.ledger.put_link(Link(fingerprint, task_id, channel, purpose), kit.now + timedelta(hours=1))
    return token


def post(route: str, token: str, body: Any, **headers: str) -> Page:
    raw = body if isinstance(body, bytes | str) else json.dumps(body)
    return call(
        handler, "POST", f"/callbacks/{route}", body=raw, headers={"authorization": f"Bearer {token}"} | headers
    )


def problem(page: Page, status: int, code: str) -> dict[str, Any]:
    assert page.status == status, page.body
    assert page.headers["Content-Type"] == "application/problem+json"
    assert (page.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)
    assert ("Retry-After" in page.headers) == (status == 503)
    document: dict[str, Any] = page.document
    assert document["code"] == code
    return document


# Answers


@pytest.mark.parametrize(("channel", "by"), [("", "worker"), ("sms", "sms")])
def test_an_answer_is_200_and_the_same_again_too_and_is_that_of_the_token_s_channel(
    kit: Kit, channel: str, by: str
) -> None:
    kit.open_payment()
    token = token_of(kit, channel=channel)
    assert [post("succeed", token, PAID).document["status"] for _ in range(2)] == ["recorded", "duplicate"]
    task = kit.task(PAYMENT_TASK_ID)
    assert (task.outcome, task.decided_by, document_of(task)["amount"]) == (Outcome.ANSWERED, (by,), "250.00")
    assert kit.audit(PAYMENT_TASK_ID)[-1].event.source == "203.0.113.0/24"
    assert is_unbroken(kit.audit(PAYMENT_TASK_ID), task.audit_head, task.audit_seq)
    assert len(kit.decisions()) == 1


def test_pending_and_declined_are_202_and_other_money_is_200_and_held(kit: Kit) -> None:
    kit.open_payment()
    token = token_of(kit)
    for status in ("pending", "declined"):
        page = post("succeed", token, {"status": status})
        assert (page.status, page.document["status"], kit.decisions()) == (202, status, [])
    page = post("succeed", token, PAID | {"amount": "1.00"})
    assert (page.status, page.document["status"]) == (200, "held")
    assert kit.task(PAYMENT_TASK_ID).status is Status.OPEN


def test_a_failure_is_200_and_kept_whole(kit: Kit) -> None:
    kit.open_payment()
    assert post("fail", token_of(kit), FAILURE).status == 200
    assert kit.task(PAYMENT_TASK_ID).failure == Failure("declined", "No funds", '{"try":2}')


def test_a_heartbeat_is_200_and_leaves_its_time_on_the_task_alone(kit: Kit, heartbeats: Operation) -> None:
    task = kit.open_payment()
    token = token_of(kit)
    before = kit.items()
    assert post("heartbeat", token, b"").document == {"status": "alive"}
    assert len(heartbeats.asked) == 1
    assert task.callback_id[:8] in heartbeats.asked[0].url
    after = kit.items()
    assert after.pop((f"TASK#{PAYMENT_TASK_ID}", "TASK")).pop("heartbeat_at")
    before.pop((f"TASK#{PAYMENT_TASK_ID}", "TASK"))
    assert after == before


# Who


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {any_token()}", "Basic TOKEN", "TOKEN", "bearer x TOKEN", "Bearer é"],
)
def test_a_token_that_is_missing_or_unknown_is_401_and_asks_for_one(
    kit: Kit, heartbeats: Operation, authorization: str
) -> None:
    kit.open_payment()
    told = authorization.replace("TOKEN", token_of(kit))
    before = kit.items()
    for route, body in ROUTES.items():
        problem(post(route, "", body, authorization=told), 401, "unknown_token")
    assert kit.items() == before


@pytest.mark.parametrize("purpose", [Purpose.REVIEW, Purpose.INBOX])
def test_the_token_of_a_page_answers_for_no_machine(kit: Kit, purpose: Purpose) -> None:
    kit.open_payment()
    problem(post("succeed", token_of(kit, purpose), PAID), 401, "unknown_token")


def test_the_token_of_a_machine_opens_no_page(kit: Kit) -> None:
    kit.open_payment()
    token = token_of(kit)
    assert call(review.handler.handler, "GET", "/review", query={"t": token}).status == 404
    assert call(review.handler.handler, "GET", "/inbox", query={"t": token}).status == 404


@pytest.mark.parametrize("spelling", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_in_any_case(kit: Kit, spelling: str) -> None:
    kit.open_payment()
    assert post("succeed", "", PAID, authorization=f"{spelling} {token_of(kit)}").status == 200


# Bad input


@pytest.mark.parametrize(
    ("route", "body", "status", "code"),
    [
        ("succeed", b"paid", 400, "malformed"),
        ("fail", b"[]", 400, "contract"),
        ("fail", {"code": ""}, 400, "contract"),
        ("succeed", b" " * (MAX_BODY_BYTES + 1), 413, "body_too_large"),
        ("fail", {"code": "c", "data": "é" * 100_001}, 413, "body_too_large"),
    ],
    ids=["no JSON", "no object", "another form", "a body over the cap", "more than a checkpoint holds"],
)
def test_what_is_no_answer_is_refused_and_not_recorded(kit: Kit, route: str, body: Any, status: int, code: str) -> None:
    kit.open_payment()
    token = token_of(kit)
    before = kit.items()
    problem(post(route, token, body), status, code)
    assert kit.items() == before


def test_without_a_token_nothing_of_a_body_is_read(kit: Kit) -> None:
    problem(post("succeed", any_token(), b"\xff"), 401, "unknown_token")


def test_an_answer_that_breaks_its_contract_is_422_with_its_place_and_on_record(kit: Kit) -> None:
    kit.open_payment()
    token = token_of(kit)
    document = problem(post("succeed", token, PAID | {"amount": "a secret"}), 422, "answer_refused")
    assert document["pointer"] == "/amount"
    assert "a secret" not in json.dumps(document)
    assert kit.audited(PAYMENT_TASK_ID) == ["opened", "refused"]
    assert post("succeed", token, PAID).status == 200


def test_the_largest_answer_fits_on_its_task_beside_the_largest_payload(kit: Kit) -> None:
    kit.open_payment(correlation=None, answer_contract="", payload=json.dumps({"text": "x" * 199_980}))
    assert post("succeed", token_of(kit), {"text": "x" * 199_980}).status == 200


# Trouble on our side


@pytest.mark.parametrize("route", ROUTES)
def test_a_ledger_that_does_not_answer_is_503_and_the_answer_counts_when_it_is_sent_again(
    kit: Kit, heartbeats: Operation, route: str
) -> None:
    kit.open_payment()
    token = token_of(kit)
    with answering("dynamodb", "GetItem", EndpointConnectionError(endpoint_url="https://dynamodb.example.com")):
        problem(post(route, token, ROUTES[route]), 503, "try_again")
    assert post(route, token, ROUTES[route]).status == 200


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(429, "TooManyRequestsException"), 503),
        (Answer(500, "ServiceException"), 503),
        (Answer(403, "AccessDeniedException"), 503),
        (EndpointConnectionError(endpoint_url="https://lambda.example.com"), 503),
        (Answer(400, "CallbackTimeoutException"), 200),
        (Answer(400, "InvalidParameterValueException"), 200),
        (Answer(404, "ResourceNotFoundException"), 200),
    ],
)
def test_a_heartbeat_of_an_open_task_is_never_told_to_stop(
    kit: Kit, heartbeats: Operation, answer: Any, status: int
) -> None:
    kit.open_payment()
    heartbeats.by_default = answer
    assert post("heartbeat", token_of(kit), b"").status == status
