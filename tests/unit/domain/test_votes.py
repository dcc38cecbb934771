"""Votes: the effects of votes, delegations, reminders and escalations on a task."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain import errors, tasks, votes
from countersign.domain.identity import NO_ALIASES, Aliases
from countersign.domain.people import Assignment
from countersign.domain.questions import Attachment
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Delegation, Status, Task, Vote
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    any_decided_task,
    any_rule,
    any_task,
)

APPROVE, REJECT = Decision.APPROVE, Decision.REJECT
SOURCE = "203.0.113.0/24"
DEADLINE = any_task().expires_at
COLLEAGUE = "li@example.com"
ALIAS = "m.lopez@example.com"
KNOWN = Aliases({ALIAS: APPROVER})


def answer(task: Task, decision: Decision = APPROVE, **changes: Any) -> tasks.Change:
    """Return the change of a vote."""
    change = answered(task, decision, **changes)
    assert change
    return change


def answered(task: Task, decision: Decision = APPROVE, **changes: Any) -> tasks.Change | None:
    """Vote with the approver's link on the shown content, five minutes after the opening."""
    given_: dict[str, Any] = {
        "recipient": APPROVER,
        "decision": decision,
        "comment": "",
        "shown": task.shown,
        "source": SOURCE,
        "now": NOW + timedelta(minutes=5),
    }
    return votes.answer(task, **given_ | changes)


# Voting
@pytest.mark.parametrize(("decision", "outcome"), [(APPROVE, Outcome.APPROVED), (REJECT, Outcome.REJECTED)])
def test_a_vote_that_satisfies_the_rule_decides(decision: Decision, outcome: Outcome) -> None:
    task, now = any_task(revision=4), NOW + timedelta(minutes=5)
    change = answer(task, decision, comment="Go ahead")
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


def test_a_deciding_vote_adds_two_audit_entries_with_person_source_and_comment() -> None:
    change = answer(any_task(), REJECT, comment="Too dear")
    voted, decided = change.events
    assert (voted.event, voted.actor, voted.identified_by, voted.source) == ("voted", APPROVER, "review link", SOURCE)
    assert voted.data == {"decision": "reject", "comment": "Too dear"}
    assert (decided.event, decided.data) == ("decided", {"outcome": "rejected", "decided_by": [APPROVER]})


def test_a_vote_that_does_not_satisfy_the_rule_leaves_the_task_open() -> None:
    task = any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"))
    change = answer(task)
    assert (change.transition, set(change.fields)) == (tasks.STAYING, {"votes", "revision"})
    assert [event.event for event in change.events] == ["voted"]


def test_the_last_missing_vote_decides_and_keeps_the_earlier_votes() -> None:
    earlier = Vote(APPROVE, "", NOW)
    task = any_task(
        audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"), votes={OTHER_APPROVER: earlier}, revision=1
    )
    change = answer(task)
    assert change.transition is tasks.DECIDING
    assert change.fields["decided_by"] == (APPROVER, OTHER_APPROVER)
    assert change.fields["votes"][OTHER_APPROVER] is earlier


def test_a_requester_among_the_approvers_is_not_a_voter() -> None:
    task = any_task(audience=(APPROVER, REQUESTER), requester=f" {REQUESTER.upper()}", rule=any_rule("all"))
    assert task.voters == (APPROVER,)
    assert answer(task).transition is tasks.DECIDING


@pytest.mark.parametrize("status", [Status.DECIDED, Status.APPLIED, Status.OPEN, Status.CANCELLED])
def test_a_repeated_vote_changes_nothing(status: Status) -> None:
    assert answered(any_decided_task(status=status), APPROVE, now=DEADLINE + timedelta(days=1), shown="other") is None


def test_the_requester_may_not_repeat_a_decision() -> None:
    task = any_decided_task(requester=APPROVER)
    with pytest.raises(errors.OwnRequestError):
        answer(task)


@given(
    st.sampled_from(Status),
    st.sampled_from(Decision),
    st.sampled_from([APPROVER, OTHER_APPROVER, REQUESTER]),
    st.booleans(),
    st.integers(-2, 2),
)
def test_a_vote_counts_only_on_an_open_task_in_time_as_shown_and_not_by_the_requester(
    status: Status, decision: Decision, recipient: str, honest: bool, seconds_late: int
) -> None:
    task = any_task(status=status, audience=(APPROVER, OTHER_APPROVER))
    now = DEADLINE + timedelta(seconds=seconds_late)
    try:
        change = answered(task, decision, recipient=recipient, shown=task.shown if honest else "", now=now)
    except errors.ActionRefusedError:
        change = None
    allowed = status is Status.OPEN and recipient != REQUESTER and honest and seconds_late < 0
    assert (change is not None) == allowed


