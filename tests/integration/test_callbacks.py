"""`POST /callbacks/succeed|fail|heartbeat`: each status of the contract."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from countersign.adapters.kms import KmsCipher
from countersign.domain import tokens
from countersign.domain.answers import document_of
from countersign.domain.links import Link, Purpose
from countersign.domain.questions import Collecting
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import MAX_ANSWERS, Status, encryption_context
from countersign.functions.clients import client
from countersign.testing.builders import PAYMENT_TASK_ID, any_token, is_unbroken
from tests.integration.conftest import Answer, Kit, Operation, Page, answering, assert_problem, call
from tests.integration.output import Output
from webhook.handler import handler

PAID = {"status": "paid", "amount": "250.00", "currency": "EUR"}
FAILURE = {"code": "declined", "message": "No funds", "data": {"try": 2}}
ROUTES = {"succeed": PAID, "fail": FAILURE, "heartbeat": {}}
NO_MONEY = {"correlation": None, "answer_contract": ""}


@pytest.fixture
def heartbeats(aws: None) -> Iterator[Operation]:
    """Lambda's heartbeat API, which accepts every heartbeat by default."""
    with answering("lambda", "SendDurableExecutionCallbackHeartbeat", Answer()) as operation:
        yield operation


def token_of(kit: Kit, purpose: Purpose = Purpose.CALLBACK, *, channel: str = "") -> str:
    token, fingerprint = tokens.mint()
    kit.ledger.put_link(Link(fingerprint, PAYMENT_TASK_ID, channel, purpose), kit.now + timedelta(hours=1))
    return token


def post(route: str, token: str, body: Any, **headers: str) -> Page:
    raw = body if isinstance(body, bytes | str) else json.dumps(body)
    return call(
        handler, "POST", f"/callbacks/{route}", body=raw, headers={"authorization": f"Bearer {token}"} | headers
    )


# Answers


@pytest.mark.parametrize(("channel", "by"), [("", "worker"), ("sms", "sms")])
def test_an_answer_is_recorded_once_with_the_channel_and_the_network_of_its_sender(
    kit: Kit, channel: str, by: str
) -> None:
    kit.open_payment()
    token = token_of(kit, channel=channel)
    assert [post("succeed", token, PAID).document["status"] for _ in range(2)] == ["recorded", "duplicate"]
    task = kit.task(PAYMENT_TASK_ID)
    assert (task.outcome, task.decided_by, document_of(task)["amount"]) == (Outcome.ANSWERED, (by,), "250.00")
    assert kit.audit(PAYMENT_TASK_ID)[-1].event.source == "203.0.113.0/24"
    assert is_unbroken(kit.audit(PAYMENT_TASK_ID), task.audit_head, task.audit_seq)


UNDECIDED = [({"status": "pending"}, 202, "pending"), ({"status": "declined"}, 202, "declined")]


@pytest.mark.parametrize(("answer", "status", "handling"), [*UNDECIDED, ({"amount": "1"}, 200, "held")], ids=str)
def test_an_answer_that_does_not_decide_has_its_status(
    kit: Kit, answer: dict[str, str], status: int, handling: str
) -> None:
    kit.open_payment()
    page = post("succeed", token_of(kit), PAID | answer)
    assert (page.status, page.document["status"]) == (status, handling)
    assert kit.task(PAYMENT_TASK_ID).status is Status.OPEN


def test_a_heartbeat_changes_only_its_time_on_the_task(kit: Kit, heartbeats: Operation) -> None:
    task = kit.open_payment()
    token, key = token_of(kit), (f"TASK#{PAYMENT_TASK_ID}", "TASK")
    before = kit.items()
    assert post("heartbeat", token, b"").document == {"status": "alive"}
    (request,) = heartbeats.asked
    assert task.callback_id[:8] in request.url
    after = kit.items()
    assert after.pop(key)["heartbeat_at"]
    assert after == {other: item for other, item in before.items() if other != key}


def test_the_reply_names_the_documents_that_are_missing(kit: Kit) -> None:
    kit.open_payment(**NO_MONEY, collecting=Collecting("kind", ("a", "b")))
    token = token_of(kit)
    first, unknown, last = (post("succeed", token, {"kind": kind}) for kind in "bza")
    assert (first.status, first.document) == (202, {"status": "pending", "missing": ["a"]})
    assert (unknown.status, unknown.document["errors"][0]["pointer"]) == (422, "/kind")
    assert (last.status, last.document) == (200, {"status": "recorded"})


