"""Tasks: what may follow what, and what an answer, a reading, a withdrawal and a ring do."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain import tasks
from countersign.domain.errors import (
    DecidedOtherwiseError,
    DetailsChangedError,
    OwnRequestError,
    ReviewRefusedError,
    TaskClosedError,
)
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Deadline, Ring, Status, Task, Vote, shown_digest, task_id_of
from tests.builders import (
    APPROVER,
    DETAILS,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TITLE,
    any_decided_task,
    any_rule,
    any_task,
)

APPROVE, REJECT = Decision.APPROVE, Decision.REJECT
SOURCE = "203.0.113.0/24"
DEADLINE = any_task().expires_at


def answer(task: Task, decision: Decision = APPROVE, **changes: Any) -> tasks.Change | None:
    """Answer with the approver's link, what the page showed, a moment after the opening."""
    given_: dict[str, Any] = {
        "recipient": APPROVER,
        "decision": decision,
        "comment": "",
        "shown": task.shown,
        "source": SOURCE,
        "now": NOW + timedelta(minutes=5),
    }
    return tasks.answer(task, **given_ | changes)


# The table


def test_the_table_of_transitions_has_these_rows_and_no_other() -> None:
    assert {(row.source, row.target, row.deadline) for row in tasks.TRANSITIONS} == {
        (None, Status.OPEN, Deadline.ANY),
        (Status.OPEN, Status.OPEN, Deadline.BEFORE),
        (Status.OPEN, Status.DECIDED, Deadline.BEFORE),
        (Status.OPEN, Status.EXPIRED, Deadline.PASSED),
        (Status.OPEN, Status.CANCELLED, Deadline.ANY),
        (None, Status.CANCELLED, Deadline.ANY),
        (None, Status.APPLIED, Deadline.ANY),
        (Status.DECIDED, Status.APPLIED, Deadline.ANY),
    }
    assert len(tasks.TRANSITIONS) == 8


def test_nothing_follows_an_applied_an_expired_or_a_cancelled_task() -> None:
    ends = {Status.APPLIED, Status.EXPIRED, Status.CANCELLED}
    assert {row.source for row in tasks.TRANSITIONS}.isdisjoint(ends)
    assert set(Status) - ends == tasks.LIVE


def test_a_decision_has_one_way_in_so_that_there_is_at_most_one() -> None:
    assert [row for row in tasks.TRANSITIONS if row.target is Status.DECIDED] == [tasks.DECIDING]


def test_every_transition_says_who_makes_it() -> None:
    assert all(row.by for row in tasks.TRANSITIONS)


# Answering


@pytest.mark.parametrize(("decision", "outcome"), [(APPROVE, Outcome.APPROVED), (REJECT, Outcome.REJECTED)])
def test_a_vote_that_satisfies_the_rule_decides(decision: Decision, outcome: Outcome) -> None:
    task, now = any_task(revision=4), NOW + timedelta(minutes=5)
    change = answer(task, decision, comment="Go ahead")
    assert change
    assert change.transition is tasks.DECIDING
    assert change.before is task
    assert change.at == now
    assert change.fields == {
        "votes": {APPROVER: Vote(decision, "Go ahead", now)},
        "revision": 5,
        "outcome": outcome,
        "decided_by": (APPROVER,),
        "decided_at": now,
    }


def test_a_deciding_vote_is_two_audit_entries_with_who_from_where_and_why() -> None:
    change = answer(any_task(), REJECT, comment="Too dear")
    assert change
    voted, decided = change.events
    assert (voted.event, voted.actor, voted.identified_by, voted.source) == ("voted", APPROVER, "review link", SOURCE)
    assert voted.data == {"decision": "reject", "comment": "Too dear"}
    assert (decided.event, decided.data) == ("decided", {"outcome": "rejected"})


def test_a_vote_that_does_not_satisfy_the_rule_leaves_the_task_open() -> None:
    task = any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"))
    change = answer(task)
    assert change
    assert change.transition is tasks.STAYING
    assert set(change.fields) == {"votes", "revision"}
    assert [event.event for event in change.events] == ["voted"]


def test_the_last_vote_that_was_missing_decides_and_keeps_those_before() -> None:
    earlier = Vote(APPROVE, "", NOW)
    task = any_task(
        audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"), votes={OTHER_APPROVER: earlier}, revision=1
    )
    change = answer(task)
    assert change
    assert change.transition is tasks.DECIDING
    assert change.fields["decided_by"] == (APPROVER, OTHER_APPROVER)
    assert change.fields["votes"][OTHER_APPROVER] is earlier


