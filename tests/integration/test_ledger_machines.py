"""The contract of every ledger for the tasks of machines."""

import dataclasses
from typing import Any

import pytest

from countersign.domain import answers
from countersign.domain.answers import Sender
from countersign.domain.errors import LedgerConflictError
from countersign.domain.questions import Collecting
from countersign.domain.tasks import Change, Status, Task
from countersign.testing.builders import NOW, TASK_ID
from tests.integration import test_ledger_contract
from tests.integration.test_ledger_contract import DEADLINE, MOMENT, Books, cancelling

books = test_ledger_contract.books

COLLECTING = Collecting("kind", ("a", "b"))
WORKER = Sender("worker", "callback token")
MACHINE: dict[str, Any] = {
    "audience": (),
    "payload": '{"frames":24}',
    "answer_contract": "some.answer",
    "encrypted": True,
    "channels": ("email", "phone"),
    "collecting": COLLECTING,
}


def bringing(books: Books, kind: str, at: Any = NOW, **more: Any) -> Change:
    standing = books.ledger.responses(TASK_ID)
    change = answers.collect(books.task(), COLLECTING, {"kind": kind, **more}, standing, WORKER, at)
    assert change
    return change


def beat(books: Books, at: Any = NOW, task_id: str = TASK_ID) -> bool:
    kept: bool = books.ledger.beat(task_id, at)
    return kept


def responses(books: Books, task_id: str = TASK_ID) -> dict[str, str]:
    found: dict[str, str] = books.ledger.responses(task_id)
    return found


def test_a_change_writes_its_answers_and_the_newest_of_a_key_counts(books: Books) -> None:
    books.open(**MACHINE)
    assert responses(books) == {}
    after = books.ledger.commit(bringing(books, "a"))
    assert (after.status, after.received, after.revision) == (Status.OPEN, ("a",), 1)
    books.ledger.commit(bringing(books, "a", page=2))
    after = books.ledger.commit(bringing(books, "b"))
    assert (after.status, after.received) == (Status.DECIDED, ("a", "b"))
    assert (after, responses(books)) == (books.task(), {"a": '{"kind":"a","page":2}', "b": '{"kind":"b"}'})
    assert responses(books, "order-1001.other") == {}
    books.assert_unbroken()


@pytest.mark.parametrize("other", [lambda books: bringing(books, "b"), lambda books: cancelling(books.task())])
def test_of_two_changes_to_the_same_version_the_second_is_refused_and_writes_no_answer(
    books: Books, other: Any
) -> None:
    books.open(**MACHINE)
    late, early = bringing(books, "a"), other(books)
    books.ledger.commit(early)
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(late)
    assert "a" not in responses(books)
    books.assert_unbroken()


@pytest.mark.parametrize("received", [(), ("b",)], ids=["not the last", "the last"])
def test_an_answer_is_written_before_the_deadline_and_not_at_it(books: Books, received: tuple[str, ...]) -> None:
    books.open(**MACHINE, received=received)
    at_the_deadline = bringing(books, "a", DEADLINE - MOMENT)
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(dataclasses.replace(at_the_deadline, at=DEADLINE))
    assert books.ledger.commit(at_the_deadline).received == ("a", *received)


def test_a_heartbeat_is_written_without_an_audit_entry_and_conflicts_with_no_answer(books: Books) -> None:
    books.open(**MACHINE)
    change = bringing(books, "a")
    assert beat(books, NOW + MOMENT)
    assert (books.task().heartbeat_at, books.events()) == (NOW + MOMENT, ["opened"])
    books.ledger.commit(change)
    assert books.task().heartbeat_at == NOW + MOMENT, "an answer leaves the heartbeat as it is"


def test_a_task_that_is_not_open_takes_no_heartbeat(books: Books) -> None:
    assert not beat(books)
    task: Task = books.open(**MACHINE)
    books.ledger.commit(cancelling(task))
    assert not beat(books)
    assert books.task().heartbeat_at is None
