"""Waits for people: opening, hand-offs, reading, cancelling, and approval by policy."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from countersign.contracts import envelope
from countersign.domain.errors import HandOffRejectedError, LedgerUnavailableError
from countersign.domain.people import Absence, Entry
from countersign.domain.policy import POLICY_ACTOR
from countersign.domain.questions import Person
from countersign.domain.rules import Decision
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Delegation, Status, Task, Vote
from countersign.services.waits import COMMENT_BUDGET, DUPLICATE, FailedHandOff, Waits
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    CALLBACK_ID,
    CALLER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    WORKFLOW,
    any_decided_task,
    any_question,
    any_task,
    any_wait,
    is_unbroken,
)
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryHandOff, MemoryLedger


class Setup:
    """The use case with its ports in memory."""

    def __init__(self, standing: Task | None = None, refusals: int = 0) -> None:
        self.ledger = MemoryLedger()
        self.hand_off = MemoryHandOff(refusals)
        self.directory = MemoryDirectory()
        self.clock = FixedClock(NOW)
        self.waits = Waits(
            self.ledger, self.hand_off, self.directory, self.clock, WORKFLOW, "https://api.example.com/callbacks"
        )
        if standing:
            self.ledger.standing[standing.task_id] = standing

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]

    @property
    def events(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.entries]


# Opening
def test_an_opened_task_has_question_audience_deadline_and_digest() -> None:
    setup = Setup()
    wait = any_wait(audience=(f" {APPROVER.upper()}", APPROVER, OTHER_APPROVER))
    report = setup.waits.open(wait, any_question(elsewhere=(COLLEAGUE.upper(),)))
    task = setup.task
    assert report == {
        "status": "OPEN",
        "at": "2026-03-01T09:00:00.000000Z",
        "expires_at": "2026-03-01T10:00:00.000000Z",
    }
    assert (task.status, task.question.kind) == (Status.OPEN, "approval")
    assert (task.workflow, task.request_id) == (WORKFLOW, "order-1001")
    assert (task.opened_by, task.callback_id) == (digest(CALLBACK_ID), CALLBACK_ID)
    assert task.audience == (APPROVER, OTHER_APPROVER), "one person in two spellings is one recipient"
    assert task.question.elsewhere == (COLLEAGUE,)
    assert (task.expires_at, task.max_expires_at) == (NOW + timedelta(hours=1), NOW + timedelta(days=1))
    assert (task.shown, setup.events) == (any_question().digest(), ["opened"])
    assert is_unbroken(setup.ledger.entries, task.audit_head, task.audit_seq)


@pytest.mark.parametrize(
    ("requester", "reason"), [(REQUESTER, None), ("shop-orders", "no_address"), (APPROVER, "approver")]
)
def test_a_task_has_whether_its_requester_is_told_and_its_audit_why_not(requester: str, reason: str | None) -> None:
    setup = Setup()
    setup.waits.open(any_wait(audience=(APPROVER, OTHER_APPROVER)), any_question(requester=requester))
    assert setup.task.tells_requester is (reason is None)
    assert setup.ledger.entries[0].event.data.get("requester_not_told") == reason
    setup = Setup()
    setup.waits.approve_by_policy(any_wait(audience=()), any_question(requester=requester))
    assert setup.task.tells_requester is (reason != "no_address"), "a policy asks nobody"


def test_the_audit_of_a_task_outlives_the_last_moment_at_which_it_can_end() -> None:
    setup = Setup()
    dataclasses.replace(setup.waits, audit_keep=timedelta(days=400)).open(any_wait(), any_question())
    latest = NOW + timedelta(days=1 + 400)
    assert {entry.ttl for entry in setup.ledger.entries} == {setup.task.audit_ttl} == {latest.timestamp()}


def test_a_task_keeps_its_question_and_the_digest_of_what_it_shows() -> None:
    setup, question = Setup(), any_question(attachments=ATTACHMENTS, amount="250.00 EUR")
    setup.waits.open(any_wait(submitted_by=CALLER), question)
    assert (setup.task.question, setup.task.submitted_by) == (question, CALLER)
    shown = any_question(attachments=ATTACHMENTS).digest(CALLER)
    assert setup.task.shown == shown, "the amount for channels is outside the digest"
    assert any_question(attachments=ATTACHMENTS, on_behalf_of=COLLEAGUE).digest(CALLER) != shown


def test_a_task_keeps_what_the_directory_says_about_its_people_as_readers() -> None:
    setup, maria = Setup(), Person(name="Maria Rossi", language="de")
    setup.directory.known = {APPROVER: Entry(APPROVER, (), maria), REQUESTER: Entry(REQUESTER)}
    setup.waits.open(any_wait(), any_question())
    assert setup.task.question.people == {APPROVER: maria}


def test_an_opening_hands_the_task_off_in_a_valid_envelope() -> None:
    setup = Setup()
    setup.waits.open(any_wait(), any_question())
    (sent,) = setup.hand_off.sent
    assert envelope.read(dict(sent)) == envelope.requested(setup.task)
    assert (sent["kind"], sent["attempt"], sent["task"]["recipients"]) == ("approval.requested", 1, [APPROVER])


def test_an_opening_of_a_decided_task_hands_nothing_off() -> None:
    setup = Setup(any_decided_task())
    report = setup.waits.open(any_wait(), any_question())
    assert (report["status"], report["outcome"]) == ("DECIDED", "approved")
    assert "duplicate" not in report
    assert setup.hand_off.sent == []


def test_the_id_of_a_removed_task_cannot_be_used_again() -> None:
    setup = Setup()
    setup.waits.open(any_wait(), any_question())
    del setup.ledger.standing[TASK_ID]  # by TTL; the audit is kept
    entries = list(setup.ledger.entries)
    waits, wait = setup.waits, any_wait()
    assert (waits.open(wait, any_question()), waits.approve_by_policy(wait, any_question())) == (DUPLICATE, DUPLICATE)
    assert (waits.cancel(wait, "hand_off_failed"), waits.withdraw(wait)) == (DUPLICATE, DUPLICATE)
    assert setup.ledger.entries == entries


@pytest.mark.parametrize("standing", [any_task(opened_by="another"), any_decided_task(opened_by="another")])
def test_a_task_of_another_wait_is_reported_as_a_duplicate(standing: Task) -> None:
    setup = Setup(standing)
    assert setup.waits.open(any_wait(), any_question())["duplicate"] is True
    assert (setup.hand_off.sent, setup.task) == ([], standing)


def test_the_loser_of_a_race_to_open_reads_the_task_of_the_winner() -> None:
    setup = Setup()
    setup.ledger.before_write = lambda _: setup.ledger.standing.update({TASK_ID: any_task(title="first")})
    setup.waits.open(any_wait(), any_question())
    assert setup.task.question.title == "first"


# Refreshing
def test_a_refresh_stores_the_new_callback_and_sends_nothing() -> None:
    setup = Setup(any_task())
    assert setup.waits.refresh(any_wait(), "callback-2")["status"] == "OPEN"
    assert (setup.task.callback_id, setup.task.opened_by) == ("callback-2", digest(CALLBACK_ID))
    assert setup.hand_off.sent == []


def test_a_refresh_that_loses_a_race_is_tried_again() -> None:
    setup = Setup(any_task())
    refresh, losses = setup.ledger.refresh, [False, False]
    setup.ledger.refresh = lambda *given: losses.pop() if losses else refresh(*given)  # type: ignore[method-assign]
    setup.waits.refresh(any_wait(), "callback-2")
    assert setup.task.callback_id == "callback-2", "or the ring of a decision is lost"


def test_a_due_reminder_is_handed_off_with_its_number_and_audited() -> None:
    setup = Setup(any_task())
    setup.waits.hand_off_again(any_wait(), "callback-2", 3, (), remind=True)
    (sent,) = setup.hand_off.sent
    assert (sent["kind"], sent["attempt"]) == ("approval.reminder", 3)
    assert (setup.task.hand_off, setup.task.callback_id, setup.events) == (3, "callback-2", ["reminded"])


def test_a_retried_escalation_is_recorded_once_and_sent_again() -> None:
    setup = Setup(any_task())
    for callback_id in ("callback-2", "callback-4"):
        setup.waits.hand_off_again(any_wait(), callback_id, 2, ("Boss@example.com",), remind=False)
    assert (setup.events, setup.task.callback_id) == (["escalated"], "callback-4")
    assert [sent["task"]["recipients"] for sent in setup.hand_off.sent] == [["boss@example.com"]] * 2


def test_a_task_past_its_deadline_has_no_reminder() -> None:
    setup = Setup(any_task(expires_at=NOW))
    assert setup.waits.hand_off_again(any_wait(), "callback-2", 2, (), remind=True)["status"] == "OPEN"
    assert (setup.hand_off.sent, setup.events) == ([], [])


@pytest.mark.parametrize("standing", [any_decided_task(), any_task(status=Status.CANCELLED)])
def test_a_task_that_is_not_open_is_not_refreshed_or_handed_off(standing: Task) -> None:
    setup = Setup(standing)
    assert setup.waits.refresh(any_wait(), "callback-2")["status"] == standing.status
    assert setup.waits.hand_off_again(any_wait(), "callback-2", 2, (), remind=True)["status"] == standing.status
    failed = FailedHandOff(2, "approval open 2")
    assert setup.waits.hand_off_failed(any_wait(), "callback-2", failed)["status"] == standing.status
    assert (setup.task, setup.hand_off.sent) == (standing, [])


def test_a_failed_hand_off_is_recorded_once() -> None:
    setup = Setup(any_task())
    for _ in range(2):
        setup.waits.hand_off_failed(any_wait(), "callback-2", FailedHandOff(2, "approval open 2"))
    assert (setup.events, setup.task.callback_id) == (["hand_off_failed"], "callback-2")


def test_a_removed_task_raises_an_error_with_its_id() -> None:
    with pytest.raises(LookupError, match=TASK_ID):
        Setup().waits.refresh(any_wait(), "callback-2")
    with pytest.raises(LookupError, match=TASK_ID):
        Setup().waits.read(any_wait())


# Reading
def test_reading_a_decision_applies_it_and_returns_who_decided_when_and_why() -> None:
    setup = Setup(any_decided_task(Decision.REJECT))
    report = setup.waits.read(any_wait())
    at = "2026-03-01T09:01:00.000000Z"
    assert report == {
        "status": "APPLIED",
        "at": "2026-03-01T09:00:00.000000Z",
        "expires_at": "2026-03-01T10:00:00.000000Z",
        "outcome": "rejected",
        "decided_by": [APPROVER],
        "decided_at": at,
        "votes": [{"by": APPROVER, "decision": "reject", "comment": "Go ahead", "at": at}],
    }
    assert setup.events == ["applied"]


def test_reading_twice_applies_once_and_returns_the_same_decision() -> None:
    setup = Setup(any_decided_task())
    first = setup.waits.read(any_wait())
    setup.clock.move(seconds=5)
    assert (setup.waits.read(any_wait()), setup.events) == (first | {"at": "2026-03-01T09:00:05.000000Z"}, ["applied"])


def test_a_decided_task_that_is_withdrawn_is_marked_superseded() -> None:
    setup = Setup(any_decided_task())
    assert setup.waits.withdraw(any_wait())["status"] == "APPLIED"
    assert setup.task.superseded


def test_an_answer_during_the_reading_is_returned() -> None:
    setup = Setup(any_task())
    setup.clock.move(hours=1)
    setup.ledger.before_write = lambda _: setup.ledger.standing.update({TASK_ID: any_decided_task()})
    report = setup.waits.read(any_wait())
    assert (report["status"], report["outcome"]) == ("APPLIED", "approved")
    assert "expired" not in setup.events


@pytest.mark.parametrize("voters", [1, 5, 20])
def test_comments_are_cut_to_the_size_of_a_checkpoint_and_stay_whole_in_the_ledger(voters: int) -> None:
    people = tuple(f"p{number:02}@example.com" for number in range(voters))
    votes = {person: Vote(Decision.APPROVE, "ä" * 2000, NOW) for person in people}
    setup = Setup(any_decided_task(audience=people, votes=votes, decided_by=people))
    report = setup.waits.read(any_wait())
    assert sum(len(vote["comment"]) for vote in report["votes"]) <= COMMENT_BUDGET
    assert len(json.dumps(report).encode()) < 200_000
    assert [len(setup.task.votes[person].comment) for person in people] == [2000] * voters
    assert all(vote["comment"].endswith("…") for vote in report["votes"]) == (voters > 5)


# Cancelling
def test_a_task_cancelled_before_its_opening_cannot_open() -> None:
    setup = Setup()
    assert setup.waits.cancel(any_wait(), "hand_off_failed")["status"] == "CANCELLED"
    assert setup.waits.open(any_wait(), any_question())["status"] == "CANCELLED"
    assert (setup.task.status, setup.task.closed_because) == (Status.CANCELLED, "hand_off_failed")
    assert (setup.hand_off.sent, setup.events) == ([], ["cancelled"])


# Approving by policy
BY_POLICY = any_wait(first_callback_id=POLICY_ACTOR)


def test_an_approval_by_policy_is_applied_at_once_and_audited() -> None:
    setup = Setup()
    report = setup.waits.approve_by_policy(BY_POLICY, any_question(policy="v7"))
    assert (report["status"], report["outcome"], report["decided_by"]) == ("APPLIED", "approved", ["policy"])
    assert report["votes"] == []
    assert (setup.task.status, setup.task.closed_at, setup.task.audience) == (Status.APPLIED, NOW, ())
    assert setup.events == ["opened", "decided", "applied"]
    assert {(entry.event.actor, entry.policy) for entry in setup.ledger.entries} == {("policy v7", "v7")}
    assert is_unbroken(setup.ledger.entries, setup.task.audit_head, setup.task.audit_seq)
    assert setup.hand_off.sent == []


def test_a_retried_approval_by_policy_changes_nothing() -> None:
    setup = Setup()
    first = setup.waits.approve_by_policy(BY_POLICY, any_question(policy="v7"))
    setup.clock.move(minutes=1)
    assert setup.waits.approve_by_policy(BY_POLICY, any_question(policy="v7")) | {"at": first["at"]} == first
    assert setup.events == ["opened", "decided", "applied"]


@pytest.mark.parametrize("standing", [any_task(), any_task(title="another", opened_by=digest(POLICY_ACTOR))])
def test_a_task_of_another_question_is_not_approved_by_policy(standing: Task) -> None:
    assert Setup(standing).waits.approve_by_policy(BY_POLICY, any_question())["duplicate"] is True


def test_a_withdrawal_before_the_policy_approves_wins() -> None:
    setup = Setup(any_task(status=Status.CANCELLED, opened_by="", shown=""))
    report = setup.waits.approve_by_policy(BY_POLICY, any_question())
    assert (report["status"], report.get("duplicate")) == ("CANCELLED", None)


# Absent people and aliases
COLLEAGUE = "li@example.com"


def away(person: str, to: str) -> Entry:
    return Entry(person, (Absence(NOW - timedelta(days=1), NOW + timedelta(days=1), to),))


def test_the_stand_in_of_an_absent_approver_gets_the_mail() -> None:
    setup = Setup()
    setup.directory.known[APPROVER] = away(APPROVER, COLLEAGUE)
    setup.waits.open(any_wait(), any_question())
    assert setup.task.audience == (COLLEAGUE,)
    assert setup.task.delegations == (Delegation(APPROVER, COLLEAGUE, NOW, standing=True),)
    assert (setup.hand_off.sent[0]["task"]["recipients"], setup.events) == ([COLLEAGUE], ["opened", "delegated"])
    assert is_unbroken(setup.ledger.entries, setup.task.audit_head, setup.task.audit_seq)


def test_a_retried_opening_keeps_the_audience() -> None:
    setup = Setup(refusals=1)
    with pytest.raises(HandOffRejectedError):
        setup.waits.open(any_wait(), any_question())
    setup.directory.known[APPROVER] = away(APPROVER, COLLEAGUE)
    setup.waits.open(any_wait(), any_question())
    assert (setup.events, setup.task.audience) == (["opened"], (APPROVER,))
    assert [sent["task"]["recipients"] for sent in setup.hand_off.sent] == [[APPROVER]]


def test_an_opened_task_has_the_aliases_of_the_requester() -> None:
    setup = Setup()
    setup.directory.known["r.diaz@example.com"] = Entry(REQUESTER)
    setup.waits.open(any_wait(audience=("r.diaz@example.com", APPROVER)), any_question())
    assert setup.task.is_requester("r.diaz@example.com")
    assert setup.task.voters == (APPROVER,)


def test_a_directory_without_an_answer_opens_no_task_and_applies_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    def be_down(*_: object, **__: object) -> Any:
        raise LedgerUnavailableError("directory")

    monkeypatch.setattr(MemoryDirectory, "entries", be_down)
    setup, decided = Setup(), Setup(any_decided_task())
    with pytest.raises(LedgerUnavailableError):
        setup.waits.open(any_wait(), any_question())
    with pytest.raises(LedgerUnavailableError):
        decided.waits.read(any_wait())
    assert (setup.ledger.standing, decided.task) == ({}, any_decided_task())


def test_an_escalation_to_an_absent_person_reaches_the_stand_in_at_every_retry() -> None:
    setup = Setup(any_task(), refusals=1)
    setup.directory.known[OTHER_APPROVER] = away(OTHER_APPROVER, COLLEAGUE)
    with pytest.raises(HandOffRejectedError):
        setup.waits.hand_off_again(any_wait(), "callback-2", 2, (OTHER_APPROVER,), remind=False)
    setup.directory.known[OTHER_APPROVER] = Entry(OTHER_APPROVER)
    setup.waits.hand_off_again(any_wait(), "callback-2", 2, (OTHER_APPROVER,), remind=False)
    assert setup.task.audience == (APPROVER, COLLEAGUE)
    assert setup.events == ["escalated", "delegated"]
    (sent,) = setup.hand_off.sent
    assert (sent["kind"], sent["task"]["recipients"]) == ("approval.escalated", [COLLEAGUE])


@pytest.mark.parametrize(
    "task",
    [
        any_task(audience=(COLLEAGUE,), delegations=(Delegation(APPROVER, COLLEAGUE, NOW),)),
        any_task(audience=(COLLEAGUE,), elsewhere=(APPROVER,)),
        any_task(audience=(COLLEAGUE,), on_behalf_of=APPROVER.upper()),
    ],
    ids=["has delegated", "decides another task", "is asked for"],
)
def test_an_absent_person_stays_in_the_audience_without_a_possible_stand_in(task: Task) -> None:
    setup = Setup(task)
    setup.directory.known[OTHER_APPROVER] = away(OTHER_APPROVER, APPROVER)
    setup.waits.hand_off_again(any_wait(), "callback-2", 2, (OTHER_APPROVER,), remind=False)
    assert setup.task.audience == (COLLEAGUE, OTHER_APPROVER)
    assert setup.hand_off.sent[0]["task"]["recipients"] == [OTHER_APPROVER]


def test_a_task_learns_what_the_directory_says_about_people_whom_an_escalation_adds() -> None:
    setup, otto = Setup(any_task(people={APPROVER: {"name": "Maria"}})), Person(name="Otto", language="de")
    setup.directory.known = {OTHER_APPROVER: Entry(OTHER_APPROVER, profile=otto)}
    setup.waits.hand_off_again(any_wait(), "callback-2", 3, (OTHER_APPROVER,), remind=False)
    assert setup.task.people == {APPROVER: {"name": "Maria"}, OTHER_APPROVER: otto}


def test_an_escalation_is_handed_off_only_to_people_who_may_vote() -> None:
    setup = Setup(any_task())
    setup.waits.hand_off_again(any_wait(), "callback-2", 2, (REQUESTER, OTHER_APPROVER), remind=False)
    assert setup.hand_off.sent[0]["task"]["recipients"] == [OTHER_APPROVER]


def test_a_reminder_reaches_the_colleague_without_a_lookup() -> None:
    setup = Setup(any_task(audience=(COLLEAGUE,), delegations=(Delegation(APPROVER, COLLEAGUE, NOW),)))
    setup.directory.entries = lambda *_, **__: pytest.fail("a reminder asks nobody new")  # type: ignore[method-assign]
    setup.waits.hand_off_again(any_wait(), "callback-2", 2, (), remind=True)
    assert setup.hand_off.sent[0]["task"]["recipients"] == [COLLEAGUE]


# Unsound decisions
def test_a_decision_by_a_new_alias_of_the_requester_is_not_applied() -> None:
    setup = Setup(any_decided_task())
    setup.directory.known[APPROVER] = Entry(REQUESTER)
    assert [setup.waits.read(any_wait())["unsound"] for _ in range(2)] == [True, True]
    assert setup.task.status is Status.DECIDED
    assert [entry.event.event for entry in setup.ledger.entries] == ["found_unsound"]


@pytest.mark.parametrize("task", [any_task(), any_task(expires_at=NOW), any_task(status=Status.CANCELLED)])
def test_a_wait_without_a_decision_needs_no_lookup(task: Task) -> None:
    setup = Setup(task)
    setup.directory.entries = lambda *_, **__: pytest.fail("it looked somebody up")  # type: ignore[method-assign]
    setup.waits.read(any_wait())
