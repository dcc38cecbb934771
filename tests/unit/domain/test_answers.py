"""Machines' answers: the first decides, a repetition changes nothing, and every answer fits into a checkpoint."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from countersign.domain import answers
from countersign.domain.answers import MAX_ANSWER_BYTES, MAX_DETAIL_CHARACTERS, Sender
from countersign.domain.errors import BodyTooLargeError, DecidedOtherwiseError
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import canonical
from countersign.domain.tasks import DECIDING, Change, Failure, Status, Task
from countersign.testing.builders import NOW, any_task

WORKER = Sender("worker", "callback token", "203.0.113.0/24")
ANSWER = {"score": 700, "note": "très bien"}
FAILURE = Failure("no_capacity", "Come back tomorrow", '{"queue":7}')
DEADLINE = any_task().expires_at


def waiting(**changes: Any) -> Task:
    return any_task(audience=(), payload="{}", **changes)


def changed(change: Change | None) -> Task:
    assert change
    return change.after


def answered() -> Task:
    return changed(answers.succeed(waiting(), ANSWER, WORKER, NOW))


def failed() -> Task:
    return changed(answers.fail(waiting(), FAILURE, WORKER, NOW))


def applied(task: Task) -> Task:
    return replace(task, status=Status.APPLIED)


def test_an_answer_decides_its_task_and_the_audit_keeps_only_its_digest() -> None:
    change = answers.succeed(waiting(), ANSWER, WORKER, NOW)
    assert change
    assert change.transition is DECIDING
    task = change.after
    assert (task.status, task.outcome, task.decided_by, task.decided_at) == (
        Status.DECIDED,
        Outcome.ANSWERED,
        ("worker",),
        NOW,
    )
    assert (answers.document_of(task), task.revision) == (ANSWER, 1)
    assert [(entry.event, entry.actor, entry.identified_by, entry.source) for entry in change.events] == [
        (event, "worker", "callback token", "203.0.113.0/24") for event in ("answered", "decided")
    ]
    assert "bien" not in json.dumps([dict(entry.data) for entry in change.events])


def test_a_failure_decides_its_task_and_the_audit_keeps_only_its_code() -> None:
    change = answers.fail(waiting(), FAILURE, WORKER, NOW)
    assert change
    assert (change.after.status, change.after.outcome) == (Status.DECIDED, Outcome.FAILED)
    assert (change.after.failure, change.after.answer) == (FAILURE, "")
    failed, decided = (dict(entry.data) for entry in change.events)
    assert (failed, decided) == ({"code": "no_capacity"}, {"outcome": "failed", "decided_by": ["worker"]})


@pytest.mark.parametrize("later", [lambda task: task, applied], ids=["decided", "applied"])
@pytest.mark.parametrize("now", [NOW, DEADLINE], ids=["in time", "after the deadline"])
def test_a_repeated_answer_or_failure_changes_nothing_even_after_the_deadline(later: Any, now: datetime) -> None:
    assert answers.succeed(later(answered()), dict(reversed(ANSWER.items())), WORKER, now) is None
    assert answers.fail(later(failed()), FAILURE, WORKER, now) is None


@pytest.mark.parametrize("standing", [answered(), failed(), applied(answered()), applied(failed())])
def test_a_different_answer_or_failure_after_the_first_is_refused(standing: Task) -> None:
    with pytest.raises(DecidedOtherwiseError):
        answers.succeed(standing, {"score": 701}, WORKER, NOW)
    with pytest.raises(DecidedOtherwiseError):
        answers.fail(standing, Failure("no_capacity", "Other words", '{"queue":7}'), WORKER, NOW)


def of_size(size: int, letter: str = "x") -> dict[str, str]:
    """Return an answer whose JSON in a checkpoint has this size in bytes, or slightly less."""
    return {"text": letter * ((size - len(canonical({"text": ""}))) // len(canonical(letter)[1:-1]))}


@pytest.mark.parametrize("letter", ["x", '"', "é", "€", "😀"])
def test_the_size_of_an_answer_counts_its_bytes_in_the_checkpoint(letter: str) -> None:
    assert answers.succeed(waiting(), of_size(MAX_ANSWER_BYTES, letter), WORKER, NOW)
    with pytest.raises(BodyTooLargeError):
        answers.succeed(waiting(), of_size(MAX_ANSWER_BYTES + 12, letter), WORKER, NOW)


def test_a_failure_has_the_size_limit_of_an_answer() -> None:
    assert answers.fail(waiting(), Failure("code", "", "x" * (MAX_ANSWER_BYTES - 100)), WORKER, NOW)
    for data in ("x" * MAX_ANSWER_BYTES, '"' * (MAX_ANSWER_BYTES // 2)):
        with pytest.raises(BodyTooLargeError):
            answers.fail(waiting(), Failure("code", "", data), WORKER, NOW)


def test_a_refused_answer_adds_an_audit_entry_and_does_not_change_the_task() -> None:
    change = answers.refuse(waiting(), "/score: must be integer", WORKER, NOW)
    assert change.after == replace(change.before, refused=("contract worker",), refused_answers=1)
    assert answers.refuse(change.after, "/score: is missing", WORKER, NOW).events == ()
    (entry,) = change.events
    assert (entry.event, entry.data) == ("refused", {"reason": "contract", "detail": "/score: must be integer"})


def test_the_audit_cuts_the_detail_of_a_refusal() -> None:
    (entry,) = answers.refuse(waiting(), f"/{'n' * 250_000}: must be integer", WORKER, NOW).events
    assert len(entry.data["detail"]) == MAX_DETAIL_CHARACTERS
