"""The sweeper function: decisions, deadlines, starts and events that were lost on the way."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from logging import StreamHandler
from urllib.parse import quote

import pytest

import sweeper.handler
from countersign.adapters.attributes import to_item
from countersign.adapters.keys import DUE_SHARDS, PARKED_SHARDS, UNSENT_SHARDS, request_key
from countersign.adapters.task_items import due
from countersign.domain.clock import to_text
from countersign.domain.errors import NotHandledError
from countersign.domain.requests import Request
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    CALLER,
    COMMENT,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_input,
    is_unbroken,
)
from tests.integration.conftest import ALIAS, TABLE, Answer, Kit, Operation, answering

GRACE_SECONDS = 300
LONG_AGO = timedelta(hours=2)


@pytest.fixture(autouse=True)
def _environment_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_ARNS", json.dumps({WORKFLOW: ALIAS}))
    monkeypatch.setenv("GRACE_SECONDS", str(GRACE_SECONDS))
    monkeypatch.setenv("AT_MOST_SECONDS", "240")


def sweep() -> None:
    sweeper.handler.handler({"source": "aws.events", "detail-type": "Scheduled Event"}, None)


def make_due(kit: Kit, task_id: str = TASK_ID) -> None:
    """Let a task have been due two hours ago."""
    name = "expires_at" if kit.task(task_id).status is Status.OPEN else "decided_at"
    kit.set(task_id, name, kit.now - LONG_AGO)
    kit.set(task_id, "gsi1sk", kit.now - LONG_AGO)


def set_on_request(**attribute: str) -> None:
    """Set an attribute of the request's item."""
    ((name, value),) = attribute.items()
    client("dynamodb").update_item(
        TableName=TABLE,
        Key=to_item(request_key(REQUEST_ID)),
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues=to_item({":value": value}),
    )


def decided_and_never_rung(kit: Kit) -> None:
    kit.open_task()
    kit.decide()
    make_due(kit)


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """What the function logs."""
    (handler,) = sweeper.handler.logger.handlers
    assert isinstance(handler, StreamHandler)
    written = StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Return what was counted since the last call, by the metric's name."""
    lines = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    written = [json.loads(line) for line in lines]
    names = [each["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for each in written]
    return {name: each[name][0] for name, each in zip(names, written, strict=True)}


def test_a_decision_whose_ring_was_lost_is_rung_again_and_the_audit_says_so(
    kit: Kit, callbacks: Operation, capsys: pytest.CaptureFixture[str]
) -> None:
    decided_and_never_rung(kit)
    sweep()
    (request,) = callbacks.asked
    assert f"/durable-execution-callbacks/{quote(CALLBACK_ID, safe='')}/succeed" in request.url
    assert [entry.event.event for entry in kit.audit()][-2:] == ["swept", "rung"]
    assert {entry.event.actor for entry in kit.audit()[-2:]} == {"sweeper"}
    assert is_unbroken(kit.audit(), kit.task().audit_head, kit.task().audit_seq)
    assert counted(capsys) == {"Mended": 1}


@pytest.mark.parametrize(("decided", "metric"), [(True, "DecisionsOverdue"), (False, "DeadlinesOverdue")])
def test_what_a_ring_has_not_mended_is_counted_by_every_sweep_and_rung_no_more(
    kit: Kit, callbacks: Operation, capsys: pytest.CaptureFixture[str], decided: bool, metric: str
) -> None:
    kit.open_task(sent_at=kit.now)
    if decided:
        kit.decide()
    make_due(kit)
    sweep()
    for name in ("swept_at", "gsi1sk"):
        kit.set(TASK_ID, name, to_text(kit.now - timedelta(seconds=GRACE_SECONDS)))
    counted(capsys)
    before = kit.items()
    sweep()
    sweep()
    assert counted(capsys) == {metric: 1}
    assert kit.items() == before
    assert len(callbacks.asked) == 1


@pytest.mark.parametrize(
    ("answer", "rings"),
    [
        (Answer(document={"Status": "PAUSED"}), 0),
        (Answer(document={"Status": "RUNNING"}), 1),
        (Answer(document={"Status": "DELETING"}), 1),
        (Answer(404, "ResourceNotFoundException"), 1),
        (Answer(429, "TooManyRequestsException"), 1),
    ],
)
def test_only_an_execution_that_lambda_calls_paused_is_left_alone(
    kit: Kit, callbacks: Operation, capsys: pytest.CaptureFixture[str], answer: Answer, rings: int
) -> None:
    decided_and_never_rung(kit)
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), kit.now)
    kit.ledger.started(REQUEST_ID, f"{ALIAS.removesuffix('live')}7/durable-execution/{REQUEST_ID}/1")
    with answering("lambda", "GetDurableExecution", answer):
        sweep()
    assert len(callbacks.asked) == rings
    assert counted(capsys) == ({"Mended": 1} if rings else {})


