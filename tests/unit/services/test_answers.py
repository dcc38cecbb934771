"""Answers of machines, including answers about payments."""

import dataclasses
from typing import Any

import pytest

from countersign.domain import errors
from countersign.domain.answers import Sender, document_of
from countersign.domain.audit import AuditEvent
from countersign.domain.provider_events import Handling
from countersign.domain.tasks import Failure, Status, Task
from countersign.services.answers import Results, failure_of
from countersign.testing.builders import NOW, PAYMENT_TASK_ID, any_payment_task, any_task, is_unbroken
from countersign.testing.fakes import FixedClock, MemoryCipher, MemoryHeartbeats, MemoryLedger
from tests.unit.services.races import meanwhile

WORKER = Sender("worker", "callback token", "203.0.113.0/24")
PAID = {"status": "paid", "amount": "250.00", "currency": "EUR"}
FAILURE = Failure("declined", "No funds")


class Setup:
    """Answers to an open task of a machine."""

    def __init__(self, task: Task | None = None) -> None:
        task = task or any_payment_task(correlation=None, answer_contract="")
        self.ledger, self.clock = MemoryLedger(), FixedClock(NOW)
        self.heartbeats, self.cipher = MemoryHeartbeats(), MemoryCipher()
        self.results = Results(self.ledger, self.heartbeats, self.clock, self.cipher)
        self.ledger.open(task, (AuditEvent("opened", "payment"),), NOW)
        self.task_id = task.task_id

    @property
    def task(self) -> Task:
        return self.ledger.standing[self.task_id]

    def succeed(self, document: Any) -> Handling:
        receipt = self.results.succeed(PAYMENT_TASK_ID, document, WORKER)
        assert receipt.task == self.task
        return receipt.handling

    def fail(self, failure: Failure = FAILURE) -> Handling:
        return self.results.fail(PAYMENT_TASK_ID, failure, WORKER).handling

    def set(self, **changes: Any) -> None:
        self.ledger.standing[PAYMENT_TASK_ID] = dataclasses.replace(self.task, **changes)

    @property
    def audited(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.entries]

    def assert_unbroken(self) -> None:
        assert is_unbroken(self.ledger.entries, self.task.audit_head, self.task.audit_seq)


def paying(**changes: Any) -> Setup:
    return Setup(any_payment_task(**changes))


# Answers
def test_an_answer_is_recorded_and_its_repetition_is_a_duplicate() -> None:
    setup = Setup()
    assert (setup.succeed({"score": 700}), document_of(setup.task)) == (Handling.RECORDED, {"score": 700})
    assert (setup.succeed({"score": 700}), setup.audited) == (Handling.DUPLICATE, ["opened", "answered", "decided"])
    setup.assert_unbroken()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"status": Status.CANCELLED}, errors.TaskClosedError),
        ({"status": Status.EXPIRED}, errors.TaskClosedError),
        ({"expires_at": NOW}, errors.TaskClosedError),
        ({"status": Status.DECIDED, "outcome": "failed"}, errors.DecidedOtherwiseError),
        ({"status": Status.APPLIED, "outcome": "failed"}, errors.DecidedOtherwiseError),
    ],
)
@pytest.mark.parametrize("task", [any_payment_task(), any_payment_task(correlation=None)], ids=["money", "no money"])
@pytest.mark.parametrize("document", [{}, {"status": "gone"}, {"status": "paid", "amount": 7}, PAID])
def test_a_task_that_takes_no_answer_is_reported_before_the_answer_is_checked(
    changes: dict[str, Any], refusal: type[errors.CountersignError], task: Task, document: dict[str, Any]
) -> None:
    setup = Setup(task)
    setup.set(**changes)
    succeed, beat = (lambda: setup.succeed(document)), (lambda: setup.results.heartbeat(PAYMENT_TASK_ID))
    for answer in (succeed, succeed, setup.fail, beat):
        with pytest.raises(refusal):
            answer()
    is_late_money = document == PAID and task.question.correlation is not None
    assert setup.audited == (["opened", "held"] if is_late_money else ["opened"])
    assert len(setup.ledger.outbox) == (1 if is_late_money else 0), "a late payment needs a person"
    assert setup.heartbeats.beaten == []


def test_a_task_of_people_is_unknown_to_machines() -> None:
    setup = Setup()
    setup.ledger.open(any_task(), (AuditEvent("opened", "order-approval"),), NOW)
    for task_id in (any_task().task_id, "order-1.gone"):
        with pytest.raises(errors.UnknownTaskError):
            setup.results.succeed(task_id, {}, WORKER)
        with pytest.raises(errors.UnknownTaskError):
            setup.results.fail(task_id, FAILURE, WORKER)
        with pytest.raises(errors.UnknownTaskError):
            setup.results.heartbeat(task_id)


def test_the_first_written_of_two_concurrent_answers_counts() -> None:
    setup = Setup()

    meanwhile(setup.ledger, setup.fail)
    with pytest.raises(errors.DecidedOtherwiseError):
        setup.succeed({"score": 700})
    assert setup.task.failure == FAILURE
    setup.assert_unbroken()


