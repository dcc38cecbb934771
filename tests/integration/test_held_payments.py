"""The held_payments function: a held event from the bus becomes one request, however often it comes."""

from typing import Any

import pytest

import held_payments.handler
from countersign.contracts import envelope
from countersign.services.held_payments import request_of
from countersign.testing.builders import sqs_event
from tests.held import EVENT, PAYMENT, any_event, any_payment
from tests.integration.conftest import ALIAS, Answer, Kit, Operation

WORKFLOW_ARN = ALIAS.replace("order-approval", "held-payment")


@pytest.fixture(autouse=True)
def _environment_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_ARN", WORKFLOW_ARN)
    monkeypatch.setenv("DEADLINE_SECONDS", "600")


def announced(**changes: Any) -> dict[str, Any]:
    return envelope.held(any_payment(), any_event(**changes), "amount")


def run(*bodies: str | dict[str, Any]) -> list[str]:
    """Hand messages to the function and return the ids of those to be tried again."""
    failures = held_payments.handler.handler(sqs_event(*bodies), None)["batchItemFailures"]
    return [failure["itemIdentifier"] for failure in failures]


def test_a_held_event_starts_the_workflow_that_asks_the_operators(kit: Kit, invocations: Operation) -> None:
    assert run(announced()) == []
    asked = request_of(announced())
    (invocation,) = invocations.asked
    assert "held-payment%3Alive" in invocation.url
    assert invocation.headers["X-Amz-Durable-Execution-Name"] == asked["request_id"].encode()
    (payload,) = invocations.documents
    assert payload["input"] == {"task_id": PAYMENT, "event_id": EVENT, "deadline_seconds": 600}
    request = kit.ledger.request(asked["request_id"])
    assert request
    assert (request.workflow, request.submitted_by, request.status) == ("held-payment", "settlements", "running")


def test_an_event_that_is_delivered_again_asks_nobody_again(kit: Kit, invocations: Operation) -> None:
    assert run(announced(), announced()) == []
    assert run(announced()) == []
    assert len(invocations.asked) == 1


def test_a_start_that_lambda_did_not_take_is_tried_again(kit: Kit, invocations: Operation) -> None:
    invocations.answers = [Answer(429, "TooManyRequestsException")] * 20
    assert run(announced()) == ["message-0"]
    invocations.answers = []
    assert run(announced()) == []
    request = kit.ledger.request(request_of(announced())["request_id"])
    assert request
    assert request.status == "running"


def test_a_message_that_is_no_envelope_goes_back_to_the_queue_and_blocks_nothing(
    kit: Kit, invocations: Operation
) -> None:
    assert run("not JSON", announced()) == ["message-0"]
    assert len(invocations.asked) == 1


def test_an_id_that_stands_for_something_else_goes_back_to_the_queue(kit: Kit, invocations: Operation) -> None:
    from countersign.domain.requests import Request

    kit.ledger.submit(Request(request_of(announced())["request_id"], "order-approval"), kit.now)
    assert run(announced()) == ["message-0"]
    assert invocations.asked == []


def test_nothing_of_the_payment_but_ids_and_the_reason_is_logged(
    kit: Kit, invocations: Operation, caplog: pytest.LogCaptureFixture
) -> None:
    run(announced())
    (record,) = [record for record in caplog.records if record.name == held_payments.handler.logger.name]
    assert vars(record)["reason"] == "amount"
    assert all(secret not in str(vars(record)) for secret in ("25.00", "own words", "pi_1"))
