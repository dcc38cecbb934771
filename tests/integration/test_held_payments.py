"""The held_payments function: one request to the operators for each held event."""

from typing import Any

import pytest

from countersign.contracts import envelope
from countersign.domain.requests import Request
from countersign.services.held_payments import request_of
from held_payments.handler import handler
from tests.held import EVENT, PAYMENT, any_event, any_payment
from tests.integration.conftest import ALIAS, Answer, Kit, Operation, on_queue
from tests.integration.output import Output

HELD: dict[str, Any] = envelope.held(any_payment(), any_event(), "amount")
REQUEST = request_of(HELD)["request_id"]

run = on_queue(handler)


@pytest.fixture(autouse=True)
def _environment_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_ARN", ALIAS.replace("order-approval", "held-payment"))
    monkeypatch.setenv("DEADLINE_SECONDS", "600")


def test_a_held_event_starts_the_held_payment_workflow_and_logs_ids_and_the_reason_only(
    kit: Kit, invocations: Operation, output: Output
) -> None:
    assert run(HELD) == []
    (invocation,) = invocations.asked
    assert "held-payment%3Alive" in invocation.url
    assert invocation.headers["X-Amz-Durable-Execution-Name"] == REQUEST.encode()
    (payload,) = invocations.documents
    assert payload["input"] == {"task_id": PAYMENT, "event_id": EVENT, "deadline_seconds": 600}
    request = kit.ledger.request(REQUEST)
    assert request
    assert (request.workflow, request.submitted_by, request.status) == ("held-payment", "settlements", "running")
    written = output.new()
    assert [entry["reason"] for entry in written.entries] == ["amount"]
    assert not any(secret in written.text for secret in ("25.00", "own words", "pi_1"))


def test_a_message_whose_start_fails_and_one_that_is_no_envelope_go_back_to_the_queue(
    kit: Kit, invocations: Operation
) -> None:
    taken, invocations.by_default = invocations.by_default, Answer(429, "TooManyRequestsException")
    assert run("not JSON", HELD) == ["message-0", "message-1"]
    invocations.by_default = taken
    assert run("not JSON", HELD) == ["message-0"]
    request = kit.ledger.request(REQUEST)
    assert request
    assert request.status == "running"


def test_an_event_whose_request_id_is_taken_goes_back_to_the_queue(kit: Kit, invocations: Operation) -> None:
    kit.ledger.submit(Request(REQUEST, "order-approval"), kit.now)
    assert (run(HELD), invocations.asked) == (["message-0"], [])
