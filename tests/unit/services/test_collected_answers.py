"""Machines' answers that are collected, that come by several channels, that are encrypted; and heartbeats."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import errors
from countersign.domain.answers import Sender
from countersign.domain.provider_events import Handling
from countersign.domain.questions import Collecting
from countersign.domain.tasks import MAX_ANSWERS, Failure, Status, Task, close
from countersign.services.answers import Results
from countersign.testing.builders import NOW, TASK_ID, any_task, is_unbroken
from countersign.testing.fakes import FixedClock, MemoryCipher, MemoryHeartbeats, MemoryLedger
from tests.unit.services.races import meanwhile

WORKER = Sender("worker", "callback token", token="t1")
COLLECTING = Collecting("kind", ("a", "b", "c"))
MOMENT = timedelta(microseconds=1)


class Office:
    """Results, with one task of a machine."""

    def __init__(self, **changes: Any) -> None:
        self.ledger = MemoryLedger()
        self.heartbeats = MemoryHeartbeats()
        self.cipher = MemoryCipher()
        self.clock = FixedClock(NOW)
        self.results = Results(self.ledger, self.heartbeats, self.clock, self.cipher)
        self.ledger.standing[TASK_ID] = any_task(audience=(), requester="", payload="{}", **changes)

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]

    def bring(self, kind: str, **more: Any) -> Any:
        return self.results.succeed(TASK_ID, {"kind": kind, **more}, WORKER)


def collecting(**changes: Any) -> Office:
    return Office(collecting=COLLECTING, **changes)


# Collected


def test_the_last_that_was_missing_decides_and_what_is_missing_is_told_until_then() -> None:
    office = collecting()
    assert office.bring("c").missing == ("a", "b")
    receipt = office.bring("a")
    assert (receipt.handling, receipt.missing, office.task.status) == (Handling.PENDING, ("b",), Status.OPEN)
    receipt = office.bring("b")
    assert (receipt.handling, receipt.missing, office.task.status) == (Handling.RECORDED, (), Status.DECIDED)
    assert set(office.ledger.responses(TASK_ID)) == {"a", "b", "c"}
    assert is_unbroken(office.ledger.entries, office.task.audit_head, office.task.audit_seq)


def test_an_answer_that_a_task_brought_back_from_before_does_not_know_counts_when_it_is_sent_again() -> None:
    office = collecting()
    before = office.task
    office.bring("a")
    office.ledger.standing[TASK_ID] = dataclasses.replace(
        before, audit_seq=office.task.audit_seq, audit_head=office.task.audit_head
    )
    assert office.bring("a").missing == ("b", "c")


def test_two_that_bring_the_last_two_at_once_lose_neither() -> None:
    office = collecting()
    office.bring("a")
    meanwhile(office.ledger, lambda: office.bring("b"))
    assert office.bring("c").missing == ()
    assert (office.task.status, set(office.ledger.responses(TASK_ID))) == (Status.DECIDED, {"a", "b", "c"})


def test_one_that_comes_in_the_last_moment_counts_and_one_at_the_deadline_does_not() -> None:
    office = collecting()
    office.clock.moment = office.task.expires_at - MOMENT
    office.bring("a")
    office.clock.move(microseconds=1)
    for late in ("a", "b", "z"):
        with pytest.raises(errors.TaskClosedError):
            office.bring(late)
    assert set(office.ledger.responses(TASK_ID)) == {"a"}


def test_one_that_is_overtaken_by_the_deadline_is_not_half_recorded() -> None:
    office = collecting()
    office.bring("a")

    def expire() -> None:
        office.clock.moment = office.task.expires_at
        change = close(office.task, office.clock.now())
        assert change
        office.ledger.commit(change)

    meanwhile(office.ledger, expire)
    with pytest.raises(errors.TaskClosedError):
        office.bring("b")
    assert (office.task.status, set(office.ledger.responses(TASK_ID))) == (Status.EXPIRED, {"a"})


def test_the_same_again_tells_what_is_missing_now() -> None:
    office = collecting()
    office.bring("a")
    entries = len(office.ledger.entries)
    receipt = office.bring("a")
    assert (receipt.handling, receipt.missing) == (Handling.PENDING, ("b", "c"))
    assert len(office.ledger.entries) == entries


def test_the_same_again_by_two_at_once_tells_both_that_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between one's reading of the task and of the answers, the other's retry has completed it."""
    office, read = collecting(), MemoryLedger.responses
    office.bring("a")
    office.bring("b")

    def overtaken(ledger: MemoryLedger, task_id: str) -> dict[str, str]:
        monkeypatch.setattr(MemoryLedger, "responses", read)
        office.bring("c")
        return ledger.responses(task_id)

    monkeypatch.setattr(MemoryLedger, "responses", overtaken)
    receipt = office.bring("c")
    assert (receipt.handling, receipt.missing, receipt.task.status) == (Handling.DUPLICATE, (), Status.DECIDED)


def test_another_of_the_same_key_replaces_it_until_all_are_there() -> None:
    office = collecting()
    office.bring("a", page=1)
    office.bring("a", page=2)
    office.bring("b")
    office.bring("c")
    assert office.ledger.responses(TASK_ID)["a"] == '{"kind":"a","page":2}'
    assert office.bring("a", page=2).handling is Handling.DUPLICATE
    with pytest.raises(errors.DecidedOtherwiseError):
        office.bring("a", page=1)
    with pytest.raises(errors.DecidedOtherwiseError):
        office.bring("z")