def test_an_encrypted_answer_is_written_nowhere_in_clear_and_decrypted_for_its_task(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    key: str = client("kms").create_key()["KeyMetadata"]["KeyId"]
    monkeypatch.setenv("ANSWERS_KEY", key)
    kit.open_payment(**NO_MONEY, encrypted=True)
    token = token_of(kit)
    assert post("succeed", token, {"pin": "x" * 4096}).status == 413
    assert [post("succeed", token, {"pin": pin}).status for pin in ("4711-pin", "4711-pin", "other")] == [200, 200, 409]
    assert "4711-pin" not in repr(kit.items()) + output.new().text
    sealed = json.loads(kit.task(PAYMENT_TASK_ID).answer)["ciphertext"]
    plain = KmsCipher(client("kms"), key).decrypt(sealed, encryption_context(PAYMENT_TASK_ID))
    assert json.loads(plain) == {"pin": "4711-pin"}


def test_the_largest_answer_fits_on_its_task_beside_the_largest_payload(kit: Kit) -> None:
    kit.open_payment(**NO_MONEY, payload=json.dumps({"text": "x" * 199_980}))
    assert post("succeed", token_of(kit), {"text": "x" * 199_980}).status == 200


# Tokens


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {any_token()}", "Basic TOKEN", "TOKEN", "bearer x TOKEN", "Bearer é"],
)
def test_a_token_that_is_missing_or_unknown_is_401_and_asks_for_one(
    kit: Kit, heartbeats: Operation, authorization: str
) -> None:
    kit.open_payment()
    sent = authorization.replace("TOKEN", token_of(kit))
    before = kit.items()
    for route, body in ROUTES.items():
        assert_problem(post(route, "", body, authorization=sent), 401, "unknown_token")
    assert_problem(post("succeed", "", b"\xff", authorization=sent), 401, "unknown_token")
    assert kit.items() == before


def test_the_token_of_a_page_answers_for_no_machine(kit: Kit) -> None:
    kit.open_payment()
    for purpose in (Purpose.REVIEW, Purpose.INBOX, Purpose.REQUESTER):
        assert_problem(post("succeed", token_of(kit, purpose), PAID), 401, "unknown_token")


@pytest.mark.parametrize("spelling", ["bearer", "BEARER", "Bearer "])
def test_the_word_bearer_is_read_in_any_case(kit: Kit, spelling: str) -> None:
    kit.open_payment()
    assert post("succeed", "", PAID, authorization=f"{spelling} {token_of(kit)}").status == 200


# Refusals and outages


@pytest.mark.parametrize(
    ("route", "body", "status", "code"),
    [
        ("succeed", b"paid", 400, "malformed"),
        ("succeed", b"[]", 400, "contract"),
        ("fail", b"[]", 400, "contract"),
        ("fail", {"code": ""}, 400, "contract"),
        ("succeed", b" " * (MAX_BODY_BYTES + 1), 413, "body_too_large"),
        ("fail", {"code": "c", "data": "é" * 100_001}, 413, "body_too_large"),
    ],
    ids=["not JSON", "a list", "a failure in a list", "an empty code", "over the cap", "more than a checkpoint holds"],
)
def test_a_body_that_is_no_answer_is_refused_and_not_recorded(
    kit: Kit, route: str, body: Any, status: int, code: str
) -> None:
    kit.open_payment()
    token = token_of(kit)
    before = kit.items()
    assert_problem(post(route, token, body), status, code)
    assert kit.items() == before


def test_an_answer_that_breaks_its_contract_is_422_with_the_place_and_without_the_value(kit: Kit) -> None:
    kit.open_payment()
    page = post("succeed", token_of(kit), PAID | {"amount": "a secret"})
    assert_problem(page, 422, "answer_refused", "/amount")
    assert "a secret" not in page.body
    assert kit.audited(PAYMENT_TASK_ID) == ["opened", "refused"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("ended", "status", "code"), [(False, 409, "decided_otherwise"), (True, 410, "closed")])
def test_a_task_that_is_answered_otherwise_or_over_takes_no_answer_and_no_heartbeat(
    kit: Kit, route: str, ended: bool, status: int, code: str
) -> None:
    kit.open_payment()
    token = token_of(kit)
    if ended:
        kit.expire(PAYMENT_TASK_ID)
    else:
        post("fail", token, {"code": "no_funds"})
    assert_problem(post(route, token, ROUTES[route]), status, code)


def test_a_collected_answer_that_was_replaced_too_often_is_409(kit: Kit) -> None:
    kit.open_payment(**NO_MONEY, collecting=Collecting("kind", ("a", "b")), received=("a",), revision=2 * MAX_ANSWERS)
    assert_problem(post("succeed", token_of(kit), {"kind": "a", "page": 2}), 409, "too_many_answers")


@pytest.mark.parametrize("route", ROUTES)
def test_without_the_ledger_an_answer_is_503_and_counts_when_it_is_repeated(
    kit: Kit, heartbeats: Operation, route: str
) -> None:
    kit.open_payment()
    token = token_of(kit)
    with answering("dynamodb", "GetItem", EndpointConnectionError(endpoint_url="https://dynamodb.example.com")):
        assert_problem(post(route, token, ROUTES[route]), 503, "try_again")
    assert post(route, token, ROUTES[route]).status == 200


LAMBDA_ANSWERS: list[tuple[Any, int]] = [
    (EndpointConnectionError(endpoint_url="https://lambda.example.com"), 503),
    *((Answer(429, "TooManyRequestsException"), 503), (Answer(500, "ServiceException"), 503)),
    *((Answer(403, "AccessDeniedException"), 503), (Answer(400, "CallbackTimeoutException"), 200)),
    *((Answer(400, "InvalidParameterValueException"), 200), (Answer(404, "ResourceNotFoundException"), 200)),
]


@pytest.mark.parametrize(("answer", "status"), LAMBDA_ANSWERS)
def test_while_the_task_is_open_no_answer_of_lambda_stops_the_heartbeats(
    kit: Kit, heartbeats: Operation, answer: Any, status: int
) -> None:
    kit.open_payment()
    heartbeats.by_default = answer
    assert post("heartbeat", token_of(kit), b"").status == status
