"""Every log line has the ids of the request, task or execution that it concerns, and none of the record before."""

from collections.abc import Callable
from typing import Any

import pytest

import approver.handler
import executions.handler
import held_payments.handler
import publisher.handler
import relay.handler
from countersign.contracts import envelope
from countersign.domain import tasks
from countersign.testing.builders import (
    REQUEST_ID,
    TASK_ID,
    any_envelope,
    execution_arn,
    sqs_event,
    status_change,
    stream_event,
)
from tests.held import PAYMENT, PAYMENT_REQUEST, any_event, any_payment
from tests.integration.conftest import ALIAS, Answer, Kit, Operation, click, look
from tests.integration.output import Output

Ids = tuple[str | None, ...]


@pytest.fixture(autouse=True)
def _environment_of_held_payments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_ARN", ALIAS.replace("order-approval", "held-payment"))
    monkeypatch.setenv("DEADLINE_SECONDS", "600")


def ids(entry: dict[str, Any]) -> Ids:
    return tuple(entry.get(name) for name in ("request_id", "task_id", "execution_arn"))


def ring(kit: Kit) -> None:
    kit.open_task()
    kit.decide()
    relay.handler.handler(stream_event(*kit.decisions()), None)


def publish(kit: Kit) -> None:
    kit.open_task()
    kit.ledger.commit(tasks.withdraw(kit.task(), "olga", "ordered twice", kit.now))
    records = [each for each in kit.stream() if each["dynamodb"]["Keys"]["sk"]["S"] == "TASK"]
    publisher.handler.handler(stream_event(*records), None)


def deliver(kit: Kit) -> None:
    kit.open_task()
    approver.handler.handler(sqs_event(any_envelope()), None)


def vote(kit: Kit) -> None:
    kit.open_task()
    click(kit, kit.link(), shown="something else")


ENDED, HELD = status_change("FAILED"), envelope.held(any_payment(), any_event(), "amount")
OF_TASK = (REQUEST_ID, TASK_ID, None)
FAILING: dict[Callable[[Kit], object], Ids] = {
    **dict.fromkeys((ring, publish, deliver), OF_TASK),
    lambda kit: held_payments.handler.handler(sqs_event(HELD), None): (PAYMENT_REQUEST, PAYMENT, None),
}
"""The scenes that call a service besides the ledger."""

SCENES: dict[Callable[[Kit], object], Ids] = {
    lambda kit: executions.handler.handler(sqs_event(ENDED), None): (REQUEST_ID, None, execution_arn()),
    vote: OF_TASK,
}


@pytest.fixture
def services(callbacks: Operation, events: Operation, mails: Operation, invocations: Operation) -> list[Operation]:
    """The services besides the ledger."""
    return [callbacks, events, mails, invocations]


CASES = [*((act, ids, False) for act, ids in (FAILING | SCENES).items()), *((*each, True) for each in FAILING.items())]


@pytest.mark.parametrize(("act", "expected", "fails"), CASES)
def test_a_line_has_the_ids_and_one_about_a_failure_too(
    kit: Kit, services: list[Operation], output: Output, act: Callable[[Kit], object], expected: Ids, fails: bool
) -> None:
    for operation in services if fails else ():
        operation.by_default = Answer(500, "ServiceException")
    act(kit)
    entries = [entry for entry in output.new().entries if entry["level"] == "ERROR" or not fails]
    assert {ids(entry) for entry in entries} == {expected}


def test_the_ids_end_with_their_record_and_with_their_invocation(kit: Kit, mails: Operation, output: Output) -> None:
    kit.open_task()
    approver.handler.handler(sqs_event(any_envelope(), "not JSON"), None)
    click(kit, kit.link(), shown="something else")
    look("unknown")
    assert [ids(entry) for entry in output.new().entries] == [OF_TASK, (None, None, None)] * 2