def test_a_request_whose_start_was_lost_is_started_again_under_its_name_and_as_it_was_asked_for(
    kit: Kit, invocations: Operation, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = Request(REQUEST_ID, WORKFLOW, "5" * 64, CALLER, deadline_seconds=600, input=any_input())
    kit.ledger.submit(lost, kit.now - LONG_AGO)
    sweep()
    (invocation,), (payload,) = invocations.asked, invocations.documents
    assert invocation.headers["X-Amz-Durable-Execution-Name"] == REQUEST_ID.encode()
    asked = {"request_id": REQUEST_ID, "workflow": WORKFLOW, "submitted_by": CALLER}
    assert payload == asked | {"input": any_input(deadline_seconds=600)}
    request = kit.ledger.request(REQUEST_ID)
    assert request
    assert (request.status, request.input) == ("running", None)
    assert counted(capsys) == {"Mended": 1}
    sweep()
    assert len(invocations.asked) == 1


def test_a_start_that_fails_again_is_counted_now_and_by_every_later_sweep(
    kit: Kit, invocations: Operation, capsys: pytest.CaptureFixture[str]
) -> None:
    invocations.by_default = Answer(404, "ResourceNotFoundException")
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW, input=any_input()), kit.now - LONG_AGO)
    sweep()
    assert counted(capsys) == {"StartsOverdue": 1}
    asked = len(invocations.asked)
    set_on_request(swept_at=to_text(kit.now - LONG_AGO))
    sweep()
    assert counted(capsys) == {"StartsOverdue": 1}
    assert len(invocations.asked) == asked


def test_more_than_one_page_is_looked_through(kit: Kit, callbacks: Operation) -> None:
    names = [f"order-{number}.approval" for number in range(100)]
    of_one_shard = [name for name in names if due(name, kit.now)["gsi1pk"] == DUE_SHARDS[0]][:5]
    for name in of_one_shard:  # a page of DynamoDB's has a megabyte
        kit.open_task(task_id=name, title="x" * 300_000, expires_at=kit.now - LONG_AGO, sent_at=kit.now)
    with answering("dynamodb", "Query") as queries:
        sweep()
    assert len(callbacks.asked) == 5
    assert len(queries.asked) == len(DUE_SHARDS + UNSENT_SHARDS + PARKED_SHARDS) + 1


def test_a_ledger_that_does_not_answer_fails_the_sweep_without_a_word_of_why_in_the_error(kit: Kit) -> None:
    with answering("dynamodb", "Query", Answer(500, "InternalServerError")), pytest.raises(NotHandledError):
        sweep()


def test_a_log_names_what_was_found_and_nothing_secret(kit: Kit, callbacks: Operation, logged: StringIO) -> None:
    kit.open_task()
    kit.decide(comment=COMMENT)
    make_due(kit)
    callbacks.by_default = Answer(400, "InvalidParameterValueException")
    sweep()
    (entry,) = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert (entry["lost"], entry["about"], entry["mended"]) == ("decision", TASK_ID, False)
    for secret in (CALLBACK_ID, COMMENT, APPROVER):
        assert secret not in logged.getvalue()