def test_a_person_may_change_their_vote_while_the_task_is_open() -> None:
    task = any_task(
        audience=(APPROVER, OTHER_APPROVER),
        rule=any_rule("quorum", k=2, veto=False),
        votes={APPROVER: Vote(APPROVE, "", NOW)},
        revision=1,
    )
    change = answer(task, REJECT)
    assert change
    assert change.fields["votes"][APPROVER].decision is REJECT


def test_a_requester_among_the_approvers_is_not_one_whose_vote_is_waited_for() -> None:
    task = any_task(audience=(APPROVER, REQUESTER), requester=f" {REQUESTER.upper()}", rule=any_rule("all"))
    assert task.voters == (APPROVER,)
    change = answer(task)
    assert change
    assert change.transition is tasks.DECIDING


@pytest.mark.parametrize("status", [Status.DECIDED, Status.APPLIED, Status.OPEN, Status.CANCELLED])
def test_the_same_decision_again_by_the_same_person_changes_nothing_and_is_no_error(status: Status) -> None:
    assert answer(any_decided_task(status=status), APPROVE, now=DEADLINE + timedelta(days=1), shown="other") is None


REFUSALS: list[tuple[type[ReviewRefusedError], dict[str, Any], dict[str, Any]]] = [
    (OwnRequestError, {"requester": f" {APPROVER.upper()}"}, {}),
    (
        DecidedOtherwiseError,
        {"status": Status.DECIDED, "votes": {APPROVER: Vote(REJECT, "", NOW)}, "outcome": Outcome.REJECTED},
        {},
    ),
    (TaskClosedError, {}, {"now": DEADLINE}),
    (DetailsChangedError, {}, {"shown": "0" * 64}),
]
"""In the order of the contract: the refusal, what is wrong with the task, what is wrong with the answer."""


@pytest.mark.parametrize("place", range(len(REFUSALS)), ids=[error.__name__ for error, _, _ in REFUSALS])
def test_the_first_reason_of_the_contract_counts_when_several_apply(place: int) -> None:
    task = any_task()
    changes: dict[str, Any] = {}
    for _, of_task, of_answer in reversed(REFUSALS[place:]):
        task = dataclasses.replace(task, **of_task)
        changes |= of_answer
    with pytest.raises(ReviewRefusedError) as refusal:
        answer(task, **{"shown": any_task().shown} | changes)
    assert type(refusal.value) is REFUSALS[place][0]


def test_the_requester_may_not_even_repeat_a_decision() -> None:
    task = any_decided_task(requester=APPROVER)
    with pytest.raises(OwnRequestError):
        answer(task)


def test_a_requester_who_spells_their_address_otherwise_is_the_requester_still() -> None:
    with pytest.raises(OwnRequestError):
        answer(any_task(requester="Maria@EXAMPLE.com "))


@pytest.mark.parametrize("status", [Status.DECIDED, Status.APPLIED])
def test_another_person_hears_that_it_is_decided_even_if_they_say_the_same(status: Status) -> None:
    with pytest.raises(DecidedOtherwiseError):
        answer(any_decided_task(status=status), APPROVE, recipient=OTHER_APPROVER)


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.CANCELLED])
def test_a_closed_task_takes_no_answer(status: Status) -> None:
    with pytest.raises(TaskClosedError):
        answer(any_task(status=status))


def test_an_answer_counts_until_the_microsecond_before_the_deadline() -> None:
    assert answer(any_task(), now=DEADLINE - timedelta(microseconds=1))
    for late in (DEADLINE, DEADLINE + timedelta(microseconds=1)):
        with pytest.raises(TaskClosedError):
            answer(any_task(), now=late)


@given(
    st.sampled_from(Status),
    st.sampled_from(Decision),
    st.sampled_from([APPROVER, OTHER_APPROVER, REQUESTER]),
    st.booleans(),
    st.integers(-2, 2),
)
def test_no_answer_changes_a_task_that_is_not_open_in_time_and_as_shown(
    status: Status, decision: Decision, recipient: str, honest: bool, seconds_late: int
) -> None:
    task = any_task(status=status, audience=(APPROVER, OTHER_APPROVER))
    now = DEADLINE + timedelta(seconds=seconds_late)
    try:
        change = answer(task, decision, recipient=recipient, shown=task.shown if honest else "", now=now)
    except ReviewRefusedError:
        change = None
    allowed = status is Status.OPEN and recipient != REQUESTER and honest and seconds_late < 0
    assert (change is not None) == allowed