def test_a_key_that_nobody_asked_for_is_refused_and_counted_and_takes_no_place() -> None:
    office = collecting()
    with pytest.raises(errors.AnswerRefusedError) as refused:
        office.bring("z")
    assert (refused.value.problems[0].pointer, office.task.refused_answers) == ("/kind", 1)
    assert office.ledger.responses(TASK_ID) == {}


def test_nobody_fills_the_audit_by_replacing_what_is_collected_and_what_is_missing_is_still_taken() -> None:
    office = collecting()
    for page in range(MAX_ANSWERS * 3):
        office.bring("a", page=page)
    with pytest.raises(errors.TooManyAnswersError):
        office.bring("a", page=-1)
    office.bring("b")
    assert office.bring("c").missing == ()


def test_all_answers_together_are_no_larger_than_one_may_be() -> None:
    office = collecting()
    room = 200_000 // 3 - len('{"kind":"a","text":""}')
    office.bring("a", text="x" * room)
    with pytest.raises(errors.BodyTooLargeError):
        office.bring("b", text="x" * (room + 1))


# Channels, contracts


def test_a_second_channel_with_the_same_words_hears_that_it_is_answered() -> None:
    office = Office(channels=("email", "phone"))
    first, second = Sender("email", "callback token"), Sender("phone", "callback token")
    office.results.succeed(TASK_ID, {"confirmed": True}, first)
    assert office.results.succeed(TASK_ID, {"confirmed": True}, first).handling is Handling.DUPLICATE
    with pytest.raises(errors.DecidedOtherwiseError):
        office.results.succeed(TASK_ID, {"confirmed": True}, second)
    assert office.task.decided_by == ("email",)


# Encrypted


def test_an_encrypted_answer_is_bound_to_its_task_and_the_same_again_is_a_duplicate() -> None:
    office = Office(encrypted=True)
    office.results.succeed(TASK_ID, {"pin": "4711"}, WORKER)
    assert "4711" not in office.task.answer
    assert "pin" not in office.task.answer
    assert office.results.succeed(TASK_ID, {"pin": "4711"}, WORKER).handling is Handling.DUPLICATE
    for document, sender in (({"pin": "4712"}, WORKER), ({"pin": "4711"}, dataclasses.replace(WORKER, token="t2"))):
        with pytest.raises(errors.DecidedOtherwiseError):
            office.results.succeed(TASK_ID, document, sender)


def test_a_cipher_that_is_out_of_reach_records_nothing_and_the_same_answer_may_come_again() -> None:
    office = Office(encrypted=True)
    office.cipher.failures.append(errors.CipherUnavailableError("KMS"))
    with pytest.raises(errors.CipherUnavailableError):
        office.results.succeed(TASK_ID, {"pin": "4711"}, WORKER)
    assert office.task.answer == ""
    office.results.succeed(TASK_ID, {"pin": "4711"}, WORKER)
    assert office.task.status is Status.DECIDED


def test_without_a_token_an_encrypted_task_takes_neither_answer_nor_failure() -> None:
    office, sender = Office(encrypted=True), dataclasses.replace(WORKER, token="")
    with pytest.raises(errors.PlainAnswerError):
        office.results.succeed(TASK_ID, {"pin": "4711"}, sender)
    with pytest.raises(errors.PlainAnswerError):
        office.results.fail(TASK_ID, Failure("NoAccount"), sender)
    assert office.task.status is Status.OPEN


def test_a_sender_that_is_shown_does_not_show_its_token() -> None:
    assert "t1" not in repr(WORKER)


def test_of_a_failure_of_an_encrypted_task_only_the_code_is_kept_and_it_can_be_told_again() -> None:
    office = Office(encrypted=True)
    failure = Failure("NoAccount", "account 4711", "4711")
    office.results.fail(TASK_ID, failure, WORKER)
    assert office.task.failure == Failure("NoAccount")
    assert office.results.fail(TASK_ID, failure, WORKER).handling is Handling.DUPLICATE


# Heartbeats


def test_a_heartbeat_for_a_callback_that_was_just_replaced_is_on_record() -> None:
    office = Office()
    office.heartbeats.failures.append(errors.TaskClosedError())
    office.results.heartbeat(TASK_ID)
    assert office.task.heartbeat_at == NOW


def test_a_heartbeat_that_loses_a_race_is_recorded_at_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    office, beat, lost = Office(), MemoryLedger.beat, [True]
    monkeypatch.setattr(MemoryLedger, "beat", lambda *arguments: not lost.pop() if lost else beat(*arguments))
    office.results.heartbeat(TASK_ID)
    assert office.task.heartbeat_at == NOW


def test_a_heartbeat_that_never_gets_through_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    monkeypatch.setattr("countersign.retries.pause_seconds", lambda *_: 0)
    monkeypatch.setattr(MemoryLedger, "beat", lambda *_: False)
    with pytest.raises(errors.LedgerUnavailableError):
        office.results.heartbeat(TASK_ID)
