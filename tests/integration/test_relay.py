"""The relay: each decision completes its callback once, whatever Lambda answers and whenever the function ends."""

from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from countersign.adapters.callbacks import ATTEMPTS, CallbackDoorbell
from countersign.domain import answers, rounds
from countersign.domain.answers import Sender
from countersign.domain.errors import CallbackUnavailableError
from countersign.domain.tasks import Failure, Status
from countersign.functions.clients import client
from countersign.testing.builders import CALLBACK_ID, REQUESTER, TASK_ID, is_unbroken, sequence_numbers, stream_event
from relay.handler import handler
from tests.integration.conftest import Answer, Kit, Operation, Reaction, answering, on_stream, statuses
from tests.integration.output import Output

URL = "https://lambda.eu-central-1.amazonaws.com"
CLOSED = Answer(400, "CallbackTimeoutException")
GONE = Answer(404, "ResourceNotFoundException")
UNKNOWN = Answer(400, "InvalidParameterValueException")
DENIED = Answer(403, "AccessDeniedException")
THROTTLED = Answer(429, "TooManyRequestsException")
LOST: Reaction = ConnectionClosedError(endpoint_url=URL)
TIMED_OUT: Reaction = ReadTimeoutError(endpoint_url=URL)
BROKEN: Reaction = Answer(500, "ServiceException")
UNREACHABLE: Reaction = EndpointConnectionError(endpoint_url=URL, error="refused")
BUSY: list[Reaction] = [
    *(THROTTLED, BROKEN, LOST, TIMED_OUT, UNREACHABLE),
    *(Answer(503, "ServiceUnavailable"), Answer(400, "ThrottlingException")),
    *(Answer(502, f"KMS{fault}Exception") for fault in ("AccessDenied", "Disabled", "InvalidState", "NotFound")),
]

run = on_stream(handler)


class Killed(BaseException):
    """The function's process ends."""


def ring_of(kit: Kit, task_id: str = TASK_ID) -> tuple[str, str] | None:
    ring = kit.task(task_id).ring
    return (ring.state, ring.error) if ring else None


def decided(kit: Kit, *task_ids: str) -> list[dict[str, Any]]:
    """Decide tasks, each with its own callback, and return their stream records."""
    for task_id in task_ids or (TASK_ID,):
        kit.open_task(task_id=task_id, callback_id=CALLBACK_ID if task_id == TASK_ID else f"callback/{task_id}")
        kit.decide(task_id=task_id)
    return kit.decisions()


# Lambda's answers


def test_a_delivered_ring_has_no_payload_and_no_record(kit: Kit, callbacks: Operation) -> None:
    assert run(*decided(kit)) == []
    (request,) = callbacks.asked
    assert f"/durable-execution-callbacks/{quote(CALLBACK_ID, safe='')}/succeed" in request.url
    assert not request.body
    assert ring_of(kit) is None
    assert kit.audited() == ["opened", "voted", "decided"]


def test_a_withdrawal_by_the_requester_is_rung_and_recorded(kit: Kit, callbacks: Operation) -> None:
    task = kit.open_task()
    withdrawal = rounds.withdraw(task, REQUESTER, "Ordered twice", task.shown, "", kit.now)
    assert withdrawal
    kit.ledger.commit(withdrawal)
    (record,) = (each for each in kit.stream() if statuses(each) == ("OPEN", "CANCELLED"))
    assert (run(record), len(callbacks.asked), ring_of(kit)) == ([], 1, ("delivered", ""))