def test_each_refusal_of_a_person_is_recorded_once_up_to_a_limit() -> None:
    task = votes.refuse(any_task(), APPROVER, "closed", SOURCE, NOW).after
    assert votes.refuse(task, APPROVER, "closed", "198.51.100.0/24", NOW).events == ()
    assert votes.refuse(task, APPROVER, "own_request", SOURCE, NOW).events
    assert votes.refuse(task, OTHER_APPROVER, "closed", SOURCE, NOW).events
    full = any_task(refused=tuple(f"closed p{number}@example.com" for number in range(tasks.MAX_REFUSALS)))
    assert votes.refuse(full, APPROVER, "closed", SOURCE, NOW).events == ()


@pytest.mark.parametrize(
    "attachments",
    [
        (),
        ATTACHMENTS[:1],
        tuple(reversed(ATTACHMENTS)),
        (dataclasses.replace(ATTACHMENTS[0], name="Offer 2.pdf"), ATTACHMENTS[1]),
        (dataclasses.replace(ATTACHMENTS[0], url="https://evil.example/"), ATTACHMENTS[1]),
        (*ATTACHMENTS, ATTACHMENTS[0]),
    ],
)
def test_a_vote_on_other_attachments_than_the_shown_ones_is_refused(attachments: tuple[Attachment, ...]) -> None:
    shown = any_task(attachments=ATTACHMENTS).shown
    assert answered(any_task(attachments=ATTACHMENTS), shown=shown)
    with pytest.raises(errors.DetailsChangedError):
        answer(any_task(attachments=attachments), shown=shown)


# Care
@pytest.mark.parametrize(
    ("rule", "refused"), [("", ()), ("required", (APPROVE, REJECT)), ("required_on_reject", (REJECT,))]
)
@pytest.mark.parametrize("decision", Decision)
def test_a_vote_needs_a_comment_if_it_is_required(rule: str, refused: tuple[Decision, ...], decision: Decision) -> None:
    task = any_task(comment=rule)
    answer(task, decision, comment="Agreed with Li")
    if decision in refused:
        with pytest.raises(errors.CommentMissingError):
            answered(task, decision, comment=" \n")
    else:
        answer(task, decision)


def test_a_vote_that_would_count_waits_for_its_confirmation_where_the_question_says_so() -> None:
    task = any_task(confirm=True, comment="required")
    with pytest.raises(errors.UnconfirmedError):
        answer(task, comment="Agreed")
    answer(task, comment="Agreed", confirmed=True)
    with pytest.raises(errors.CommentMissingError):
        answer(task)
    with pytest.raises(errors.DetailsChangedError):
        answer(task, comment="Agreed", shown="other")


# Aliases
@pytest.mark.parametrize("person", [{"requester": REQUESTER}, {"on_behalf_of": REQUESTER.upper()}], ids=str)
def test_an_alias_of_the_requester_or_of_whom_they_ask_for_is_the_requester(person: dict[str, str]) -> None:
    aliases = Aliases({"r.diaz@example.com": REQUESTER})
    task = any_task(**{"requester": "ann@example.com", "audience": ("r.diaz@example.com",)} | person, aliases=aliases)
    with pytest.raises(errors.OwnRequestError):
        answer(task, recipient="r.diaz@example.com")
    assert task.voters == ()


def test_two_addresses_of_one_person_have_one_vote() -> None:
    task = any_task(audience=(APPROVER, ALIAS, COLLEAGUE), aliases=KNOWN, rule=any_rule("quorum", k=2))
    change = answer(task)
    assert answered(change.after, recipient=ALIAS) is None, "the same person has already cast this vote"
    assert change.after.voters == (APPROVER, COLLEAGUE)


def test_an_alias_cannot_decide_a_second_level_of_a_chain() -> None:
    task = any_task(elsewhere=(ALIAS,), aliases=KNOWN)
    with pytest.raises(errors.DecidesElsewhereError):
        answer(task)
    with pytest.raises(errors.DecidesElsewhereError):
        delegate(task)
    assert (task.voters, votes.may_delegate(task, APPROVER)) == ((), False)


def test_a_person_who_delegated_cannot_vote_from_an_alias() -> None:
    handed_on = delegate(any_task(audience=(APPROVER, ALIAS), rule=any_rule("quorum", k=2))).after
    task = dataclasses.replace(handed_on, aliases=KNOWN)
    with pytest.raises(errors.HandedOnError):
        answer(task, recipient=ALIAS)
    assert task.voters == (COLLEAGUE,)


def test_the_last_of_two_votes_of_one_person_counts() -> None:
    cast = {ALIAS: Vote(REJECT, "", NOW + timedelta(minutes=2)), APPROVER: Vote(APPROVE, "", NOW)}
    task = any_task(audience=(APPROVER, ALIAS, COLLEAGUE), aliases=KNOWN, rule=any_rule("quorum", k=2), votes=cast)
    assert task.voters == (ALIAS, COLLEAGUE)
    assert task.vote_of(APPROVER) is cast[ALIAS]


