"""Audit verification: a task matches its audit, and every vote has a minted link."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import rounds, tasks, votes
from countersign.domain.audit import AuditEntry, AuditEvent, append
from countersign.domain.audit_verification import contradictions, links_used, unminted, unopened
from countersign.domain.identity import Aliases
from countersign.domain.people import Assignment
from countersign.domain.replacements import reassign, take_back
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Change, Delegation, Status, Task, Vote
from countersign.testing.builders import APPROVER, CALLER, NOW, OTHER_APPROVER, REQUESTER, any_rule, any_task


def chain(task: Task, *events: AuditEvent) -> list[AuditEntry]:
    return [append(task.task_id, seq, "", task.shown, event, NOW) for seq, event in enumerate(events)]


def opened(task: Task, *events: AuditEvent) -> list[AuditEntry]:
    return chain(task, tasks.opened(task, "order-approval"), *events)


def found(task: Task, told: Sequence[AuditEntry]) -> list[str]:
    return list(contradictions(task, told))


def voted(task: Task, by: str, decision: Decision, minute: int = 0) -> tuple[Task, tuple[AuditEntry, ...]]:
    at = NOW + timedelta(minutes=minute)
    change = votes.answer(task, by, decision, "", task.shown, "", at)
    assert change
    return change.after, tuple(append(task.task_id, 0, "", task.shown, event, at) for event in change.events)


def unknown(*events: AuditEvent, elsewhere: Iterable[AuditEntry] = ()) -> list[str]:
    return list(unminted(opened(any_task(), *events), lambda _: elsewhere))


def by_link(event: str = "voted", **data: Any) -> AuditEvent:
    return AuditEvent(event, APPROVER, votes.BY_LINK, data=data)


def minted(fingerprint: str, recipient: str = APPROVER) -> AuditEvent:
    return AuditEvent("minted", "approver", data={"recipient": recipient, "fingerprint": fingerprint})


def test_a_vote_replaced_from_an_alias_of_the_voter_does_not_contradict_the_audit() -> None:
    task = any_task(audience=(APPROVER, "m@example.com", OTHER_APPROVER), rule=any_rule("all"))
    task, first = voted(task, APPROVER, Decision.APPROVE)
    task = replace(task, aliases=Aliases({"m@example.com": APPROVER}))
    task, second = voted(task, "m@example.com", Decision.REJECT, 1)
    told = [*opened(task), *first, *second]
    assert found(task, told) == []
    assert found(replace(task, aliases=Aliases()), told) != [], "two people, and one vote is missing"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": Outcome.REJECTED}, "the task's outcome is rejected, its audit says approved"),
        ({"status": Status.APPLIED}, "the task is APPLIED, its audit says DECIDED"),
        ({"shown": "0" * 64}, "the task's content is not what its audit says was shown"),
        ({"decided_by": (OTHER_APPROVER,)}, "the task and its audit name different people as those who decided"),
        ({"votes": {}}, "the votes on the task are not those in its audit"),
        ({"expires_at": NOW}, "the task's deadline is not that in its audit"),
        (
            {"reserved": {"r": {"amount": "1"}}},
            "the money that is reserved for refunds is not that in the task's audit",
        ),
        ({"audit_ttl": 1}, "the task's audit may be removed at another time than its entries say"),
        (
            {"audience": (APPROVER, "mallory@example.com")},
            "the task and its audit name different people as those who were asked",
        ),
    ],
)
def test_every_field_that_contradicts_the_audit_is_reported(changes: dict[str, Any], told: str) -> None:
    decided, events = voted(any_task(), APPROVER, Decision.APPROVE)
    assert found(decided, [*opened(any_task()), *events]) == []
    assert found(replace(decided, **changes), [*opened(any_task()), *events])[0] == told


@pytest.mark.parametrize(
    "changes", [{"title": "Order 1001: 9.00 EUR"}, {"rule": any_rule("all")}, {"submitted_by": "somebody else"}]
)
def test_a_question_that_contradicts_the_audit_is_reported(changes: dict[str, Any]) -> None:
    assert len(found(any_task(**{"shown": any_task().shown} | changes), opened(any_task()))) == 1


def test_tasks_approved_by_policy_or_cancelled_before_opening_match_their_audit() -> None:
    approved, events = tasks.approve_by_policy(any_task(), "policy", NOW)
    assert found(approved, chain(approved, *events)) == []
    forestalled = Task("order-1.approval", Status.CANCELLED, NOW)
    assert found(forestalled, chain(forestalled, AuditEvent("cancelled", "kit"))) == []
    assert len(found(any_task(), [])) == 3, "a task without an audit"


def test_a_restored_task_without_its_lost_decision_does_not_contradict_the_audit() -> None:
    decided = AuditEvent("decided", "worker", data={"outcome": "answered", "decided_by": ["worker"]})
    restored = AuditEvent("restored", "olga", "iam", data={"table": "t", "ahead": 2, "undecided": True})
    assert found(any_task(), opened(any_task(), decided, restored)) == []


def test_votes_and_delegations_by_links_minted_earlier_for_the_same_person_are_accepted() -> None:
    assert unknown(minted("ab"), by_link(link="ab"), by_link("delegated", link="ab")) == []
    elsewhere = chain(any_task(), minted("cd"))
    assert unknown(by_link(link="cd", minted_for="order-2.approval"), elsewhere=elsewhere) == []


def test_a_link_that_was_minted_for_another_task_is_not_looked_up_if_that_audit_may_have_expired() -> None:
    assert list(unminted(opened(any_task(), by_link(link="cd", minted_for="order-2.approval")), None)) == []
    assert len(list(unminted(opened(any_task(), by_link(link="cd")), None))) == 1


def test_votes_and_delegations_by_links_without_an_earlier_entry_for_the_same_person_are_reported() -> None:
    told = [f"entry 2 is by a link that was not minted for {APPROVER}"]
    for event in (by_link(link="ab"), by_link(), by_link("delegated", link="ab"), by_link(link="ab", minted_for="x.y")):
        assert unknown(event, minted("ab")) == told, "the link was minted after its use"
    assert len(unknown(minted("ab", OTHER_APPROVER), by_link(link="ab"))) == 1
    assert len(unknown(minted("ab"), by_link())) == 1
    assert unknown(by_link("refused", link="ab")) == [], "a refusal has no effect"
    assert unknown(AuditEvent("voted", APPROVER)) == ["entry 2 is a vote that came by no link"]


@pytest.mark.parametrize("act", ["answered_back", "revised", "returned", "delegation_taken_back"])
def test_an_act_that_only_people_do_is_reported_if_it_came_by_no_link(act: str) -> None:
    found = ["entry 2 is `" + act + "` that came by no link"]
    assert unknown(AuditEvent(act, REQUESTER, "event bus", data={"comment": "", "attempt": 1001})) == found


@pytest.mark.parametrize(
    ("standing", "count"),
    [
        ((APPROVER, "order-1001.approval"), 0),
        ((APPROVER, ""), 0),
        ((APPROVER, "order-2.approval"), 2),
        ((OTHER_APPROVER, "order-1001.approval"), 2),
        (None, 2),
    ],
    ids=["this task", "an inbox", "another task", "another person", "unknown"],
)
def test_votes_and_delegations_by_links_of_others_are_reported(standing: tuple[str, str] | None, count: int) -> None:
    told = opened(any_task(), by_link(link="ab"), by_link("delegated", link="ab"), by_link("refused", link="cd"))
    assert (links_used(told), len(list(unopened(told, {"ab": standing} if standing else {})))) == ({"ab"}, count)


def test_the_audience_is_that_of_the_opening_the_escalations_and_the_delegations() -> None:
    task, alias = any_task(audience=(APPROVER, OTHER_APPROVER), aliases=Aliases({"m@example.com": APPROVER})), "m@x.com"
    assignment = Assignment(
        ("e@example.com",), Aliases(), (Delegation("away@example.com", "e@example.com", NOW, True),)
    )
    escalation = votes.hand_off_again(task, "cb", 2, assignment, NOW, remind=True)
    extension = tasks.extend(escalation.after, NOW + timedelta(hours=2), CALLER, NOW)
    handing = votes.delegate(extension.after, "e@example.com", "c@example.com", "", NOW)
    after, events = handing.after, (*escalation.events, *extension.events, *handing.events)
    assert (set(after.audience), "c@example.com" in after.escalated) == (
        {APPROVER, OTHER_APPROVER, "c@example.com"},
        True,
    )
    told = opened(task, *events)
    assert found(after, told) == []
    back = take_back(after, "e@example.com", "", NOW)
    assert back
    given = reassign(back.after, CALLER, "e@example.com", "f@example.org", "left the company", NOW)
    later = opened(task, *events, *back.events, *given.events)
    assert (given.after.delegations[0].by, "f@example.org" in given.after.escalated) == ("away@example.com", True)
    assert found(given.after, later) == []
    assert found(replace(given.after, replaced=()), later) == [
        "the task and its audit name different people as those who were asked"
    ]
    for forged in (
        {"audience": (*after.audience, alias)},
        {"audience": (APPROVER, "c@example.com")},
        {"escalated": (*after.escalated, APPROVER)},
        {"delegations": (*after.delegations, Delegation(OTHER_APPROVER, "c@example.com", NOW))},
    ):
        assert found(replace(after, **forged), told) == [
            "the task and its audit name different people as those who were asked"
        ]


def gone_on(task: Task, *acts: Callable[[Task], Change | None]) -> tuple[Task, list[AuditEntry]]:
    """Return a task after these acts, and its audit."""
    told = opened(task)
    for act in acts:
        change = act(task)
        assert change
        task = change.after
        told += [append(task.task_id, 0, "", task.shown, event, NOW) for event in change.events]
    return task, told


def test_a_task_that_a_person_with_two_addresses_takes_back_does_not_contradict_its_audit() -> None:
    task = any_task(audience=(APPROVER, OTHER_APPROVER), aliases=Aliases({OTHER_APPROVER: APPROVER}))
    task, told = gone_on(
        task,
        lambda task: votes.delegate(task, OTHER_APPROVER, "li@example.com", "", NOW),
        lambda task: take_back(task, OTHER_APPROVER, "", NOW),
    )
    assert task.audience == (OTHER_APPROVER,)
    assert found(task, told) == []


def approve(by: str) -> Callable[[Task], Change | None]:
    return lambda task: votes.answer(task, by, Decision.APPROVE, "", task.shown, "", NOW)


def send_back(task: Task) -> Change | None:
    return rounds.send_back(task, APPROVER, "Why?", task.shown, "", NOW)


def revise(task: Task) -> Change | None:
    return rounds.revise(task, REQUESTER, replace(task.question, title="Chairs"), "", task.shown, "", NOW)


SHARED = any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"), send_back=True, tells_requester=True)


def test_a_vote_of_an_earlier_round_that_counts_is_reported() -> None:
    task, told = gone_on(SHARED, approve(OTHER_APPROVER), send_back, revise)
    kept = {OTHER_APPROVER: Vote(Decision.APPROVE, "", NOW)}
    assert found(replace(task, votes=kept), told) == ["the votes on the task are not those in its audit"]


def test_a_round_or_an_answer_that_the_audit_does_not_have_is_reported() -> None:
    task, told = gone_on(SHARED, send_back)
    answered = replace(task, exchanges=(task.exchanges[0]._replace(answered_at=NOW),))
    for forged in (replace(task, round=2), answered, replace(task, exchanges=())):
        assert found(forged, told) == ["the task and its audit differ in its rounds"]


def test_another_amount_than_the_revised_one_is_reported_because_the_workflow_acts_on_it() -> None:
    task, told = gone_on(SHARED, send_back, revise)
    raised = replace(task, question=replace(task.question, amount="9000.00 EUR"))
    assert found(raised, told) == ["the task's content is not what its audit says was shown"]


def test_content_that_changes_without_a_revision_is_reported() -> None:
    task, told = gone_on(SHARED, approve(OTHER_APPROVER), send_back, revise)
    without = [entry for entry in told if entry.event.event != "revised"]
    changed = replace(task, round=1, exchanges=(task.exchanges[0]._replace(answered_at=None, revised=False),))
    resent = AuditEvent("resent", CALLER)
    told = [*without, append(task.task_id, 0, "", task.shown, resent, NOW)]
    votes_of_first = {OTHER_APPROVER: Vote(Decision.APPROVE, "", NOW)}
    assert found(replace(changed, votes=votes_of_first), told) == [
        "the task's content is not what its audit says was shown"
    ]


@pytest.mark.parametrize("event", ["returned", "answered_back", "revised"])
def test_an_act_of_a_round_by_a_link_that_was_not_minted_for_its_actor_is_reported(event: str) -> None:
    by = rounds.BY_STATUS_LINK if event != "returned" else votes.BY_LINK
    act = AuditEvent(event, APPROVER, by, data={"link": "ab"})
    assert unknown(minted("ab"), act) == []
    assert unknown(act) == [f"entry 2 is by a link that was not minted for {APPROVER}"]
    assert links_used(opened(any_task(), act)) == {"ab"}


@pytest.mark.parametrize(
    ("by", "minted_for", "count"),
    [
        (rounds.BY_STATUS_LINK, "order-1001.approval-1", 0),
        (rounds.BY_STATUS_LINK, "order-2.approval-1", 1),
        (votes.BY_LINK, "order-1001.approval-1", 1),
    ],
    ids=["an earlier level", "another request", "an approver"],
)
def test_a_requester_acts_on_a_later_level_by_the_link_of_an_earlier_one(by: str, minted_for: str, count: int) -> None:
    act = AuditEvent("answered_back", REQUESTER, by, data={"link": "ab", "minted_for": minted_for})
    assert len(list(unopened(opened(any_task(), act), {"ab": (REQUESTER, minted_for)}))) == count
