"""The sweeper function: metrics and logs of what it repairs, and of what stays overdue."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

import sweeper.handler
from countersign.adapters.keys import DUE_SHARDS, PARKED_SHARDS, RESERVED_SHARDS, UNSENT_SHARDS
from countersign.domain import tasks
from countersign.domain.clock import to_text
from countersign.domain.errors import NotHandledError
from countersign.domain.requests import Request
from countersign.domain.tasks import Status
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    COMMENT,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_input,
    is_unbroken,
)
from tests.integration.conftest import ALIAS, Answer, Kit, Operation, answering
from tests.integration.output import Output

GRACE_SECONDS = 300
LONG_AGO = timedelta(hours=2)


@pytest.fixture(autouse=True)
def _environment_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRACE_SECONDS", str(GRACE_SECONDS))
    monkeypatch.setenv("AT_MOST_SECONDS", "240")


def sweep() -> None:
    sweeper.handler.handler({"source": "aws.events", "detail-type": "Scheduled Event"}, None)


def make_overdue(kit: Kit) -> None:
    """Make the task due two hours ago."""
    name = "expires_at" if kit.task().status is Status.OPEN else "decided_at"
    kit.set(TASK_ID, name, kit.now - LONG_AGO)
    kit.set(TASK_ID, "gsi1sk", kit.now - LONG_AGO)


def decide_long_ago(kit: Kit) -> None:
    kit.open_task()
    kit.decide(comment=COMMENT)
    make_overdue(kit)


def test_a_decision_whose_ring_was_lost_is_rung_again_audited_and_counted(
    kit: Kit, callbacks: Operation, output: Output
) -> None:
    decide_long_ago(kit)
    sweep()
    (request,) = callbacks.asked
    assert f"/durable-execution-callbacks/{quote(CALLBACK_ID, safe='')}/succeed" in request.url
    done = [("swept", "sweeper"), ("rung", "sweeper")]
    assert [(entry.event.event, entry.event.actor) for entry in kit.audit()][-2:] == done
    assert is_unbroken(kit.audit(), kit.task().audit_head, kit.task().audit_seq)
    assert output.new().counts == {"Mended": 1}


@pytest.mark.parametrize(("decided", "metric"), [(True, "DecisionsOverdue"), (False, "DeadlinesOverdue")])
def test_a_task_that_stays_overdue_after_its_ring_is_counted_by_every_sweep_and_rung_no_more(
    kit: Kit, callbacks: Operation, output: Output, decided: bool, metric: str
) -> None:
    kit.open_task(sent_at=kit.now)
    if decided:
        kit.decide()
    make_overdue(kit)
    sweep()
    for name in ("swept_at", "gsi1sk"):
        kit.set(TASK_ID, name, to_text(kit.now - timedelta(seconds=GRACE_SECONDS)))
    output.new()
    before = kit.items()
    for _ in range(2):
        sweep()
        assert output.new().counts == {metric: 1}
    assert (kit.items(), len(callbacks.asked)) == (before, 1)


OTHERWISE = [
    *(Answer(document={"Status": status}) for status in ("RUNNING", "DELETING")),
    *(Answer(404, "ResourceNotFoundException"), Answer(429, "TooManyRequestsException")),
]


@pytest.mark.parametrize(
    ("answer", "rings"), [(Answer(document={"Status": "PAUSED"}), 0), *((answer, 1) for answer in OTHERWISE)]
)
def test_only_an_execution_that_lambda_calls_paused_is_left_alone(
    kit: Kit, callbacks: Operation, output: Output, answer: Answer, rings: int
) -> None:
    decide_long_ago(kit)
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), kit.now)
    kit.ledger.started(REQUEST_ID, f"{ALIAS.removesuffix('live')}7/durable-execution/{REQUEST_ID}/1")
    with answering("lambda", "GetDurableExecution", answer):
        sweep()
    assert (len(callbacks.asked), output.new().counts) == (rings, {"Mended": 1} if rings else {})


def test_a_start_that_fails_again_is_counted(kit: Kit, invocations: Operation, output: Output) -> None:
    invocations.by_default = Answer(404, "ResourceNotFoundException")
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW, input=any_input()), kit.now - LONG_AGO)
    sweep()
    (invocation,) = invocations.asked
    assert invocation.headers["X-Amz-Durable-Execution-Name"] == REQUEST_ID.encode()
    assert output.new().counts == {"StartsOverdue": 1}


def test_a_sweep_reads_every_shard_and_the_tasks_in_pages(
    kit: Kit, callbacks: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.adapters.dynamodb_ledger._PAGE", 2)
    for number in range(5):
        kit.open_task(task_id=f"order-{number}.approval", expires_at=kit.now - LONG_AGO, sent_at=kit.now)
    with answering("dynamodb", "Query") as queries:
        sweep()
    assert len(callbacks.asked) == 5
    assert len(queries.asked) == len(DUE_SHARDS + UNSENT_SHARDS + RESERVED_SHARDS + PARKED_SHARDS)


def test_a_task_that_is_due_by_an_old_entry_of_the_index_is_left_alone(kit: Kit) -> None:
    change = tasks.close(kit.open_task(expires_at=kit.now - LONG_AGO, sent_at=kit.now), kit.now)
    assert change

    def close(_: Any) -> None:
        kit.ledger.commit(change)

    with answering("dynamodb", "BatchGetItem", close):
        assert list(kit.ledger.overdue(kit.now)) == []


def test_without_the_ledger_the_sweep_fails_by_an_error_without_its_text(kit: Kit) -> None:
    with answering("dynamodb", "Query", Answer(500, "InternalServerError")), pytest.raises(NotHandledError):
        sweep()


def test_the_log_names_the_finding_and_no_secret(kit: Kit, callbacks: Operation, output: Output) -> None:
    decide_long_ago(kit)
    callbacks.by_default = Answer(400, "InvalidParameterValueException")
    sweep()
    written = output.new()
    (entry,) = written.entries
    assert (entry["lost"], entry["about"], entry["mended"]) == ("decision", TASK_ID, False)
    assert not any(secret in written.text for secret in (CALLBACK_ID, COMMENT, APPROVER))