def test_a_vote_from_an_alias_replaces_the_first_vote() -> None:
    task = any_task(audience=(APPROVER, ALIAS, COLLEAGUE), aliases=KNOWN, rule=any_rule("all", veto=False))
    first = answer(task)
    second = answer(first.after, REJECT, recipient=ALIAS)
    assert set(second.fields["votes"]) == {ALIAS}
    assert second.after.voters == (ALIAS, COLLEAGUE)


# Sound decisions
@pytest.mark.parametrize(
    "tampered",
    [
        pytest.param({"outcome": Outcome.REJECTED}, id="outcome"),
        pytest.param({"decided_by": (OTHER_APPROVER,)}, id="decider"),
        pytest.param({"votes": {}}, id="no vote"),
        pytest.param({"requester": APPROVER}, id="own request"),
        pytest.param({"elsewhere": (APPROVER,)}, id="another level"),
        pytest.param({"audience": (OTHER_APPROVER,)}, id="not in the audience"),
        pytest.param({"rule": any_rule("quorum", k=2), "audience": (APPROVER, OTHER_APPROVER)}, id="too few"),
        pytest.param(
            {
                "rule": any_rule("quorum", k=2),
                "audience": (APPROVER, ALIAS),
                "aliases": KNOWN,
                "votes": {person: Vote(APPROVE, "", NOW) for person in (APPROVER, ALIAS)},
                "decided_by": (APPROVER, ALIAS),
            },
            id="one person twice",
        ),
    ],
)
def test_a_decision_that_the_votes_do_not_support_is_not_sound(tampered: dict[str, Any]) -> None:
    assert not votes.is_sound(any_decided_task(**tampered))


def test_a_decision_stays_sound_after_a_new_alias_joins_two_of_its_voters() -> None:
    cast = {person: Vote(APPROVE, "", NOW) for person in (APPROVER, ALIAS, OTHER_APPROVER)}
    task = any_decided_task(audience=tuple(cast), rule=any_rule("all"), votes=cast, decided_by=tuple(cast))
    assert votes.is_sound(task)
    assert votes.is_sound(dataclasses.replace(task, aliases=KNOWN))


# Delegating
def delegate(task: Task, to: str = COLLEAGUE, by: str = APPROVER, aliases: Aliases = NO_ALIASES) -> tasks.Change:
    known = dataclasses.replace(task, aliases=task.aliases | aliases)
    return votes.delegate(known, by, to, SOURCE, NOW + timedelta(minutes=5))


def test_a_delegation_replaces_the_approver_with_the_colleague() -> None:
    change = delegate(any_task(audience=(APPROVER, OTHER_APPROVER), revision=4))
    assert change.transition is tasks.STAYING
    assert (change.after.audience, change.after.revision) == ((COLLEAGUE, OTHER_APPROVER), 5)
    assert change.after.stands_in_for(COLLEAGUE) == APPROVER
    (event,) = change.events
    assert (event.event, event.actor, event.source) == ("delegated", APPROVER, SOURCE)
    assert event.data == {"by": APPROVER, "to": COLLEAGUE, "standing": False}


def test_the_link_of_a_person_who_delegated_cannot_decide() -> None:
    task = delegate(any_task()).after
    with pytest.raises(errors.HandedOnError):
        answer(task)
    assert answer(task, recipient=COLLEAGUE).after.decided_by == (COLLEAGUE,)


@pytest.mark.parametrize(
    ("reason", "task", "to", "aliases"),
    [
        ("requester", any_task(), REQUESTER, NO_ALIASES),
        ("requester", any_task(), "r.diaz@example.com", Aliases({"r.diaz@example.com": REQUESTER})),
        ("asked_already", any_task(audience=(APPROVER, OTHER_APPROVER)), OTHER_APPROVER, NO_ALIASES),
        ("asked_already", any_task(), APPROVER, NO_ALIASES),
        ("asked_already", any_task(), ALIAS, KNOWN),
        ("asked_already", any_task(elsewhere=("l@example.com",)), COLLEAGUE, Aliases({COLLEAGUE: "l@example.com"})),
        ("outsider", any_task(), "li@elsewhere.example", NO_ALIASES),
        ("answered", any_task(votes={APPROVER: Vote(APPROVE, "", NOW)}), COLLEAGUE, NO_ALIASES),
        ("only_once", any_task(delegations=(Delegation(OTHER_APPROVER, APPROVER, NOW),)), COLLEAGUE, NO_ALIASES),
        ("asked_already", any_task(delegations=(Delegation(COLLEAGUE, APPROVER, NOW, True),)), COLLEAGUE, NO_ALIASES),
    ],
)
def test_a_delegation_to_one_who_may_not_decide_is_refused(reason: str, task: Task, to: str, aliases: Aliases) -> None:
    with pytest.raises(errors.DelegationRefusedError) as refused:
        delegate(task, to, aliases=aliases)
    assert refused.value.reason == reason


