"""Every line that a function logs names the request, the task and the execution it is about, and never those before."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

import approver.handler
import executions.handler
import held_payments.handler
import publisher.handler
import relay.handler
from countersign.contracts import envelope
from countersign.testing.builders import (
    REQUEST_ID,
    TASK_ID,
    any_envelope,
    execution_arn,
    sqs_event,
    status_change,
    stream_event,
)
from review.handler import handler as review_handler
from tests.held import PAYMENT, any_event, any_payment
from tests.integration.conftest import ALIAS, Answer, Kit, Operation, call

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log, as CloudWatch gets it."""
    written = io.StringIO()
    stream = next(iter(logging.getLogger("service_undefined").handlers))
    assert isinstance(stream, logging.StreamHandler)
    before = stream.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    if before:
        stream.setStream(before)


@pytest.fixture(autouse=True)
def _environment_of_held_payments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_ARN", ALIAS.replace("order-approval", "held-payment"))
    monkeypatch.setenv("DEADLINE_SECONDS", "600")


def ids(line: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(line.get(name) for name in ("request_id", "task_id", "execution_arn"))


def a_ring(kit: Kit) -> None:
    kit.open_task()
    kit.decide()
    relay.handler.handler(stream_event(*kit.decisions()), None)


def a_new_status(kit: Kit) -> None:
    kit.open_task()
    (record,) = (each for each in kit.stream() if each["dynamodb"]["Keys"]["sk"]["S"] == "TASK")
    publisher.handler.handler(stream_event(record), None)


def a_delivery(kit: Kit) -> None:
    kit.open_task()
    approver.handler.handler(sqs_event(any_envelope()), None)


def an_end(kit: Kit) -> None:
    executions.handler.handler(sqs_event(status_change("FAILED")), None)


def a_held_payment(kit: Kit) -> None:
    held_payments.handler.handler(sqs_event(envelope.held(any_payment(), any_event(), "amount")), None)


def a_click(kit: Kit) -> None:
    kit.open_task()
    form = urlencode({"t": kit.link(), "decision": "approve", "shown": "something else"})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    call(review_handler, "POST", "/review", body=form, headers=headers)


OF_TASK = (REQUEST_ID, TASK_ID, None)
SCENES: list[tuple[Callable[[Kit], None], tuple[str | None, ...]]] = [
    (a_ring, OF_TASK),
    (a_new_status, OF_TASK),
    (a_delivery, OF_TASK),
    (a_held_payment, (PAYMENT.partition(".")[0], PAYMENT, None)),
    (an_end, (REQUEST_ID, None, execution_arn())),
    (a_click, OF_TASK),
]


@pytest.fixture
def outside(callbacks: Operation, events: Operation, mails: Operation, invocations: Operation) -> list[Operation]:
    """All that functions call beside the ledger."""
    return [callbacks, events, mails, invocations]


@pytest.mark.parametrize(("act", "about"), SCENES)
def test_a_line_names_what_it_is_about(
    kit: Kit, outside: list[Operation], lines: Lines, act: Callable[[Kit], None], about: tuple[str | None, ...]
) -> None:
    act(kit)
    assert lines()
    assert {ids(line) for line in lines()} == {about}


@pytest.mark.parametrize(("act", "about"), [scene for scene in SCENES if scene[0] not in (an_end, a_click)])
def test_a_line_that_tells_of_a_failure_names_it_too(
    kit: Kit, outside: list[Operation], lines: Lines, act: Callable[[Kit], None], about: tuple[str | None, ...]
) -> None:
    for operation in outside:
        operation.by_default = Answer(500, "ServiceException")
    act(kit)
    failures = [line for line in lines() if line["level"] == "ERROR"]
    assert failures
    assert {ids(line) for line in failures} == {about}


def test_a_line_does_not_name_what_the_record_before_was_about(kit: Kit, mails: Operation, lines: Lines) -> None:
    kit.open_task()
    approver.handler.handler(sqs_event(any_envelope(), "not JSON"), None)
    assert [ids(line) for line in lines()] == [OF_TASK, (None, None, None)]


def test_nor_what_the_invocation_before_was_about(kit: Kit, lines: Lines) -> None:
    a_click(kit)
    call(review_handler, "GET", "/review", query={"t": "nobody's"})
    assert [ids(line) for line in lines()] == [OF_TASK, (None, None, None)]
