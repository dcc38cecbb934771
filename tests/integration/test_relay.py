"""The relay: every decision rings once, whatever Lambda answers and whenever the function dies."""

from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from countersign.adapters.callbacks import ATTEMPTS, CallbackDoorbell
from countersign.domain import answers
from countersign.domain.answers import Sender
from countersign.domain.errors import CallbackUnavailableError
from countersign.domain.tasks import Failure, Status
from countersign.functions.clients import client
from countersign.testing.builders import (
    CALLBACK_ID,
    PAYMENT_TASK_ID,
    TASK_ID,
    is_unbroken,
    sequence_numbers,
    stream_event,
)
from relay.handler import handler
from tests.integration.conftest import Answer, Kit, Operation, Reaction, answering

URL = "https://lambda.eu-central-1.amazonaws.com"
CLOSED = Answer(400, "CallbackTimeoutException")
GONE = Answer(404, "ResourceNotFoundException")
UNKNOWN = Answer(400, "InvalidParameterValueException")
DENIED = Answer(403, "AccessDeniedException")
THROTTLED = Answer(429, "TooManyRequestsException")
BUSY: list[Reaction] = [
    THROTTLED,
    Answer(500, "ServiceException"),
    Answer(503, "ServiceUnavailable"),
    Answer(400, "ThrottlingException"),
    Answer(502, "KMSAccessDeniedException"),
    Answer(502, "KMSDisabledException"),
    Answer(502, "KMSInvalidStateException"),
    Answer(502, "KMSNotFoundException"),
    ConnectionClosedError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL, error="refused"),
    ReadTimeoutError(endpoint_url=URL),
]


class Killed(BaseException):
    """The function's process ends, here and now."""


