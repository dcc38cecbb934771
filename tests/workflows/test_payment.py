"""The payment workflow, and `await_result` under it, on AWS's local runner."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from countersign.domain.answers import MAX_ANSWER_BYTES, SIGNED, Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import LookFailedError
from countersign.domain.provider_events import Handling
from countersign.domain.tasks import Failure, Status, Task
from countersign.services.answers import Results
from countersign.services.looks import Looks
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source
from countersign.testing.bench import Bench
from countersign.testing.builders import NOW, any_event, any_payment_task
from countersign.testing.fakes import MemoryHeartbeats, MemoryProviderApi
from countersign.workflows.external import Answered, ExternalTask, Failed, await_result
from countersign.workflows.workflow import workflow

TASK = "order-1001.payment"
RESULT = {"order_id": "1001", "status": "paid", "provider": "pay", "external_id": "pay_1001"}
RESULT |= {"amount": "250.00", "currency": "EUR"}
WORKER = Sender("worker", "callback token")


def any_payment_input(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in RESULT.items() if name != "status"} | {"deadline_seconds": 60} | changes


class Api:
    """The function that asks providers: its real code, with Stripe's API and its key in memory."""

    def __init__(self, bench: Bench, answer: Any) -> None:
        events = ProviderEvents(bench.ledger, bench.clock)
        self.https = MemoryProviderApi({"/v1/payment_intents/pi_1001?expand%5B%5D=latest_charge": answer})
        self.looks = Looks({"pay": Source("stripe")}, Keys(), self.https, events)

    def look(self, provider: str, external_id: str, lookup_id: str = "") -> dict[str, str]:
        self.looked_up = lookup_id
        return vars(self.looks.look(provider, external_id, lookup_id))

    def start(self, provider: str, external_id: str) -> None:
        raise NotImplementedError


class Keys:
    """One API key."""

    def active(self, name: str) -> list[str]:
        return [f"rk_of_{name}"]

    def reread(self, name: str) -> list[str]:
        return self.active(name)


class PaymentBench(Bench):
    """One execution with its provider and its worker."""

    def asks(self, answer: Any) -> Api:
        """Let the stage ask the provider, whose API gives this answer."""
        self.environment |= {"LOOKS_PROVIDERS": "pay,other"}
        api = self.ports.looks = Api(self, answer)
        return api

    def receive(self, status: str = "paid", event_id: str = "evt_1", **changes: Any) -> Handling:
        """Receive a provider's event without a ring."""
        events = ProviderEvents(self.ledger, self.clock)
        return events.receive(any_event(status, event_id, **changes), event_id, Sender("pay", SIGNED))

    @property
    def results(self) -> Results:
        return Results(self.ledger, MemoryHeartbeats(), self.clock)

    def opened(self) -> Task:
        return self.open_task(TASK)

    def resumed(self) -> dict[str, Any]:
        self.relay(TASK)
        return self.result()


def benched(handler: Callable[[Any, Any], Any]) -> Iterator[PaymentBench]:
    """Run a workflow on a bench during a test."""
    with PaymentBench(handler, "payment").open() as bench:
        yield bench


@pytest.fixture
def paying() -> Iterator[PaymentBench]:
    from payment.handler import handler

    yield from benched(handler)


