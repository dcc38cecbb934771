"""Telling requesters: who is told, and what is an outcome."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import tasks, telling
from countersign.domain.identity import Aliases
from countersign.domain.rules import Decision
from countersign.domain.tasks import Exchange, Status, Task
from countersign.testing.builders import (
    APPROVER,
    CALLER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    any_decided_task,
    any_question,
    any_task,
)


@pytest.mark.parametrize(
    ("changes", "known", "reason"),
    [
        ({}, {}, ""),
        ({"requester": "Rita@Example.com "}, {}, ""),
        ({"requester": "shop-orders"}, {}, "no_address"),
        ({"requester": ""}, {}, "no_address"),
        ({"requester": APPROVER}, {}, "approver"),
        ({"elsewhere": (REQUESTER,)}, {}, "approver"),
        ({}, {REQUESTER: APPROVER}, "approver"),
        ({"elsewhere": (OTHER_APPROVER,)}, {REQUESTER: OTHER_APPROVER}, "approver"),
    ],
    ids=str,
)
def test_a_requester_is_told_who_has_an_address_and_decides_nothing_by_any_alias(
    changes: dict[str, Any], known: dict[str, str], reason: str
) -> None:
    assert telling.not_told(any_question(**changes), (APPROVER,), Aliases(known)) == reason


def applied(decision: Decision = Decision.APPROVE, **changes: Any) -> Task:
    return any_decided_task(decision, **{"status": Status.APPLIED, "closed_at": NOW} | changes)


RETURNED = (Exchange(APPROVER, "Which desk?", NOW),)
ANSWERED = (RETURNED[0]._replace(answer="Mine", answered_at=NOW),)


@pytest.mark.parametrize(
    ("task", "outcome"),
    [
        (applied(), "approved"),
        (applied(Decision.REJECT), "rejected"),
        (applied(continues=True), ""),
        (applied(Decision.REJECT, continues=True), "rejected"),
        (applied(superseded=True), ""),
        (any_decided_task(), ""),
        (any_task(), ""),
        (any_task(exchanges=RETURNED), "returned"),
        (any_task(exchanges=ANSWERED), ""),
        (any_task(exchanges=RETURNED, status=Status.EXPIRED, closed_at=NOW), "expired"),
        (tasks.withdraw(any_task(), CALLER, "ordered twice", NOW).after, "withdrawn"),
        (any_task(status=Status.CANCELLED, closed_because=tasks.WITHDRAWN_BY_CALLER), "withdrawn"),
        (any_task(status=Status.CANCELLED, closed_because=tasks.WITHDRAWN_BY_REQUESTER), ""),
        (any_task(status=Status.CANCELLED, closed_because="withdrawn"), ""),
    ],
    ids=[
        *("approved", "rejected", "approved, another level follows", "rejected before the last level", "superseded"),
        *("not applied yet", "open", "returned", "answered", "expired while returned", "withdrawn by an operator"),
        *("withdrawn by the caller", "withdrawn by the requester", "withdrawn by the workflow"),
    ],
)
def test_only_the_end_of_a_request_and_a_question_back_are_told(task: Task, outcome: str) -> None:
    assert (telling.outcome(replace(task, tells_requester=True)), telling.outcome(task)) == (outcome, "")


def test_an_outcome_holds_since_the_end_or_since_the_task_was_sent_back() -> None:
    later = NOW + timedelta(minutes=5)
    assert (telling.since(applied(closed_at=later)), telling.since(any_task(exchanges=RETURNED))) == (later, NOW)
