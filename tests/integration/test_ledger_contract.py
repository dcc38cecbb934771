"""The contract of every ledger: the one in memory, which the unit tests use, and DynamoDB's."""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from countersign.domain import tasks, upkeep, votes
from countersign.domain.asks import Ask
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.errors import LedgerConflictError
from countersign.domain.links import MOST_WAITING, Link, Purpose
from countersign.domain.requests import Cancelling, Request, RequestStatus
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import STAYING, Change, Delegation, Ring, RingState, Status, Task, Vote
from countersign.ports import Ledger
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    CALLBACK_ID,
    CALLER,
    NOW,
    OTHER_APPROVER,
    REQUEST_ID,
    REQUESTER,
    TASK_ID,
    WORKFLOW,
    any_exchange,
    any_rule,
    any_task,
    is_unbroken,
)
from countersign.testing.fakes import MemoryLedger
from tests.integration.conftest import Kit

DEADLINE = any_task().expires_at
MOMENT = timedelta(microseconds=1)
OPENED = AuditEvent("opened", WORKFLOW)
SEEN = AuditEvent("refused", APPROVER, "review link", "203.0.113.0/24", {"reason": "closed"})


class Books:
    """A ledger, and its audit entries."""

    def __init__(self, ledger: Ledger, entries: Callable[[str], list[AuditEntry]]) -> None:
        self.ledger = ledger
        self._entries = entries

    def open(self, **changes: Any) -> Task:
        self.ledger.open(any_task(**changes), (OPENED,), NOW)
        return self.task(changes.get("task_id", TASK_ID))

    def task(self, task_id: str = TASK_ID) -> Task:
        task = self.ledger.task(task_id)
        assert task
        return task

    def request(self) -> Request:
        request = self.ledger.request(REQUEST_ID)
        assert request
        return request

    def mailed(self, number: int, ends: timedelta, *, links: int = 1, **changes: Any) -> Task:
        """Open a task, and give the approver links to it that expire with it."""
        task_id = f"order-{number}.approval"
        moments = {"expires_at": NOW + ends, "max_expires_at": NOW + timedelta(days=700)}
        task = self.open(**{"task_id": task_id, **moments, **changes})
        for again in range(links):
            self.ledger.put_link(Link(f"{number:032}{again:032}", task_id, APPROVER), NOW + ends)
        return task

    def extend(self, task: Task, ends: timedelta) -> Task:
        return self.ledger.commit(tasks.extend(task, NOW + ends, "operator", NOW))

    def waiting(self, now: datetime = NOW) -> list[int]:
        """Return the numbers of the approver's open tasks."""
        found = self.ledger.waiting(APPROVER, now)
        return [int(task.task_id.removeprefix("order-").removesuffix(".approval")) for task in found]

    def events(self, task_id: str = TASK_ID) -> list[str]:
        return [entry.event.event for entry in self._entries(task_id)]

    def assert_unbroken(self, task_id: str = TASK_ID) -> None:
        task = self.task(task_id)
        assert is_unbroken(self._entries(task_id), task.audit_head, task.audit_seq)


@pytest.fixture(params=["memory", "dynamodb"])
def books(request: pytest.FixtureRequest) -> Books:
    if request.param == "dynamodb":
        kit: Kit = request.getfixturevalue("kit")
        return Books(kit.ledger, kit.audit)
    memory = MemoryLedger()
    return Books(memory, lambda task_id: [entry for entry in memory.entries if entry.task_id == task_id])


def answer(task: Task, decision: Decision = Decision.APPROVE, at: datetime = NOW, recipient: str = APPROVER) -> Change:
    change = votes.answer(task, recipient, decision, "Go ahead", task.shown, "203.0.113.0/24", at)
    assert change
    return change


def closing(task: Task, at: datetime) -> Change:
    change = tasks.close(task, at)
    assert change
    return change


def cancelling(task: Task) -> Change:
    change = tasks.cancel(task, "executions", "execution_failed", NOW)
    assert change
    return change


# Opening


def test_a_task_is_read_as_it_was_opened_with_its_first_audit_entry(books: Books) -> None:
    task = books.open()
    assert dataclasses.replace(task, audit_seq=0, audit_head=any_task().audit_head) == any_task()
    assert (task.audit_seq, books.events()) == (1, ["opened"])
    books.assert_unbroken()