# Contracts
def test_answers_that_break_their_contract_are_recorded_once_and_counted() -> None:
    setup = Setup(any_payment_task(correlation=None))
    for posts in (1, 2):
        with pytest.raises(errors.AnswerRefusedError) as refused:
            setup.succeed({"status": "paid", "amount": "secret amount"})
        assert refused.value.pointer == "/amount"
        assert "secret amount" not in refused.value.reason
        assert setup.audited == ["opened", "refused"], "the audit records the first, and the task counts all"
        assert setup.task.refused_answers == posts
    assert "secret amount" not in str(setup.ledger.entries)
    assert setup.succeed({"status": "failed"}) is Handling.RECORDED
    setup.assert_unbroken()


# Payments
@pytest.mark.parametrize(
    "document", [PAID | {"amount": "2.50"}, {"status": "paid"}, {"status": "paid", "amount": "250.00"}]
)
def test_a_payment_answer_with_another_amount_is_held_and_announced_once(document: dict[str, Any]) -> None:
    setup = paying()
    assert (setup.succeed(document), setup.task.status) == (Handling.HELD, Status.OPEN)
    ((_, announced),) = setup.ledger.outbox.items()
    assert (announced["kind"], announced["task"]["reason"]) == ("payment.held", "amount")
    setup.ledger.outbox.clear()
    assert (setup.succeed(document), setup.ledger.outbox) == (Handling.DUPLICATE, {})
    assert setup.succeed(PAID) is Handling.RECORDED


@pytest.mark.parametrize(("status", "handling"), [("pending", Handling.PENDING), ("declined", Handling.DECLINED)])
def test_a_payment_answer_that_is_not_final_is_recorded_once_without_effect(status: str, handling: Handling) -> None:
    setup = paying()
    assert setup.succeed({"status": status}) is handling
    assert (setup.succeed({"status": status}), setup.task.status) == (Handling.DUPLICATE, Status.OPEN)
    assert setup.audited == ["opened", "responded"]


def test_the_same_answer_to_two_payments_is_recorded_for_each() -> None:
    setup = paying()
    correlation = dataclasses.replace(any_payment_task().question.correlation, external_id="pay_1002")  # type: ignore[type-var]
    other = any_payment_task(task_id="order-1002.payment", correlation=correlation)
    setup.ledger.open(other, (AuditEvent("opened", "payment"),), NOW)
    assert setup.succeed(PAID) is Handling.RECORDED
    assert setup.results.succeed("order-1002.payment", PAID, WORKER).handling is Handling.RECORDED


@pytest.mark.parametrize("contract", ["", "payment.answer"])
@pytest.mark.parametrize("document", [{}, {"status": "unknown"}, PAID | {"amount": 250}, PAID | {"currency": "eur"}])
def test_a_payment_answer_keeps_the_contract_of_payments_in_any_task(contract: str, document: dict[str, Any]) -> None:
    setup = paying(answer_contract=contract)
    with pytest.raises(errors.AnswerRefusedError):
        setup.succeed(document)
    assert (setup.audited, setup.task.status) == (["opened", "refused"], Status.OPEN)


def test_a_payment_answer_may_have_more_fields_where_the_task_has_no_contract() -> None:
    assert paying(answer_contract="").succeed(PAID | {"receipt": "r-7"}) is Handling.RECORDED


# Heartbeats
def test_a_heartbeat_goes_to_the_current_callback_of_the_workflow() -> None:
    setup = Setup()
    setup.ledger.refresh(PAYMENT_TASK_ID, "Q2FsbGJhY2stMg==")
    assert setup.results.heartbeat(PAYMENT_TASK_ID).task_id == PAYMENT_TASK_ID
    assert (setup.task.heartbeat_at, setup.heartbeats.beaten, setup.audited) == (NOW, ["Q2FsbGJhY2stMg=="], ["opened"])


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"status": Status.CANCELLED}, errors.TaskClosedError),
        ({"status": Status.DECIDED}, errors.DecidedOtherwiseError),
    ],
)
def test_a_heartbeat_at_the_end_of_its_task_receives_the_reason(
    changes: dict[str, Any], refusal: type[errors.CountersignError], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = Setup()

    def end(_: str) -> None:
        setup.set(**changes)
        raise errors.TaskClosedError

    monkeypatch.setattr(setup.heartbeats, "beat", end)
    with pytest.raises(refusal):
        setup.results.heartbeat(PAYMENT_TASK_ID)


# Failures
@pytest.mark.parametrize(
    ("document", "failure"),
    [
        ({"code": "c"}, Failure("c")),
        ({"code": "c", "message": "m", "data": "as it is"}, Failure("c", "m", "as it is")),
        ({"code": "c", "data": {"b": [1, None], "a": "é"}}, Failure("c", "", '{"a":"é","b":[1,null]}')),
        ({"code": "c", "data": False}, Failure("c", "", "false")),
    ],
)
def test_the_data_of_a_failure_is_stored_as_text(document: dict[str, Any], failure: Failure) -> None:
    assert failure_of(document) == failure
