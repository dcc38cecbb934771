"""Collected answers, answers from several channels, encrypted answers, and heartbeats."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import errors
from countersign.domain.answers import Sender
from countersign.domain.provider_events import Handling
from countersign.domain.questions import Collecting
from countersign.domain.tasks import MAX_ANSWERS, Failure, Status, close
from countersign.testing.builders import NOW, TASK_ID, any_task
from countersign.testing.fakes import MemoryLedger
from tests.unit.services.races import meanwhile
from tests.unit.services.test_answers import Setup

WORKER = Sender("worker", "callback token", token="t1")
COLLECTING = Collecting("kind", ("a", "b", "c"))
MOMENT = timedelta(microseconds=1)


class Machine(Setup):
    """Answers to one task of a machine."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(any_task(audience=(), requester="", payload="{}", **changes))

    def bring(self, kind: str, **more: Any) -> Any:
        return self.results.succeed(TASK_ID, {"kind": kind, **more}, WORKER)


def collecting(**changes: Any) -> Machine:
    return Machine(collecting=COLLECTING, **changes)


# Collected
def test_the_last_missing_answer_decides_and_each_reply_lists_the_missing_ones() -> None:
    setup = collecting()
    assert setup.bring("c").missing == ("a", "b")
    receipt = setup.bring("a")
    assert (receipt.handling, receipt.missing, setup.task.status) == (Handling.PENDING, ("b",), Status.OPEN)
    receipt = setup.bring("b")
    assert (receipt.handling, receipt.missing, setup.task.status) == (Handling.RECORDED, (), Status.DECIDED)
    assert set(setup.ledger.responses(TASK_ID)) == {"a", "b", "c"}
    setup.assert_unbroken()


def test_an_answer_that_a_restored_task_has_lost_counts_when_it_is_sent_again() -> None:
    setup = collecting()
    before = setup.task
    setup.bring("a")
    setup.ledger.standing[TASK_ID] = dataclasses.replace(
        before, audit_seq=setup.task.audit_seq, audit_head=setup.task.audit_head
    )
    assert setup.bring("a").missing == ("b", "c")


def test_two_concurrent_answers_are_both_collected() -> None:
    setup = collecting()
    setup.bring("a")
    meanwhile(setup.ledger, lambda: setup.bring("b"))
    assert setup.bring("c").missing == ()
    assert (setup.task.status, set(setup.ledger.responses(TASK_ID))) == (Status.DECIDED, {"a", "b", "c"})


def test_an_answer_counts_before_the_deadline_and_not_at_it() -> None:
    setup = collecting()
    setup.clock.moment = setup.task.expires_at - MOMENT
    setup.bring("a")
    setup.clock.move(microseconds=1)
    for late in ("a", "b", "z"):
        with pytest.raises(errors.TaskClosedError):
            setup.bring(late)
    assert set(setup.ledger.responses(TASK_ID)) == {"a"}


def test_an_answer_overtaken_by_the_deadline_is_not_recorded() -> None:
    setup = collecting()
    setup.bring("a")

    def expire() -> None:
        setup.clock.moment = setup.task.expires_at
        change = close(setup.task, setup.clock.now())
        assert change
        setup.ledger.commit(change)

    meanwhile(setup.ledger, expire)
    with pytest.raises(errors.TaskClosedError):
        setup.bring("b")
    assert (setup.task.status, set(setup.ledger.responses(TASK_ID))) == (Status.EXPIRED, {"a"})


def test_a_repeated_answer_returns_the_missing_ones() -> None:
    setup = collecting()
    setup.bring("a")
    entries = len(setup.ledger.entries)
    receipt = setup.bring("a")
    assert (receipt.handling, receipt.missing, len(setup.ledger.entries)) == (Handling.PENDING, ("b", "c"), entries)