def run(*records: dict[str, Any]) -> list[str]:
    """Hand records to the relay and return the sequence numbers of those to be tried again."""
    answer = handler(stream_event(*records), None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def ring_of(kit: Kit, task_id: str = TASK_ID) -> tuple[str, str] | None:
    ring = kit.task(task_id).ring
    return (ring.state, ring.error) if ring else None


def decided(kit: Kit, *task_ids: str) -> list[dict[str, Any]]:
    """Return what the stream says of tasks that have just been decided; each has its own callback."""
    for task_id in task_ids or (TASK_ID,):
        kit.open_task(task_id=task_id, callback_id=CALLBACK_ID if task_id == TASK_ID else f"callback/{task_id}")
        kit.decide(task_id=task_id)
    return kit.decisions()


def as_lambda_does() -> Any:
    """Return what takes each callback once, and tells every later ring that it is over."""
    taken: set[str] = set()

    def answer(request: Any) -> Answer:
        known = request.url in taken
        taken.add(request.url)
        return CLOSED if known else Answer()

    return answer


# Each of Lambda's answers


def test_a_ring_that_lambda_takes_is_delivered_with_nothing_in_it(kit: Kit, callbacks: Operation) -> None:
    assert run(*decided(kit)) == []
    (request,) = callbacks.asked
    assert f"/durable-execution-callbacks/{quote(CALLBACK_ID, safe='')}/succeed" in request.url
    assert not request.body, "the ledger has the answer; the ring carries none"
    assert ring_of(kit) == ("delivered", "")
    assert kit.audited() == ["opened", "voted", "decided", "rung"]
    assert kit.audit()[-1].event.data == {"state": "delivered", "error": ""}
    assert is_unbroken(kit.audit(), kit.task().audit_head, kit.task().audit_seq)


@pytest.mark.parametrize(
    ("answer", "state"),
    [(CLOSED, "closed"), (UNKNOWN, "failed"), (GONE, "failed"), (DENIED, "failed"), (Answer(400, "Unheard"), "failed")],
    ids=lambda value: getattr(value, "code", value),
)
def test_an_answer_that_is_final_is_kept_and_not_tried_again(
    kit: Kit, callbacks: Operation, capsys: pytest.CaptureFixture[str], answer: Answer, state: str
) -> None:
    callbacks.by_default = answer
    assert run(*decided(kit)) == []
    assert len(callbacks.asked) == 1
    assert ring_of(kit) == (state, answer.code)
    assert kit.task().status is Status.DECIDED
    counted = capsys.readouterr().out
    assert ("RingsFailed" in counted) == (state == "failed"), "the metric that the alarm watches"
    assert ("RingsClosed" in counted) == (state == "closed")


LOST: Reaction = ConnectionClosedError(endpoint_url=URL)
TIMED_OUT: Reaction = ReadTimeoutError(endpoint_url=URL)
BROKEN: Reaction = Answer(500, "ServiceException")


@pytest.mark.parametrize(
    ("before", "last", "ring"),
    [
        *(
            ([uncertain] * tries, GONE, ("closed", "ResourceNotFoundException"))
            for uncertain in (LOST, TIMED_OUT, BROKEN)
            for tries in (1, ATTEMPTS - 1)
        ),
        ([LOST, THROTTLED], GONE, ("closed", "ResourceNotFoundException")),
        ([THROTTLED], GONE, ("failed", "ResourceNotFoundException")),
        ([THROTTLED], UNKNOWN, ("failed", "InvalidParameterValueException")),
    ],
    ids=repr,
)
def test_a_callback_that_is_gone_was_closed_by_a_try_before_that_may_have_arrived_and_by_no_other(
    kit: Kit, callbacks: Operation, before: list[Reaction], last: Answer, ring: tuple[str, str]
) -> None:
    callbacks.answers, callbacks.by_default = before, last
    assert run(*decided(kit)) == []
    assert ring_of(kit) == ring


def test_a_callback_id_that_cannot_even_be_sent_is_a_failure_and_not_tried_again(
    kit: Kit, callbacks: Operation
) -> None:
    kit.open_task(callback_id="")
    kit.decide()
    assert run(*kit.decisions()) == []
    assert ring_of(kit) == ("failed", "ParamValidationError")
    assert callbacks.asked == []


@pytest.mark.parametrize("busy", BUSY, ids=repr)
def test_a_lambda_that_is_busy_is_tried_again_within_bounds_and_then_by_the_stream(
    kit: Kit, callbacks: Operation, busy: Reaction
) -> None:
    records = decided(kit)
    callbacks.by_default = busy
    assert run(*records) == sequence_numbers(stream_event(*records))
    assert len(callbacks.asked) == ATTEMPTS, "the doorbell's own attempts, and none of botocore's"
    assert ring_of(kit) is None
    callbacks.by_default = Answer()
    assert run(*records) == []
    assert ring_of(kit) == ("delivered", "")


def test_the_doorbell_pauses_between_its_attempts_and_not_after_the_last(kit: Kit, callbacks: Operation) -> None:
    pauses: list[float] = []
    callbacks.by_default = THROTTLED
    with pytest.raises(CallbackUnavailableError):
        CallbackDoorbell(client("lambda", attempts=1), pauses.append).ring(CALLBACK_ID, kit.now)
    assert len(pauses) == ATTEMPTS - 1


def test_a_machine_s_failure_rings_as_a_failure(kit: Kit, callbacks: Operation) -> None:
    change = answers.fail(kit.open_payment(), Failure("broken"), Sender("worker", "callback token"), kit.now)
    assert change
    kit.ledger.commit(change)
    with answering("lambda", "SendDurableExecutionCallbackFailure", Answer()) as failures:
        assert run(*kit.decisions()) == []
    assert (len(failures.asked), callbacks.asked) == (1, [])
    assert ring_of(kit, PAYMENT_TASK_ID) == ("delivered", "")


# Batches


def test_a_ring_that_fails_never_blocks_the_other_records_of_its_batch(kit: Kit, callbacks: Operation) -> None:
    records = decided(kit, "a.throttled", "b.fine")
    callbacks.by_default = lambda request: THROTTLED if "a.throttled" in request.url else Answer()
    assert run(*records) == [records[0]["dynamodb"]["SequenceNumber"]]
    assert [ring_of(kit, task_id) for task_id in ("a.throttled", "b.fine")] == [None, ("delivered", "")]


# Killed


def test_a_relay_killed_between_the_ring_and_its_record_rings_lambda_once(kit: Kit, callbacks: Operation) -> None:
    records = decided(kit)
    callbacks.by_default = as_lambda_does()
    with answering("dynamodb", "TransactWriteItems", lambda _: kill()), pytest.raises(Killed):
        run(*records)
    assert ring_of(kit) is None
    assert run(*records) == []
    assert ring_of(kit) == ("closed", "CallbackTimeoutException"), "the first ring had arrived; the record says so"
    assert kit.audited().count("rung") == 1


def kill() -> None:
    raise Killed


# Around it


def test_the_stream_wakes_the_relay_for_a_decision_and_not_for_its_own_writes(kit: Kit, callbacks: Operation) -> None:
    run(*decided(kit))
    assert kit.decisions() == []


def test_the_callback_that_rings_is_the_newest_at_the_decision(kit: Kit, callbacks: Operation) -> None:
    kit.open_task()
    kit.ledger.refresh(TASK_ID, "callback-2")
    kit.decide()
    run(*kit.decisions())
    assert "/durable-execution-callbacks/callback-2/succeed" in callbacks.asked[0].url
