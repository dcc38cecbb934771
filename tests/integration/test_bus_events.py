"""The results function: what machines answer over the bus, what partners send, and what nobody can use."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bus_events.handler import handler
from bus_events.reasons import REASONS
from countersign.domain.questions import Collecting, Correlation
from countersign.domain.rules import Outcome
from countersign.domain.tasks import MAX_ANSWERS, Status, Task
from countersign.testing.builders import PAYMENT_ID, TASK_ID, any_result, sqs_event, task_result
from countersign.testing.deliveries import any_payment_intent
from tests.integration.conftest import REGION, Answer, Kit, answering, session

SOURCE = "com.example.payments"
PARTNER_SOURCE = "aws.partner/stripe.com/ed_1001"
INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"


class Queue:
    """The dead-letter queue, as whoever looks into it sees it."""

    def __init__(self) -> None:
        self._sqs = session().create_client("sqs", region_name=REGION)
        self.url: str = self._sqs.create_queue(QueueName="results-dlq")["QueueUrl"]

    def messages(self) -> list[tuple[str, str, str]]:
        """Return the reason, the detail and the body of each message since the last call."""
        found = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
            "Messages", []
        )
        for message in found:
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        told = [{name: value["StringValue"] for name, value in each["MessageAttributes"].items()} for each in found]
        return [
            (attributes["reason"], attributes.get("detail", ""), message["Body"])
            for attributes, message in zip(told, found, strict=True)
        ]

    def reasons(self) -> list[str]:
        return [reason for reason, *_ in self.messages()]


@pytest.fixture
def dead_letters(aws: None, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue()
    monkeypatch.setenv("DEAD_LETTERS_URL", queue.url)
    monkeypatch.setenv("PARTNERS", json.dumps({PARTNER_SOURCE: {"name": "stripe", "scheme": "stripe"}}))
    return queue


@pytest.mark.parametrize(
    "said", [{"answer": {"secret": "hunter2"}}, {"outcome": "failed", "error": {"code": "hunter2"}}]
)
def test_what_an_encrypted_task_is_told_over_the_bus_is_refused_at_once_and_kept_nowhere(
    kit: Kit, dead_letters: Queue, said: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    kit.open_payment(correlation=None, answer_contract="", encrypted=True)
    assert run(task_result({"version": 1, "task_id": PAYMENT_ID, "outcome": "succeeded"} | said)) == []
    assert dead_letters.messages() == []
    assert "hunter2" not in str(kit.items()) + capsys.readouterr().out
    assert kit.task(PAYMENT_ID).status is Status.OPEN


@pytest.fixture
def payment(kit: Kit, dead_letters: Queue) -> Task:
    """A payment that somebody is to take."""
    return kit.open_task(
        task_id=PAYMENT_ID,
        kind="payment",
        audience=(),
        payload='{"order_id":"1001"}',
        answer_contract="payment.answer",
        correlation=Correlation("stripe", INTENT, Decimal("250.00"), "EUR"),
    )


def run(*bodies: str | dict[str, Any]) -> list[str]:
    """Hand messages to the function and return the ids of those to be tried again."""
    return [failure["itemIdentifier"] for failure in handler(sqs_event(*bodies), None)["batchItemFailures"]]


def failed(**error: Any) -> dict[str, Any]:
    return {"version": 1, "task_id": PAYMENT_ID, "outcome": "failed", "error": {"code": "no_funds"} | error}


def from_partner(body: bytes, **changes: Any) -> dict[str, Any]:
    """Return a partner's event: its detail is the provider's own, whose type is the event's."""
    detail = json.loads(body)
    return task_result(detail, **{"source": PARTNER_SOURCE, "detail-type": detail["type"]}) | changes


# Answers of machines


def test_an_answer_decides_its_task_and_the_audit_names_the_event_s_source(
    kit: Kit, payment: Task, dead_letters: Queue
) -> None:
    assert run(task_result()) == []
    task = kit.task(PAYMENT_ID)
    assert (task.status, task.outcome, task.decided_by) == (Status.DECIDED, Outcome.ANSWERED, (SOURCE,))
    event = kit.audit(PAYMENT_ID)[-1].event
    assert (event.event, event.actor, event.identified_by) == ("decided", SOURCE, "event bus")
    assert dead_letters.messages() == []


# What nobody can use


def decided(kit: Kit) -> None:
    run(task_result(failed()))


def expired(kit: Kit) -> None:
    kit.expire(PAYMENT_ID)


def replaced_too_often(kit: Kit) -> None:
    kinds = Collecting("kind", ("a", "b"))
    spent = {"collecting": kinds, "received": ("a",), "revision": MAX_ANSWERS * len(kinds.required)}
    kit.open_payment(task_id="order-3.documents", correlation=None, answer_contract="", **spent)


def nothing(kit: Kit) -> None:
    """Leave the task open."""


