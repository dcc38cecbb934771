"""Replacements: taking a delegation back, and reassigning a task."""

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from countersign.domain import errors, replacements, tasks, votes
from countersign.domain.identity import Aliases
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Change, Delegation, Exchange, Replacement, Status, Task, Vote
from countersign.testing.builders import APPROVER, NOW, OTHER_APPROVER, REQUESTER, any_payment_task, any_rule, any_task

COLLEAGUE = "li@example.com"
NEWCOMER = "nora@elsewhere.example"
OPERATOR = "arn:aws:iam::111122223333:user/olga"
SHARED = any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"))


def delegated(task: Task = SHARED, to: str = COLLEAGUE) -> Task:
    return votes.delegate(task, APPROVER, to, "", NOW).after


def taken_back(task: Task, now: datetime = NOW) -> Change:
    change = replacements.take_back(task, APPROVER, "203.0.113.0/24", now)
    assert change
    return change


def reassign(
    task: Task = SHARED, by: str = APPROVER, to: str = NEWCOMER, because: str = "left", domains: tuple[str, ...] = ()
) -> Change:
    return replacements.reassign(task, OPERATOR, by, to, because, NOW, domains=domains)


# Taking back
def test_a_delegation_that_is_taken_back_leaves_the_task_as_it_was_with_a_trace() -> None:
    change = taken_back(delegated())
    trace: dict[str, Any] = {"replaced": (Replacement(COLLEAGUE, APPROVER, NOW),), "revision": SHARED.revision + 2}
    assert (change.after, change.transition) == (dataclasses.replace(SHARED, **trace), tasks.STAYING)
    (event,) = change.events
    assert (event.event, event.identified_by) == ("delegation_taken_back", "review link")


def test_an_escalated_person_who_takes_a_task_back_is_still_escalated() -> None:
    task = any_task(audience=(OTHER_APPROVER, APPROVER), escalated=(APPROVER,), rule=any_rule("all"))
    assert taken_back(delegated(task)).after.escalated == (APPROVER,)


RETURNED = Exchange(COLLEAGUE, "Why?", NOW)
REFUSED: list[tuple[type[errors.ActionRefusedError], Task]] = [
    (errors.TakenUpError, dataclasses.replace(delegated(), votes={COLLEAGUE: Vote(Decision.REJECT, "", NOW)})),
    (errors.TakenUpError, dataclasses.replace(delegated(), exchanges=(RETURNED,))),
    (errors.TakenUpError, dataclasses.replace(delegated(), exchanges=(RETURNED._replace(answered_at=NOW),))),
    (errors.HandedOnError, any_task(audience=(COLLEAGUE,), delegations=(Delegation(APPROVER, COLLEAGUE, NOW, True),))),
    (errors.HandedOnError, reassign(delegated(), by=COLLEAGUE).after),
    (
        errors.TooManyAnswersError,
        dataclasses.replace(delegated(), replaced=(Replacement("x@example.com", APPROVER, NOW),) * 3),
    ),
    (errors.TaskClosedError, dataclasses.replace(delegated(), status=Status.CANCELLED)),
    (errors.DecidedOtherwiseError, dataclasses.replace(delegated(), status=Status.DECIDED)),
]


@pytest.mark.parametrize(("error", "task"), REFUSED)
def test_a_delegation_stands_after_the_colleagues_answer_the_end_of_the_task_or_too_many_times(
    error: type[Exception], task: Task
) -> None:
    with pytest.raises(error):
        replacements.take_back(task, APPROVER, "", NOW)
    assert not replacements.may_take_back(task, task.delegations[0], NOW)
    assert replacements.may_take_back(delegated(), delegated().delegations[0], NOW)


def test_taking_back_takes_nobody_elses_place_whatever_aliases_are_known_by_then() -> None:
    known = dataclasses.replace(delegated(), aliases=Aliases({COLLEAGUE: OTHER_APPROVER}))
    assert taken_back(known).after.audience == SHARED.audience


def test_only_the_person_who_delegated_takes_back() -> None:
    for person in (OTHER_APPROVER, COLLEAGUE):
        assert replacements.take_back(delegated(), person, "", NOW) is None
    with pytest.raises(errors.TaskClosedError):
        taken_back(delegated(), NOW + timedelta(hours=1))


def test_a_task_goes_to_another_colleague_after_it_was_taken_back_and_not_to_the_same_one() -> None:
    back = taken_back(delegated()).after
    assert delegated(back, "carla@example.com").audience == ("carla@example.com", OTHER_APPROVER)
    with pytest.raises(errors.DelegationRefusedError, match="asked_already"):
        delegated(back)


def test_the_colleague_who_lost_a_task_is_told_so_and_cannot_answer() -> None:
    back = taken_back(delegated()).after
    decided = dataclasses.replace(back, status=Status.DECIDED, outcome=Outcome.APPROVED, decided_at=NOW)
    for task in (back, decided):
        with pytest.raises(errors.NoLongerAskedError):
            votes.answer(task, COLLEAGUE, Decision.APPROVE, "", back.shown, "", NOW)
    assert (back.concerns(COLLEAGUE), back.waits_for(COLLEAGUE, NOW)) == (True, False)
    assert back.stands_in_for(APPROVER) == ""


# Reassigning
def test_an_operator_asks_a_person_of_any_domain_in_an_approvers_place() -> None:
    change = reassign()
    assert (change.after.audience, change.after.revision) == ((NEWCOMER, OTHER_APPROVER), SHARED.revision + 1)
    assert change.after.stands_in_for(NEWCOMER) == APPROVER
    (event,) = change.events
    assert (event.event, event.actor, event.identified_by) == ("reassigned", OPERATOR, "iam")
    assert event.data == {"by": APPROVER, "to": NEWCOMER, "because": "left", "attempt": votes.resend_attempt(SHARED)}
    with pytest.raises(errors.NoLongerAskedError):
        votes.answer(change.after, APPROVER, Decision.APPROVE, "", SHARED.shown, "", NOW)


def test_a_person_who_was_replaced_can_be_asked_again() -> None:
    again = reassign(reassign().after, by=NEWCOMER, to=APPROVER).after
    assert again.audience == SHARED.audience
    assert votes.answer(again, APPROVER, Decision.APPROVE, "", again.shown, "", NOW)


@pytest.mark.parametrize(
    ("task", "changes", "reason"),
    [
        (SHARED, {"by": "eve@example.com"}, f"eve@example.com is not asked; asked are: {APPROVER}, {OTHER_APPROVER}"),
        (any_payment_task(), {}, "nobody, since a machine is asked"),
        (delegated(), {}, f"asked are: {COLLEAGUE}, {OTHER_APPROVER}"),
        (dataclasses.replace(SHARED, votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}), {}, "has voted already"),
        (SHARED, {"to": REQUESTER}, "is the requester"),
        (SHARED, {"to": OTHER_APPROVER}, "has a part in the task already"),
        (any_task(elsewhere=(NEWCOMER,)), {}, "has a part in the task already"),
        (delegated(), {"by": COLLEAGUE, "to": APPROVER}, "has a part in the task already"),
        (any_task(aliases=Aliases({NEWCOMER: REQUESTER})), {}, "is the requester"),
        (SHARED, {"domains": ("example.com",)}, "approvers have an address of example.com"),
        (SHARED, {"because": "  "}, "1 to 2000 characters"),
        (SHARED, {"because": "x" * 2001}, "1 to 2000 characters"),
    ],
)
def test_an_impossible_reassignment_names_what_is_allowed(task: Task, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(errors.ContractError, match=reason.replace(".", r"\.")):
        reassign(task, **changes)  # type: ignore[arg-type]