def test_a_task_is_opened_once_and_a_second_opening_changes_nothing(books: Books) -> None:
    first = books.open()
    with pytest.raises(LedgerConflictError):
        books.ledger.open(any_task(title="second", opened_by="another"), (OPENED,), NOW)
    assert (books.task(), books.events()) == (first, ["opened"])


def test_a_task_that_a_policy_approved_is_opened_as_applied_with_its_three_entries(books: Books) -> None:
    task, events = tasks.approve_by_policy(any_task(policy="v7"), "policy", NOW)
    books.ledger.open(task, events, NOW)
    standing = books.ledger.task(task.task_id)
    assert standing
    assert (standing.status, standing.decided_by, standing.audit_seq) == (Status.APPLIED, ("policy",), 3)
    with pytest.raises(LedgerConflictError):
        books.ledger.open(task, events, NOW)


def test_a_task_that_was_cancelled_before_it_opened_cannot_be_opened(books: Books) -> None:
    cancelled = Task(TASK_ID, Status.CANCELLED, DEADLINE, request_id=REQUEST_ID, workflow=WORKFLOW, closed_at=NOW)
    books.ledger.open(cancelled, (AuditEvent("cancelled", WORKFLOW),), NOW)
    with pytest.raises(LedgerConflictError):
        books.open()
    assert books.task().status is Status.CANCELLED
    books.assert_unbroken()


def test_the_tasks_of_a_request_are_listed_by_name_and_no_others(books: Books) -> None:
    for task_id in ("order-1001.b", "order-1001.a", "order-10011.a"):
        books.open(task_id=task_id, request_id=task_id.partition(".")[0])
    assert books.ledger.task_ids("order-1001") == ["order-1001.a", "order-1001.b"]
    assert books.ledger.task_ids("order-9") == []
    assert books.ledger.with_tasks("order-1001") == (None, [books.task("order-1001.a"), books.task("order-1001.b")])


# Changing


def test_a_decision_is_written_with_its_votes_and_audit_entries(books: Books) -> None:
    after = books.ledger.commit(answer(books.open(), Decision.REJECT))
    assert after == books.task()
    assert (after.status, after.outcome, after.decided_by) == (Status.DECIDED, Outcome.REJECTED, (APPROVER,))
    assert after.votes == {APPROVER: Vote(Decision.REJECT, "Go ahead", NOW)}
    assert (after.decided_at, after.revision, books.events()) == (NOW, 1, ["opened", "voted", "decided"])
    books.assert_unbroken()


