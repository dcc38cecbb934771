"""The trail: what happened to a task, in the order of time."""

from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.clock import to_text
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Delegation, Replacement, Status, Vote, execution_ended, withdraw
from countersign.domain.trail import Step, trail
from countersign.testing.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    any_decided_task,
    any_exchange,
    any_task,
)

MINUTE = timedelta(minutes=1)
ASKED = Step("asked", NOW, REQUESTER, (APPROVER,))
OPERATOR = "arn:aws:sts::123456789012:assumed-role/operators/olga@example.com"


def test_the_trail_of_a_new_task_says_who_was_asked() -> None:
    assert trail(any_task()) == (ASKED,)


def test_every_vote_is_in_the_trail_with_its_comment_and_dissent_too() -> None:
    votes = {
        APPROVER: Vote(Decision.APPROVE, "Fine", NOW + 2 * MINUTE),
        OTHER_APPROVER: Vote(Decision.REJECT, "Too dear", NOW + MINUTE),
    }
    task = any_decided_task(audience=(APPROVER, OTHER_APPROVER), votes=votes, decided_at=NOW + 2 * MINUTE)
    assert trail(task) == (
        Step("asked", NOW, REQUESTER, (APPROVER, OTHER_APPROVER)),
        Step("reject", NOW + MINUTE, OTHER_APPROVER, comment="Too dear"),
        Step("approve", NOW + 2 * MINUTE, APPROVER, comment="Fine"),
        Step("approved", NOW + 2 * MINUTE),
    )


def test_a_level_of_a_chain_has_the_votes_of_the_levels_before_it() -> None:
    earlier = ((OTHER_APPROVER, "approve", "Go on", to_text(NOW - MINUTE)),)
    assert trail(any_task(earlier=earlier)) == (Step("approve", NOW - MINUTE, OTHER_APPROVER, comment="Go on"), ASKED)


def test_delegations_and_stand_ins_are_in_the_trail_and_the_first_people_stay_those_who_were_asked() -> None:
    handed_on = Delegation(APPROVER, OTHER_APPROVER, NOW + MINUTE)
    assert trail(any_task(audience=(OTHER_APPROVER,), delegations=(handed_on,))) == (
        ASKED,
        Step("delegated", NOW + MINUTE, APPROVER, (OTHER_APPROVER,)),
    )
    stand_in = Delegation(OTHER_APPROVER, APPROVER, NOW, standing=True)
    assert trail(any_task(delegations=(stand_in,))) == (ASKED, Step("stood_in", NOW, OTHER_APPROVER, (APPROVER,)))


def test_replacements_are_in_the_trail() -> None:
    reassigned = Replacement(APPROVER, OTHER_APPROVER, NOW + MINUTE, "On leave")
    assert trail(any_task(audience=(OTHER_APPROVER,), replaced=(reassigned,))) == (
        ASKED,
        Step("reassigned", NOW + MINUTE, APPROVER, (OTHER_APPROVER,), "On leave"),
    )
    taken_back = Replacement(OTHER_APPROVER, APPROVER, NOW + MINUTE)
    assert trail(any_task(replaced=(taken_back,))) == (
        ASKED,
        Step("taken_back", NOW + MINUTE, OTHER_APPROVER, (APPROVER,)),
    )


@pytest.mark.parametrize(("revised", "what"), [(False, "answered"), (True, "revised")])
def test_questions_to_the_requester_are_in_the_trail_with_their_answers(revised: bool, what: str) -> None:
    waiting = any_exchange(at=NOW + MINUTE)
    returned = Step("returned", NOW + MINUTE, APPROVER, comment=waiting.comment)
    assert trail(any_task(exchanges=(waiting,))) == (ASKED, returned)
    done = waiting._replace(answer="The blue ones", answered_at=NOW + 2 * MINUTE, revised=revised)
    answered = Step(what, NOW + 2 * MINUTE, REQUESTER, comment="The blue ones")
    assert trail(any_task(exchanges=(done,))) == (ASKED, returned, answered)


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        (
            {"status": Status.EXPIRED, "closed_at": NOW + 9 * MINUTE, "expires_at": NOW + MINUTE},
            Step("expired", NOW + MINUTE),
        ),
        (
            {"status": Status.CANCELLED, "closed_at": NOW + MINUTE, "closed_because": execution_ended("FAILED")},
            Step("ended", NOW + MINUTE),
        ),
        ({"outcome": Outcome.REJECTED, "decided_at": NOW + MINUTE}, Step("rejected", NOW + MINUTE)),
    ],
)
def test_the_trail_ends_with_the_end(changes: dict[str, Any], last: Step) -> None:
    assert trail(any_task(**changes))[-1] == last


def test_a_withdrawal_says_who_withdrew_the_task_and_why() -> None:
    change = withdraw(any_task(), OPERATOR, "Ordered twice", NOW + MINUTE)
    assert trail(change.after)[-1] == Step("withdrawn", NOW + MINUTE, OPERATOR, comment="Ordered twice")