def test_a_stand_in_for_an_absent_person_may_delegate() -> None:
    task = any_task(delegations=(Delegation("ana@example.com", APPROVER, NOW, standing=True),))
    assert votes.may_delegate(task, APPROVER)
    assert delegate(task).after.audience == (COLLEAGUE,)


@pytest.mark.parametrize(
    ("task", "error"),
    [
        (any_decided_task(), errors.DecidedOtherwiseError),
        (any_task(status=Status.EXPIRED), errors.TaskClosedError),
        (any_task(status=Status.CANCELLED), errors.TaskClosedError),
        (any_task(expires_at=NOW), errors.TaskClosedError),
        (any_task(audience=(COLLEAGUE,)), errors.HandedOnError),
        (any_task(requester=APPROVER), errors.OwnRequestError),
    ],
)
def test_a_task_that_the_sender_cannot_decide_cannot_be_delegated(task: Task, error: type[Exception]) -> None:
    with pytest.raises(error):
        delegate(task, "somebody@example.com")


def test_a_delegation_removes_all_addresses_of_the_sender() -> None:
    assert delegate(any_task(audience=(APPROVER, ALIAS), aliases=KNOWN)).after.audience == (COLLEAGUE,)


def test_a_colleague_takes_one_place_and_cannot_delegate_again() -> None:
    task = delegate(any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"))).after
    assert task.voters == (COLLEAGUE, OTHER_APPROVER)
    assert not votes.may_delegate(task, COLLEAGUE)


# Escalations
BOSS = "boss@example.com"

ESCALATION = Assignment((BOSS,), NO_ALIASES)


def escalated(newcomers: Assignment = ESCALATION) -> Task:
    """Return a task that two people must approve, after an escalation."""
    task = any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"))
    return votes.hand_off_again(task, "second", 2, newcomers, NOW, remind=False).after


def test_with_the_rule_all_an_escalated_person_decides_for_missing_votes() -> None:
    task = escalated()
    assert (votes.needed(task, BOSS), votes.needed(task, APPROVER)) == (1, 2)
    change = answer(task, recipient=BOSS)
    assert (change.after.outcome, change.after.decided_by) == (Outcome.APPROVED, (BOSS,))
    assert votes.is_sound(change.after)
    assert not votes.is_sound(dataclasses.replace(change.after, escalated=()))


def test_a_delegate_or_stand_in_of_an_escalated_person_decides_like_that_person() -> None:
    handed_on = delegate(escalated(), by=BOSS).after
    away = escalated(Assignment((COLLEAGUE,), NO_ALIASES, (Delegation(BOSS, COLLEAGUE, NOW, standing=True),)))
    for task in (handed_on, away):
        assert answer(task, recipient=COLLEAGUE).after.decided_by == (COLLEAGUE,)


def test_an_original_approver_does_not_become_escalated_by_an_alias_or_a_delegation() -> None:
    by_colleague = delegate(escalated()).after
    by_alias = dataclasses.replace(escalated(), aliases=Aliases({BOSS: APPROVER}))
    joined_by_alias = escalated(Assignment((ALIAS,), KNOWN))
    for task, recipient in ((by_colleague, COLLEAGUE), (by_alias, BOSS), (joined_by_alias, APPROVER)):
        assert answer(task, recipient=recipient).after.outcome is None


def test_an_escalation_to_a_person_who_delegated_does_not_add_them_again() -> None:
    handed_on = delegate(any_task()).after
    again = votes.hand_off_again(
        handed_on, "callback-2", 2, Assignment((APPROVER, OTHER_APPROVER), NO_ALIASES), NOW, remind=False
    )
    assert again.after.audience == (COLLEAGUE, OTHER_APPROVER)
    assert again.events[0].data["to"] == [OTHER_APPROVER]


@pytest.mark.parametrize(
    ("task", "person"),
    [(any_task(), REQUESTER), (any_task(elsewhere=("li.wang@example.com",)), "li.wang@example.com")],
    ids=["the requester", "an approver of another level"],
)
def test_an_escalation_never_adds_an_alias_of_a_person_who_may_not_decide(task: Task, person: str) -> None:
    newcomers = Assignment((BOSS, COLLEAGUE), Aliases({COLLEAGUE: person}))
    after = votes.hand_off_again(task, "second", 2, newcomers, NOW, remind=False).after
    assert after.audience == (APPROVER, BOSS)
    assert after.aliases.same(COLLEAGUE, person)