@pytest.fixture
def scoring(request: pytest.FixtureRequest) -> Iterator[PaymentBench]:
    """A bench whose workflow asks one machine and returns its answer. A parameter adds fields to the task."""

    @workflow
    def handler(document: dict[str, Any], context: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {"kind": "score", "payload": document, "deadline_seconds": 60}
        settled = await_result(context, "score", ExternalTask(**fields | getattr(request, "param", {})))
        return {"is": type(settled).__name__} | {name: value for name, value in vars(settled).items() if name != "at"}

    yield from benched(handler)


def test_a_payment_is_paid_in_at_most_two_invocations(paying: PaymentBench) -> None:
    paying.start(any_payment_input())
    task = paying.opened()
    assert paying.receive() is Handling.RECORDED
    assert paying.resumed() == RESULT
    assert paying.invocations <= 2
    assert paying.ledger.standing[TASK].status is Status.APPLIED
    assert task.question.answer_contract == "payment.answer"
    (envelope,) = paying.hand_off.sent
    assert envelope["kind"] == "payment.requested"
    assert envelope["task"] == {name: RESULT[name] for name in RESULT if name != "status"}, "what to take"
    assert envelope["callback"]["url"] == "https://api.example.com/callbacks", "and where to answer"
    assert envelope["callback"]["token"] not in repr(paying.history), "the durable history holds no token"


def test_a_failed_payment_is_a_result_with_the_providers_reason(paying: PaymentBench) -> None:
    paying.start(any_payment_input())
    paying.opened()
    paying.receive("failed", reason="insufficient_funds")
    assert paying.resumed() == RESULT | {"status": "failed", "reason": "insufficient_funds"}


def test_a_payment_without_an_event_expires(paying: PaymentBench) -> None:
    paying.start(any_payment_input(deadline_seconds=1))
    assert paying.result() == RESULT | {"status": "expired"}
    assert paying.ledger.standing[TASK].status is Status.EXPIRED
    assert paying.receive() is Handling.HELD, "a late payment is held for a person"


INTENT = {"id": "pi_1001", "amount": 25000, "amount_received": 25000, "currency": "eur", "livemode": True}


def test_a_payment_whose_webhook_never_came_ends_paid_by_asking_the_provider(paying: PaymentBench) -> None:
    api = paying.asks(INTENT | {"status": "succeeded"})
    paying.start(any_payment_input(deadline_seconds=4, external_id="pi_1001", lookup_id="PL1001"))
    assert (paying.result(), len(api.https.asked)) == (RESULT | {"external_id": "pi_1001"}, 1)
    assert api.looked_up == "PL1001"
    assert paying.operations == [
        *("payment callback 1", "payment callback 2", "payment look", "payment open 1", "payment open 2"),
        *("payment read 1", "payment read 2", "record result"),
    ]
    assert paying.replay()[0] == RESULT | {"external_id": "pi_1001"}
    assert len(api.https.asked) == 1, "a replay asks nobody"
    assert "rk_of_pay" not in repr(paying.history)


@pytest.mark.parametrize(
    "answer", [INTENT | {"status": "canceled"}, INTENT | {"status": "processing"}, LookFailedError("slow"), b"<html>"]
)
def test_a_payment_that_its_provider_does_not_call_paid_expires_at_its_deadline(
    paying: PaymentBench, answer: Any
) -> None:
    api = paying.asks(answer)
    paying.start(any_payment_input(deadline_seconds=4, external_id="pi_1001"))
    assert (paying.result()["status"], len(api.https.asked)) == ("expired", 1)
    task = paying.ledger.standing[TASK]
    assert (task.status, task.closed_at and task.closed_at >= task.expires_at) == (Status.EXPIRED, True)


def test_a_provider_is_not_asked_for_a_payment_that_its_webhook_ends(paying: PaymentBench) -> None:
    api = paying.asks(INTENT | {"status": "succeeded"})
    paying.start(any_payment_input())
    paying.opened()
    paying.receive()
    assert (paying.resumed(), api.https.asked, len(paying.operations)) == (RESULT, [], 4)


def test_a_payment_with_only_declined_attempts_expires_with_the_last_reason(paying: PaymentBench) -> None:
    paying.receive("declined", "evt_1", reason="No funds")
    paying.receive("declined", "evt_2", reason="Card expired")
    paying.start(any_payment_input(deadline_seconds=3))
    assert paying.result() == RESULT | {"status": "expired", "reason": "Card expired"}
    assert "Card expired" not in str(paying.ledger.entries), "the audit does not contain the provider's reason"


def test_a_failure_by_callback_is_a_failed_payment_with_its_code(paying: PaymentBench) -> None:
    paying.start(any_payment_input())
    paying.results.fail(paying.opened().task_id, Failure("provider_down", "Try tomorrow"), WORKER)
    assert paying.resumed() == RESULT | {"status": "failed", "reason": "provider_down"}


def test_a_parked_event_ends_the_payment_without_a_hand_off(paying: PaymentBench) -> None:
    assert paying.receive() is Handling.PARKED
    paying.start(any_payment_input())
    assert (paying.result(), paying.hand_off.sent) == (RESULT, [])
    assert paying.invocations <= 2
    assert paying.operations == ["payment callback 1", "payment open 1", "payment read 1", "record result"]


def test_a_payment_of_another_request_fails_the_workflow(paying: PaymentBench) -> None:
    paying.ledger.open(any_payment_task(task_id="order-1000.payment"), (AuditEvent("opened", "payment"),), NOW)
    paying.start(any_payment_input())
    finished = paying.finish()
    assert finished.error
    assert finished.error.type == "countersign.domain.errors.DuplicateCorrelationError"
    assert "pay_1001" not in str(finished.error.message)
    assert paying.hand_off.sent == []
    assert TASK not in paying.ledger.standing


# `await_result`


SCORE = "order-1001.score"


def test_an_answer_is_returned_with_its_sender(scoring: PaymentBench) -> None:
    scoring.start({"customer": 7})
    scoring.open_task(SCORE)
    assert scoring.hand_off.sent[0]["task"] == {"customer": 7}
    answer = {"score": 700, "tags": ["a", None, True]}
    scoring.results.succeed(SCORE, answer, WORKER)
    scoring.relay(SCORE)
    assert scoring.result() == {"is": Answered.__name__, "by": "worker", "document": answer, "refused": 0}


def test_a_failure_is_returned_with_code_message_and_data(scoring: PaymentBench) -> None:
    scoring.start({})
    scoring.open_task(SCORE)
    scoring.results.fail(SCORE, Failure("no_data", "Nothing known", '{"a":1}'), WORKER)
    scoring.relay(SCORE)
    failure = {"code": "no_data", "message": "Nothing known", "data": '{"a":1}'}
    assert scoring.result() == {"is": Failed.__name__, "by": "worker", **failure}


@pytest.mark.parametrize("scoring", [{"wait_seconds": 1}], indirect=True)
def test_a_bounded_wait_expires_before_its_request(scoring: PaymentBench) -> None:
    scoring.start({})
    assert scoring.result() == {"is": "Expired", "collected": {}, "for_good": False, "declined": ""}


def test_a_payload_without_room_for_its_answer_is_refused_before_the_opening(scoring: PaymentBench) -> None:
    scoring.start({"text": "x" * MAX_ANSWER_BYTES})
    assert (scoring.error(), scoring.ledger.standing) == ("BodyTooLargeError", {})


LARGEST: dict[str, dict[str, Any]] = {
    "numbers": {"numbers": [1] * ((MAX_ANSWER_BYTES - 20) // 3)},
    "letters": {"text": "é" * ((MAX_ANSWER_BYTES - 20) // 6)},
    "words": {"text": "x" * (MAX_ANSWER_BYTES - 20)},
}


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_answer_fits_into_the_checkpoint_of_the_step_that_reads_it(
    scoring: PaymentBench, kind: str
) -> None:
    scoring.start({})
    scoring.open_task(SCORE)
    scoring.results.succeed(SCORE, LARGEST[kind], WORKER)
    scoring.relay(SCORE)
    assert scoring.result()["document"] == LARGEST[kind]
    (read,) = [operation for operation in scoring.history if operation.name == "score read 1"]
    assert len(read.step_details.result.encode()) < 256 * 1024