REFUSED: list[tuple[str, Callable[[Kit], None], Any]] = [
    ("unknown_task", nothing, task_result(any_result(task_id="order-1002.payment"))),
    ("unknown_task", nothing, task_result(any_result(task_id=TASK_ID))),
    ("closed", expired, task_result()),
    ("closed", expired, task_result(failed())),
    ("decided_otherwise", decided, task_result()),
    ("decided_otherwise", decided, task_result(failed(code="other"))),
    ("answer_refused", nothing, task_result(any_result(answer={"status": "maybe"}))),
    (
        "too_many_answers",
        replaced_too_often,
        task_result(any_result(task_id="order-3.documents", answer={"kind": "a", "page": 2})),
    ),
    ("malformed", nothing, "not JSON"),
    ("malformed", nothing, {"source": SOURCE}),
    ("malformed", nothing, task_result(source=1)),
    ("malformed", nothing, task_result(any_result(error={"code": "both"}))),
    ("malformed", nothing, from_partner(any_payment_intent(), detail="text")),
    ("too_large", nothing, "x" * 262_145),
]


@pytest.mark.parametrize(("reason", "before", "event"), REFUSED)
def test_what_trying_again_would_not_mend_goes_to_the_dead_letters_at_once_with_why(
    kit: Kit, payment: Task, dead_letters: Queue, reason: str, before: Callable[[Kit], None], event: Any
) -> None:
    kit.open_task()
    before(kit)
    statuses = {task_id: kit.task(task_id).status for task_id in (TASK_ID, PAYMENT_ID)}
    assert run(event) == []
    assert [(why, body) for why, _, body in dead_letters.messages()] == [
        (reason, event if isinstance(event, str) else json.dumps(event))
    ]
    assert {task_id: kit.task(task_id).status for task_id in statuses} == statuses


def test_every_reason_has_a_case_here() -> None:
    assert {reason for reason, *_ in REFUSED} | {"encrypted"} == set(REASONS.values())


def test_the_dead_letter_says_what_is_wrong_where_and_the_refusal_is_on_record(
    kit: Kit, payment: Task, dead_letters: Queue
) -> None:
    run(task_result(any_result(answer={"status": "maybe"})))
    ((_, detail, _),) = dead_letters.messages()
    assert detail.startswith("/status: ")
    assert "maybe" not in detail
    assert kit.audited(PAYMENT_ID)[-1] == "refused"


# When things break


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
def test_a_ledger_that_does_not_answer_has_the_event_tried_again(
    kit: Kit, payment: Task, dead_letters: Queue, operation: str
) -> None:
    with answering("dynamodb", operation, Answer(500, "InternalServerError")):
        assert run(task_result(), "not JSON") == ["message-0"]
    assert dead_letters.reasons() == ["malformed"]
    assert run(task_result()) == []
    assert kit.task(PAYMENT_ID).status is Status.DECIDED


@pytest.mark.parametrize("answer", [Answer(403, "AccessDenied"), Answer(500, "InternalError"), OSError("broken")])
def test_a_dead_letter_that_cannot_be_put_is_tried_again(
    kit: Kit, payment: Task, dead_letters: Queue, answer: Answer | Exception
) -> None:
    with answering("sqs", "SendMessage", answer):
        assert run("not JSON", task_result()) == ["message-0"]
    assert kit.task(PAYMENT_ID).status is Status.DECIDED
    assert run("not JSON") == []
    assert dead_letters.reasons() == ["malformed"]


def test_a_partner_of_an_unknown_scheme_is_tried_again_until_somebody_mends_the_settings(
    kit: Kit, payment: Task, dead_letters: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNERS", json.dumps({PARTNER_SOURCE: {"name": "stripe", "scheme": "stripes"}}))
    assert run(from_partner(any_payment_intent())) == ["message-0"]
    assert dead_letters.messages() == []


# Partners


def test_a_partner_s_event_decides_the_payment_and_the_audit_says_that_aws_knows_the_sender(
    kit: Kit, payment: Task, dead_letters: Queue
) -> None:
    assert run(from_partner(any_payment_intent())) == []
    task = kit.task(PAYMENT_ID)
    assert (task.status, task.decided_by) == (Status.DECIDED, ("stripe",))
    event = kit.audit(PAYMENT_ID)[-1].event
    assert (event.event, event.actor, event.identified_by) == ("decided", "stripe", "partner event bus")
    assert run(from_partner(any_payment_intent(), id="delivered-again")) == []
    assert dead_letters.messages() == []


def test_what_the_kit_does_not_act_on_is_passed_over_and_counted(
    kit: Kit, payment: Task, dead_letters: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kit.items()
    assert run(from_partner(any_payment_intent("customer.created"))) == []
    assert kit.items() == before
    assert dead_letters.messages() == []
    assert '"ResultsIgnored":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_the_event_of_a_partner_whom_the_stage_does_not_name_is_an_answer_like_any_other(
    kit: Kit, payment: Task, dead_letters: Queue
) -> None:
    assert run(from_partner(any_payment_intent(), source="aws.partner/stripe.com/other")) == []
    assert dead_letters.reasons() == ["malformed"]
    assert kit.task(PAYMENT_ID).status is Status.OPEN