@pytest.mark.parametrize(
    ("answer", "state", "metric"),
    [
        (CLOSED, "closed", "RingsClosed"),
        *((answer, "failed", "RingsFailed") for answer in (UNKNOWN, GONE, DENIED, Answer(400, "NewException"))),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_a_final_answer_is_recorded_counted_and_not_retried(
    kit: Kit, callbacks: Operation, output: Output, answer: Answer, state: str, metric: str
) -> None:
    callbacks.by_default = answer
    assert (run(*decided(kit)), len(callbacks.asked)) == ([], 1)
    assert ring_of(kit) == (state, answer.code)
    assert kit.audit()[-1].event.data == {"state": state, "error": answer.code}
    assert is_unbroken(kit.audit(), kit.task().audit_head, kit.task().audit_seq)
    assert kit.task().status is Status.DECIDED
    assert output.new().counts[metric] == 1


MAY_HAVE_ARRIVED = [[uncertain] * tries for uncertain in (LOST, TIMED_OUT, BROKEN) for tries in (1, ATTEMPTS - 1)]
RINGS = [
    *((before, GONE, ("closed", "ResourceNotFoundException")) for before in (*MAY_HAVE_ARRIVED, [LOST, THROTTLED])),
    ([THROTTLED], GONE, ("failed", "ResourceNotFoundException")),
    ([THROTTLED], UNKNOWN, ("failed", "InvalidParameterValueException")),
]


@pytest.mark.parametrize(("before", "last", "ring"), RINGS, ids=repr)
def test_a_callback_that_is_gone_counts_as_closed_only_after_an_attempt_that_may_have_arrived(
    kit: Kit, callbacks: Operation, before: list[Reaction], last: Answer, ring: tuple[str, str]
) -> None:
    callbacks.answers, callbacks.by_default = before, last
    assert (run(*decided(kit)), ring_of(kit)) == ([], ring)


def test_a_callback_id_that_cannot_be_sent_is_a_failure_and_not_retried(kit: Kit, callbacks: Operation) -> None:
    kit.open_task(callback_id="")
    kit.decide()
    assert run(*kit.decisions()) == []
    assert ring_of(kit) == ("failed", "ParamValidationError")
    assert callbacks.asked == []


@pytest.mark.parametrize("busy", BUSY, ids=repr)
def test_a_busy_lambda_is_retried_within_bounds_and_then_by_the_stream(
    kit: Kit, callbacks: Operation, busy: Reaction
) -> None:
    records = decided(kit)
    callbacks.by_default = busy
    assert run(*records) == sequence_numbers(stream_event(*records))
    assert len(callbacks.asked) == ATTEMPTS, "the doorbell's own attempts, and none of botocore's"
    assert ring_of(kit) is None
    callbacks.by_default = Answer()
    assert run(*records) == []


def test_the_doorbell_pauses_between_its_attempts_and_not_after_the_last(kit: Kit, callbacks: Operation) -> None:
    pauses: list[float] = []
    callbacks.by_default = THROTTLED
    with pytest.raises(CallbackUnavailableError):
        CallbackDoorbell(client("lambda", attempts=1), pauses.append).ring(CALLBACK_ID, kit.now)
    assert len(pauses) == ATTEMPTS - 1


def test_the_failure_of_a_machine_rings_as_a_failure(kit: Kit, callbacks: Operation) -> None:
    change = answers.fail(kit.open_payment(), Failure("broken"), Sender("worker", "callback token"), kit.now)
    assert change
    kit.ledger.commit(change)
    with answering("lambda", "SendDurableExecutionCallbackFailure", Answer()) as failures:
        assert run(*kit.decisions()) == []
    assert (len(failures.asked), callbacks.asked) == (1, [])


# Batches and crashes


def test_a_ring_that_fails_never_blocks_the_other_records_of_its_batch(kit: Kit, callbacks: Operation) -> None:
    records = decided(kit, "a.throttled", "b.fine")
    callbacks.by_default = lambda request: THROTTLED if "a.throttled" in request.url else Answer()
    assert run(*records) == [records[0]["dynamodb"]["SequenceNumber"]]
    assert len([request for request in callbacks.asked if "b.fine" in request.url]) == 1


def test_a_relay_killed_between_the_ring_and_its_record_records_the_next_ring(kit: Kit, callbacks: Operation) -> None:
    def kill(_: Any) -> None:
        raise Killed

    records = decided(kit)
    callbacks.by_default = CLOSED
    with answering("dynamodb", "TransactWriteItems", kill), pytest.raises(Killed):
        run(*records)
    assert ring_of(kit) is None
    assert run(*records) == []
    assert ring_of(kit) == ("closed", "CallbackTimeoutException")
    assert kit.audited().count("rung") == 1