def test_two_concurrent_repetitions_of_the_last_answer_are_both_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second repetition completes the task between two reads of the first."""
    setup, read = collecting(), MemoryLedger.responses
    setup.bring("a")
    setup.bring("b")

    def overtaken(ledger: MemoryLedger, task_id: str) -> dict[str, str]:
        monkeypatch.setattr(MemoryLedger, "responses", read)
        setup.bring("c")
        return ledger.responses(task_id)

    monkeypatch.setattr(MemoryLedger, "responses", overtaken)
    receipt = setup.bring("c")
    assert (receipt.handling, receipt.missing, receipt.task.status) == (Handling.DUPLICATE, (), Status.DECIDED)


def test_an_answer_replaces_the_one_of_the_same_key_until_all_are_collected() -> None:
    setup = collecting()
    setup.bring("a", page=1)
    setup.bring("a", page=2)
    setup.bring("b")
    setup.bring("c")
    assert setup.ledger.responses(TASK_ID)["a"] == '{"kind":"a","page":2}'
    assert setup.bring("a", page=2).handling is Handling.DUPLICATE
    with pytest.raises(errors.DecidedOtherwiseError):
        setup.bring("a", page=1)
    with pytest.raises(errors.DecidedOtherwiseError):
        setup.bring("z")


def test_an_answer_with_an_unknown_key_is_refused_and_counted() -> None:
    setup = collecting()
    with pytest.raises(errors.AnswerRefusedError) as refused:
        setup.bring("z")
    assert (refused.value.problems[0].pointer, setup.task.refused_answers) == ("/kind", 1)
    assert setup.ledger.responses(TASK_ID) == {}


def test_replacements_of_collected_answers_are_bounded_and_missing_answers_still_count() -> None:
    setup = collecting()
    for page in range(MAX_ANSWERS * 3):
        setup.bring("a", page=page)
    with pytest.raises(errors.TooManyAnswersError):
        setup.bring("a", page=-1)
    setup.bring("b")
    assert setup.bring("c").missing == ()


def test_the_size_limit_of_an_answer_holds_for_all_collected_answers_together() -> None:
    setup = collecting()
    room = 200_000 // 3 - len('{"kind":"a","text":""}')
    setup.bring("a", text="x" * room)
    with pytest.raises(errors.BodyTooLargeError):
        setup.bring("b", text="x" * (room + 1))


# Channels, contracts
def test_the_same_answer_from_a_second_channel_is_refused() -> None:
    setup = Machine(channels=("email", "phone"))
    first, second = Sender("email", "callback token"), Sender("phone", "callback token")
    setup.results.succeed(TASK_ID, {"confirmed": True}, first)
    assert setup.results.succeed(TASK_ID, {"confirmed": True}, first).handling is Handling.DUPLICATE
    with pytest.raises(errors.DecidedOtherwiseError):
        setup.results.succeed(TASK_ID, {"confirmed": True}, second)
    assert setup.task.decided_by == ("email",)


# Encrypted
def test_an_encrypted_answer_is_bound_to_its_task_and_its_repetition_is_a_duplicate() -> None:
    setup = Machine(encrypted=True)
    setup.results.succeed(TASK_ID, {"pin": "4711"}, WORKER)
    assert "4711" not in setup.task.answer
    assert "pin" not in setup.task.answer
    assert setup.results.succeed(TASK_ID, {"pin": "4711"}, WORKER).handling is Handling.DUPLICATE
    for document, sender in (({"pin": "4712"}, WORKER), ({"pin": "4711"}, dataclasses.replace(WORKER, token="t2"))):
        with pytest.raises(errors.DecidedOtherwiseError):
            setup.results.succeed(TASK_ID, document, sender)


def test_an_unavailable_cipher_records_nothing_and_the_answer_may_be_sent_again() -> None:
    setup = Machine(encrypted=True)
    setup.cipher.failures.append(errors.CipherUnavailableError("KMS"))
    with pytest.raises(errors.CipherUnavailableError):
        setup.results.succeed(TASK_ID, {"pin": "4711"}, WORKER)
    assert setup.task.answer == ""
    setup.results.succeed(TASK_ID, {"pin": "4711"}, WORKER)
    assert setup.task.status is Status.DECIDED


def test_the_text_of_a_sender_does_not_contain_its_token() -> None:
    assert "t1" not in repr(WORKER)


def test_a_failure_of_an_encrypted_task_keeps_only_its_code() -> None:
    setup = Machine(encrypted=True)
    failure = Failure("NoAccount", "account 4711", "4711")
    setup.results.fail(TASK_ID, failure, WORKER)
    assert setup.task.failure == Failure("NoAccount")
    assert setup.results.fail(TASK_ID, failure, WORKER).handling is Handling.DUPLICATE


# Heartbeats
def test_a_heartbeat_for_a_replaced_callback_is_recorded() -> None:
    setup = Machine()
    setup.heartbeats.failures.append(errors.TaskClosedError())
    setup.results.heartbeat(TASK_ID)
    assert setup.task.heartbeat_at == NOW


def test_a_heartbeat_that_loses_a_race_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    setup, beat, lost = Machine(), MemoryLedger.beat, [True]
    monkeypatch.setattr(MemoryLedger, "beat", lambda *arguments: not lost.pop() if lost else beat(*arguments))
    setup.results.heartbeat(TASK_ID)
    assert setup.task.heartbeat_at == NOW