def test_a_refusal_is_an_audit_entry_and_changes_nothing_else() -> None:
    task = any_task()
    change = tasks.refuse(task, APPROVER, "closed", SOURCE, NOW)
    assert (change.transition, change.fields) == (None, {})
    (event,) = change.events
    assert (event.event, event.actor, event.source, event.data) == ("refused", APPROVER, SOURCE, {"reason": "closed"})


# Reading


@pytest.mark.parametrize("superseded", [False, True])
@pytest.mark.parametrize("now", [NOW, DEADLINE + timedelta(days=1)])
def test_reading_a_decided_task_applies_it_whatever_the_time(superseded: bool, now: Any) -> None:
    change = tasks.close(any_decided_task(), now, superseded=superseded)
    assert change
    assert change.transition is tasks.APPLYING
    assert change.fields == {"superseded": superseded, "closed_at": now}
    assert [event.event for event in change.events] == ["applied"]


def test_reading_an_open_task_expires_it_from_its_deadline_on() -> None:
    assert tasks.close(any_task(), DEADLINE - timedelta(microseconds=1)) is None
    change = tasks.close(any_task(), DEADLINE)
    assert change
    assert change.transition is tasks.EXPIRING
    assert change.fields == {"closed_at": DEADLINE}
    assert [event.event for event in change.events] == ["expired"]


@pytest.mark.parametrize("status", [Status.APPLIED, Status.EXPIRED, Status.CANCELLED])
def test_reading_a_closed_task_changes_nothing(status: Status) -> None:
    assert tasks.close(any_task(status=status), DEADLINE + timedelta(days=1)) is None


# Withdrawing


@pytest.mark.parametrize("now", [NOW, DEADLINE])
def test_an_open_task_can_be_withdrawn_before_and_after_its_deadline(now: Any) -> None:
    change = tasks.cancel(any_task(), "executions", "execution_failed", now)
    assert change
    assert change.transition is tasks.CANCELLING
    assert change.fields == {"closed_at": now}
    (event,) = change.events
    assert (event.event, event.actor, event.data) == ("cancelled", "executions", {"reason": "execution_failed"})


@pytest.mark.parametrize("status", set(Status) - {Status.OPEN})
def test_a_decision_made_before_a_withdrawal_wins(status: Status) -> None:
    assert tasks.cancel(any_decided_task(status=status), "executions", "execution_failed", NOW) is None


# Ringing


@pytest.mark.parametrize("state", ["delivered", "closed", "failed"])
@pytest.mark.parametrize("before", [None, "closed", "failed"])
def test_how_a_ring_went_is_kept_with_the_task(state: str, before: str | None) -> None:
    ring = Ring(state, NOW, "SomeException")
    change = tasks.rung(any_decided_task(ring=before and Ring(before, NOW)), ring)
    assert change
    assert (change.transition, change.fields) == (None, {"ring": ring})
    assert change.events[0].data == {"state": state, "error": "SomeException"}


@pytest.mark.parametrize("state", ["delivered", "closed", "failed"])
def test_a_delivered_ring_is_never_downgraded(state: str) -> None:
    assert tasks.rung(any_decided_task(ring=Ring("delivered", NOW)), Ring(state, NOW)) is None


def test_every_change_leaves_at_least_one_audit_entry() -> None:
    changes = [
        answer(any_task()),
        answer(any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"))),
        tasks.refuse(any_task(), APPROVER, "closed", SOURCE, NOW),
        tasks.close(any_decided_task(), NOW),
        tasks.close(any_task(), DEADLINE),
        tasks.cancel(any_task(), "executions", "execution_failed", NOW),
        tasks.rung(any_decided_task(), Ring("delivered", NOW)),
    ]
    assert all(change and change.events for change in changes)


# Ids and digests


def test_a_tasks_id_reads_one_way() -> None:
    assert task_id_of("order-1001", "manager.second") == "order-1001.manager.second"
    assert task_id_of("order-1001", "manager.second").split(".", 1) == ["order-1001", "manager.second"]


@pytest.mark.parametrize(
    ("title", "details", "requester"),
    [
        (TITLE + " ", DETAILS, REQUESTER),
        (TITLE, DETAILS[:-1], REQUESTER),
        (TITLE, tuple(reversed(DETAILS)), REQUESTER),
        (TITLE, (("Order1001", ""), *DETAILS[1:]), REQUESTER),
        (TITLE, DETAILS, "otto@example.com"),
    ],
)
def test_anything_else_shown_has_another_digest(
    title: str, details: tuple[tuple[str, str], ...], requester: str
) -> None:
    assert shown_digest(title, details, requester) != shown_digest(TITLE, DETAILS, REQUESTER)
    assert shown_digest(TITLE, DETAILS, REQUESTER) == shown_digest(TITLE, tuple(DETAILS), REQUESTER)