def test_a_vote_that_does_not_decide_is_kept_and_the_task_stays_open(books: Books) -> None:
    after = books.ledger.commit(answer(books.open(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"))))
    assert (after.status, set(after.votes), after.revision) == (Status.OPEN, {APPROVER}, 1)
    last = books.ledger.commit(answer(books.task(), recipient=OTHER_APPROVER))
    assert (last.status, last.decided_by) == (Status.DECIDED, (APPROVER, OTHER_APPROVER))
    books.assert_unbroken()


def test_the_content_of_a_revision_takes_the_place_of_that_at_the_opening(books: Books) -> None:
    task = books.open(attachments=ATTACHMENTS, amount="250.00 EUR")
    revised = dataclasses.replace(task.question, title="Order 1001", details=(), attachments=(), amount="200.00 EUR")
    fields = {"question": revised, "shown": revised.digest(), "round": 2, "exchanges": (any_exchange(),)}
    after = books.ledger.commit(Change(task, STAYING, fields, (AuditEvent("revised", REQUESTER),), NOW))
    assert (after, after.question, after.round, after.returned) == (books.task(), revised, 2, any_exchange())
    books.assert_unbroken()


def test_the_audit_chain_of_a_task_is_unbroken_to_its_end(books: Books) -> None:
    books.open()
    books.ledger.commit(votes.refuse(books.task(), APPROVER, "details_changed", "", NOW))
    books.ledger.commit(answer(books.task()))
    ring = upkeep.rung(books.task(), Ring(RingState.DELIVERED, NOW))
    assert ring
    books.ledger.commit(ring)
    after = books.ledger.commit(closing(books.task(), NOW))
    assert after == books.task()
    assert (after.status, after.ring, after.closed_at) == (Status.APPLIED, Ring(RingState.DELIVERED, NOW), NOW)
    assert books.events() == ["opened", "refused", "voted", "decided", "rung", "applied"]
    books.assert_unbroken()


RACING: list[Callable[[Task], Change]] = [
    lambda task: answer(task, Decision.REJECT),
    cancelling,
    lambda task: votes.refuse(task, APPROVER, "closed", "", NOW),
]
KINDS = ["a decision", "a withdrawal", "an audit entry"]


@pytest.mark.parametrize("overtaking", [answer, *RACING[1:]], ids=KINDS)
@pytest.mark.parametrize("overtaken", RACING, ids=KINDS)
def test_of_two_changes_to_the_same_version_the_second_is_refused_and_writes_nothing(
    books: Books, overtaking: Callable[[Task], Change], overtaken: Callable[[Task], Change]
) -> None:
    read = books.open()
    books.ledger.commit(overtaking(read))
    before, events = books.task(), books.events()
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(overtaken(read))
    assert (books.task(), books.events()) == (before, events)
    books.assert_unbroken()


def test_a_change_to_an_unknown_task_is_refused(books: Books) -> None:
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(answer(any_task()))
    assert books.ledger.task(TASK_ID) is None
    assert books.events() == []


CLOSED_BY: dict[Status, Callable[[Books], object]] = {
    Status.DECIDED: lambda books: books.ledger.commit(answer(books.task())),
    Status.CANCELLED: lambda books: books.ledger.commit(cancelling(books.task())),
    Status.EXPIRED: lambda books: books.ledger.commit(closing(books.task(), DEADLINE)),
    Status.APPLIED: lambda books: (
        books.ledger.commit(answer(books.task())),
        books.ledger.commit(closing(books.task(), NOW)),
    ),
    Status.OPEN: lambda books: None,
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(
    "transition", [row for row in tasks.TRANSITIONS if row.source], ids=lambda row: f"to {row.target}"
)
def test_a_transition_is_written_from_its_own_source_and_no_other(
    books: Books, transition: tasks.Transition, status: Status
) -> None:
    books.open()
    CLOSED_BY[status](books)
    before = books.task()
    at = {"before": NOW, "passed": DEADLINE, "any": NOW}[transition.deadline]
    change = Change(before, transition, {"superseded": False}, (SEEN,), at)
    if status is transition.source:
        assert books.ledger.commit(change).status is transition.target
    else:
        with pytest.raises(LedgerConflictError):
            books.ledger.commit(change)
        assert books.task() == before
    books.assert_unbroken()


@pytest.mark.parametrize(
    "transition", [tasks.DECIDING, tasks.STAYING, tasks.EXPIRING], ids=lambda row: f"to {row.target}"
)
@pytest.mark.parametrize("late", [-MOMENT, timedelta(0), MOMENT])
def test_the_write_compares_the_deadline_to_the_microsecond(
    books: Books, transition: tasks.Transition, late: timedelta
) -> None:
    before = books.open()
    change = Change(before, transition, {"revision": 1}, (SEEN,), DEADLINE + late)
    allowed = (late < timedelta(0)) == (transition.deadline is tasks.Deadline.BEFORE)
    if allowed:
        assert books.ledger.commit(change).status is transition.target
    else:
        with pytest.raises(LedgerConflictError):
            books.ledger.commit(change)
        assert books.task() == before


def test_the_write_compares_the_deadline_in_the_ledger_not_the_one_that_was_read(books: Books) -> None:
    read = dataclasses.replace(books.open(), expires_at=DEADLINE + timedelta(hours=1))
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(answer(read, at=DEADLINE))
    assert books.task().status is Status.OPEN


@pytest.mark.parametrize("at", [NOW, DEADLINE, DEADLINE + timedelta(days=1)])
def test_withdrawals_and_audit_entries_are_written_at_any_time(books: Books, at: datetime) -> None:
    books.open()
    books.ledger.commit(dataclasses.replace(votes.refuse(books.task(), APPROVER, "closed", "", at), at=at))
    books.ledger.commit(dataclasses.replace(cancelling(books.task()), at=at))
    assert books.task().status is Status.CANCELLED


# Refusals


def test_repeated_refusals_are_counted_without_an_audit_entry_and_conflict_with_no_change(books: Books) -> None:
    read = books.open()
    books.ledger.count_refused(read.task_id)
    books.ledger.count_refused(read.task_id)
    assert (books.ledger.commit(answer(read)).status, books.task().refused_answers) == (Status.DECIDED, 2)
    assert books.events() == ["opened", "voted", "decided"]
    with pytest.raises(LedgerConflictError):
        books.ledger.count_refused("order-2.approval")


# Refreshing


def test_a_refresh_gives_an_open_task_its_new_callback_without_an_audit_entry(books: Books) -> None:
    before = books.open()
    assert books.ledger.refresh(TASK_ID, "callback-2") is True
    assert (books.task(), books.events()) == (dataclasses.replace(before, callback_id="callback-2"), ["opened"])


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OPEN])
def test_a_task_that_is_not_open_keeps_its_callback(books: Books, status: Status) -> None:
    assert books.ledger.refresh(TASK_ID, "callback-2") is False
    assert books.ledger.task(TASK_ID) is None, "an unknown task is not made"
    books.open()
    CLOSED_BY[status](books)
    assert books.ledger.refresh(TASK_ID, "callback-2") is False
    assert books.task().callback_id == CALLBACK_ID


def test_a_refresh_conflicts_with_no_decision_and_its_callback_stays(books: Books) -> None:
    read = books.open()
    books.ledger.refresh(TASK_ID, "callback-2")
    books.ledger.commit(answer(read))
    assert (books.task().status, books.task().callback_id) == (Status.DECIDED, "callback-2")


# Links and mails


@pytest.mark.parametrize(
    "link",
    [Link("f" * 64, TASK_ID, APPROVER), Link("f" * 64, "", APPROVER, Purpose.INBOX, NOW + timedelta(days=7))],
    ids=["review", "inbox"],
)
def test_a_link_is_found_by_the_fingerprint_of_its_token(books: Books, link: Link) -> None:
    books.ledger.put_link(link, DEADLINE)
    assert (books.ledger.link("f" * 64), books.ledger.link("0" * 64)) == (link, None)


def test_a_persons_link_is_no_callback_token_and_a_machines_token_no_link(books: Books) -> None:
    token, link = Link("a" * 64, TASK_ID, "ocr", Purpose.CALLBACK), Link("b" * 64, TASK_ID, APPROVER)
    status = Link("c" * 64, TASK_ID, REQUESTER, Purpose.REQUESTER)
    each = (token, link, status)
    for one in each:
        books.ledger.put_link(one, DEADLINE)
    assert [books.ledger.callback(one.fingerprint) for one in each] == [token, None, None]
    assert [books.ledger.link(one.fingerprint) for one in each] == [None, link, None]
    assert [books.ledger.status_link(one.fingerprint) for one in each] == [None, None, status]


def test_a_link_is_there_before_its_audit_entry(books: Books) -> None:
    link, read = Link("a" * 64, TASK_ID, APPROVER), books.open()
    minted = Change(read, None, {}, (AuditEvent("minted", "approver"),), NOW)
    books.ledger.commit(answer(read))
    with pytest.raises(LedgerConflictError):
        books.ledger.commit_link(minted, link, DEADLINE)
    assert books.ledger.link(link.fingerprint) == link, "its token was not sent"
    another = link._replace(fingerprint="b" * 64)
    books.ledger.commit_link(dataclasses.replace(minted, before=books.task()), another, DEADLINE)
    assert (books.ledger.link(another.fingerprint), books.events()[-1]) == (another, "minted")


# Requests


ASKED = Request(REQUEST_ID, WORKFLOW, "5" * 64, CALLER, created_at=NOW)
SUCCEEDED, FAILED = RequestStatus.SUCCEEDED, RequestStatus.FAILED
RESULT = {"status": "approved", "votes": [{"by": APPROVER, "comment": "ä"}], "none": None, "ratio": 0.5}


def test_an_ask_names_its_last_request_and_only_one_of_two_requests_takes_it_over(books: Books) -> None:
    first, second = ASKED, dataclasses.replace(ASKED, request_id="order-1002")
    assert books.ledger.last_asked("f" * 64) == ""
    for _ in range(2):
        assert books.ledger.submit(first, NOW, Ask("f" * 64, "")) == first
    with pytest.raises(LedgerConflictError):
        books.ledger.submit(second, NOW, Ask("f" * 64, ""))
    assert books.ledger.request(second.request_id) is None
    assert books.ledger.submit(second, NOW, Ask("f" * 64, first.request_id)) == second
    assert books.ledger.last_asked("f" * 64) == second.request_id


def test_a_request_is_kept_as_it_was_first_submitted(books: Books) -> None:
    assert books.ledger.request(REQUEST_ID) is None
    assert books.ledger.submit(ASKED, NOW) == ASKED
    other = Request(REQUEST_ID, "second", "6" * 64, "somebody else")
    assert (books.ledger.submit(other, NOW + timedelta(hours=1)), books.request()) == (ASKED, ASKED)


@pytest.mark.parametrize(("arns", "kept"), [(("arn:1", "arn:2"), "arn:1"), (("",), "")], ids=["twice", "no ARN"])
def test_the_first_start_of_a_request_is_recorded(books: Books, arns: tuple[str, ...], kept: str) -> None:
    books.ledger.submit(ASKED, NOW)
    for arn in arns:
        books.ledger.started(REQUEST_ID, arn)
    assert books.request() == dataclasses.replace(ASKED, status=RequestStatus.RUNNING, execution_arn=kept)
    assert books.ledger.submit(ASKED, NOW).status is RequestStatus.RUNNING


ENDS = [(SUCCEEDED, RESULT, ""), (SUCCEEDED, None, ""), (FAILED, None, "timed_out")]


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(("status", "result", "error"), [*ENDS, (RequestStatus.CANCELLED, None, "withdrawn")])
def test_the_end_of_a_request_is_recorded_with_its_result_or_error(
    books: Books, status: RequestStatus, result: Any, error: str, running: bool
) -> None:
    books.ledger.submit(ASKED, NOW)
    if running:
        books.ledger.started(REQUEST_ID, "arn:1")
    books.ledger.finish(REQUEST_ID, WORKFLOW, status, result, NOW, error)
    request = books.request()
    assert (request.status, request.result, request.input_digest) == (status, result, "5" * 64)
    assert (request.error, request.ended_at) == (error, NOW)


@pytest.mark.parametrize(("first", "second"), [(SUCCEEDED, FAILED), (FAILED, SUCCEEDED)])
def test_neither_another_end_nor_a_late_start_changes_the_first_end(
    books: Books, first: RequestStatus, second: RequestStatus
) -> None:
    books.ledger.submit(ASKED, NOW)
    books.ledger.finish(REQUEST_ID, WORKFLOW, first, RESULT, NOW)
    books.ledger.finish(REQUEST_ID, WORKFLOW, second, None, NOW)
    books.ledger.started(REQUEST_ID, "arn:1")
    assert (books.request().status, books.request().result) == (first, RESULT)


def test_the_end_of_an_execution_without_a_request_is_recorded_too(books: Books) -> None:
    books.ledger.finish(REQUEST_ID, WORKFLOW, SUCCEEDED, RESULT, NOW)
    request = books.request()
    assert (request.workflow, request.status, request.result) == (WORKFLOW, "succeeded", RESULT)


def test_the_start_of_an_unknown_request_is_not_recorded(books: Books) -> None:
    books.ledger.started(REQUEST_ID, "arn:1")
    assert books.ledger.request(REQUEST_ID) is None


MARK = Cancelling("ordered twice", CALLER, NOW)


def withdrawing(task: Task) -> Change:
    return tasks.withdraw(task, CALLER, MARK.reason, NOW, tasks.WITHDRAWN_BY_CALLER)


def test_a_request_is_marked_and_its_tasks_are_withdrawn_in_one_transaction_and_only_once(books: Books) -> None:
    books.ledger.submit(ASKED, NOW)
    books.ledger.started(REQUEST_ID, "arn:1")
    running, first, second = books.request(), books.open(), books.open(task_id="order-1001.second")
    decided = books.ledger.commit(answer(second))
    with pytest.raises(LedgerConflictError):
        books.ledger.cancel(running, MARK, [withdrawing(first), withdrawing(second)])
    assert (books.request(), books.task(), books.task(second.task_id)) == (running, first, decided)
    books.ledger.cancel(running, MARK, [withdrawing(first)])
    assert books.request() == dataclasses.replace(running, cancelling=MARK)
    assert (books.task().status, books.events()) == (Status.CANCELLED, ["opened", "cancelled"])
    books.assert_unbroken()
    with pytest.raises(LedgerConflictError):
        books.ledger.cancel(running, MARK, [])


def test_an_irrevocable_task_is_opened_unless_its_request_is_marked(books: Books) -> None:
    assert books.open(irrevocable=True, request_id="unknown").question.irrevocable
    books.ledger.submit(ASKED, NOW)
    books.open(task_id="order-1001.second", irrevocable=True)
    books.ledger.cancel(books.request(), MARK, [])
    with pytest.raises(LedgerConflictError):
        books.open(task_id="order-1001.third", irrevocable=True)


def test_a_request_that_is_cancelled_before_its_start_is_recorded_ends_and_is_due_no_longer(books: Books) -> None:
    books.ledger.submit(dataclasses.replace(ASKED, input={}), NOW)
    books.ledger.cancel(books.request(), MARK, [])
    books.ledger.started(REQUEST_ID, "arn:1")
    request = books.request()
    assert (request.status, request.error, request.input, request.ended_at) == ("cancelled", "withdrawn", None, NOW)
    assert list(books.ledger.overdue(NOW + timedelta(days=1))) == []
    with pytest.raises(LedgerConflictError):
        books.ledger.cancel(dataclasses.replace(request, status=RequestStatus.RUNNING), MARK, [])


def test_started_requests_are_listed_the_newest_first_from_a_position_and_since_a_time(books: Books) -> None:
    for number in range(4):
        asked = Request(f"order-{number}", WORKFLOW, submitted_by=CALLER, created_at=NOW + timedelta(hours=number))
        books.ledger.submit(dataclasses.replace(asked, input={}), asked.created_at or NOW)
        if number:
            books.ledger.started(asked.request_id, "arn:1")
    books.ledger.finish("order-2", WORKFLOW, FAILED, None, NOW, "timed_out")
    (newest,), position = books.ledger.listed(None, None, 1)
    assert (newest.request_id, newest.status, newest.submitted_by) == ("order-3", "running", CALLER)
    (ended, oldest), end = books.ledger.listed(None, position, 5)
    assert (ended.request_id, ended.error, oldest.request_id, end) == ("order-2", "timed_out", "order-1", None)
    since = books.ledger.listed(NOW + timedelta(hours=2), None, 5)
    assert ([request.request_id for request in since[0]], since[1]) == (["order-3", "order-2"], None)


# The outbox and the inbox


def test_the_outbox_of_a_change_is_written_with_it(books: Books) -> None:
    change = votes.delegate(books.open(), APPROVER, "li@example.com", "203.0.113.0/24", NOW)
    change = dataclasses.replace(change, outbox={"delegated#1": {"kind": "approval.requested"}})
    books.ledger.commit(change)
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(change)
    assert books.task().delegations == (Delegation(APPROVER, "li@example.com", NOW),)
    assert books.task().audience == ("li@example.com",)
    assert books.events() == ["opened", "delegated"]
    books.assert_unbroken()


def test_an_envelope_of_one_name_is_put_into_the_outbox_once_in_a_pause(kit: Kit) -> None:
    pause = timedelta(minutes=5)
    for seconds in (0, 1, 299, 300, 301, 600):
        kit.ledger.put_outbox(TASK_ID, "inbox#1", {"kind": "approval.inbox"}, NOW + timedelta(seconds=seconds), pause)
    kit.ledger.put_outbox(TASK_ID, "inbox#2", {"kind": "approval.inbox"}, NOW, pause)
    names = [sk for _, sk in kit.items() if sk.startswith("OUTBOX#")]
    assert sorted(name.split("#")[1] + name.split("#")[2][:1] for name in names) == ["inbox1"] * 3 + ["inbox2"]
    new = [record for record in kit.stream() if record["dynamodb"]["Keys"]["sk"]["S"].startswith("OUTBOX#")]
    assert [record["eventName"] for record in new] == ["INSERT"] * 4, "the publisher receives new items only"


def test_an_inbox_lists_each_task_that_its_owner_has_a_link_to_once(books: Books) -> None:
    for number in range(2):
        books.mailed(number, timedelta(hours=1), links=2)
    books.open(task_id="order-2.approval")
    books.ledger.put_link(Link("ab" * 32, "order-2.approval", OTHER_APPROVER), DEADLINE)
    books.ledger.put_link(Link("cc" * 32, "", APPROVER, Purpose.INBOX, DEADLINE), DEADLINE)
    books.ledger.put_link(Link("dd" * 32, "gone.approval", APPROVER), DEADLINE)
    assert sorted(books.waiting()) == [0, 1]
    assert books.ledger.waiting("nobody@example.com", NOW) == []


def test_more_links_than_dynamodb_reads_in_one_batch_hide_no_task(books: Books) -> None:
    for number in range(101):
        books.ledger.put_link(Link(f"{number:064}", f"gone-{number}.approval", APPROVER), DEADLINE)
    books.mailed(1, timedelta(hours=1))
    assert books.waiting() == [1]


UNANSWERABLE: dict[str, dict[str, Any]] = {
    "withdrawn": {"status": Status.CANCELLED},
    "decided": {"status": Status.DECIDED},
    "handed on": {"audience": (OTHER_APPROVER,)},
    "their own request": {"requester": APPROVER},
    "past its deadline": {"expires_at": NOW},
}


@pytest.mark.parametrize("closed", UNANSWERABLE.values(), ids=UNANSWERABLE)
def test_a_task_that_its_owner_cannot_answer_is_not_listed(books: Books, closed: dict[str, Any]) -> None:
    books.mailed(1, timedelta(hours=1), **closed)
    books.mailed(2, timedelta(hours=1))
    assert books.waiting() == [2]


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of tasks that an inbox lists: few, since moto is slow to open many."""
    for module in ("countersign.domain.links", "countersign.testing.fakes"):
        monkeypatch.setattr(f"{module}.MOST_WAITING", 5)
    return 5


def test_more_closed_tasks_than_an_inbox_lists_hide_no_open_one(books: Books, most: int) -> None:
    for number in range(2 * most + 1):
        books.mailed(number, timedelta(days=100 + number), status=Status.CANCELLED)
    books.mailed(1000, timedelta(hours=2))
    books.mailed(1001, timedelta(days=500))
    assert books.waiting() == [1000, 1001]


def test_hundreds_of_reminders_of_one_task_hide_no_other_task(books: Books) -> None:
    books.mailed(1, timedelta(hours=1))
    books.mailed(3, timedelta(hours=3))
    books.mailed(2, timedelta(hours=2), links=MOST_WAITING + 1)
    assert books.waiting() == [1, 2, 3]


def test_an_inbox_lists_the_tasks_that_end_first(books: Books, most: int) -> None:
    for number in reversed(range(2 * most + 1)):
        books.mailed(number, timedelta(minutes=1 + number), links=2)
    assert books.waiting() == list(range(most))


def test_what_is_next_is_what_waits_for_a_first_vote_and_ends_first(books: Books) -> None:
    own = books.mailed(0, timedelta(minutes=1))
    books.mailed(1, timedelta(minutes=3), links=2)
    books.mailed(2, timedelta(minutes=2))
    books.mailed(3, timedelta(minutes=4), exchanges=(any_exchange(),))
    voted = books.mailed(4, timedelta(minutes=5), audience=(APPROVER, OTHER_APPROVER), rule=any_rule())
    books.ledger.commit(answer(voted))
    found = books.ledger.next_waiting(APPROVER, NOW, own.task_id)
    assert [task.task_id for task in found] == ["order-2.approval", "order-1.approval"]
    assert books.ledger.next_waiting(OTHER_APPROVER, NOW, "") == []


def test_an_extended_task_is_listed_by_its_new_deadline(books: Books) -> None:
    task = books.mailed(1, timedelta(hours=1))
    for hours in (5, 20):
        task = books.extend(task, timedelta(hours=hours))
    for number, hours in ((2, 8), (3, 21)):
        books.mailed(number, timedelta(hours=hours))
    assert books.waiting() == [2, 1, 3]
    assert books.waiting(NOW + timedelta(hours=2)) == [2, 1, 3], "the link has its first deadline"
    assert books.waiting(NOW + timedelta(hours=20)) == [3]


def test_as_many_extended_tasks_as_an_inbox_lists_hide_none_that_ends_before_them(books: Books, most: int) -> None:
    for number in range(most):
        books.extend(books.mailed(number, timedelta(hours=1)), timedelta(hours=20, seconds=number))
    books.mailed(1000, timedelta(hours=2))
    assert books.waiting() == [1000, *range(most - 1)]
