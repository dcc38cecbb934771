"""Clicks at the same moment: one decision, and everybody else is told."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from countersign.domain.rules import Outcome
from countersign.domain.tasks import Status
from countersign.testing.builders import any_rule, is_unbroken
from review.handler import handler
from tests.integration.conftest import Kit, Page, call

Ballot = tuple[str, str]
THREADS = 10


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody give up: moto's calls are slow and come one after the other, where DynamoDB's run side by side."""
    monkeypatch.setattr("countersign.retries.ATTEMPTS", 200)


def click_at_once(kit: Kit, ballots: list[Ballot]) -> list[Page]:
    """Post one form from each thread, all at the same moment; a ballot is a token and a decision."""
    shown, start = kit.task().shown, threading.Barrier(len(ballots))

    def click(ballot: Ballot) -> Page:
        token, decision = ballot
        form = urlencode({"t": token, "decision": decision, "comment": "", "shown": shown})
        start.wait()
        return call(handler, "POST", "/review", body=form, headers={"sec-fetch-site": "same-origin"})

    with ThreadPoolExecutor(len(ballots)) as threads:
        return list(threads.map(click, ballots))


def alternating(tokens: list[str]) -> list[Ballot]:
    return [(token, ("approve", "reject")[number % 2]) for number, token in enumerate(tokens)]


def test_opposite_clicks_of_many_people_leave_one_decision_and_the_losers_hear_409(kit: Kit) -> None:
    people = tuple(f"p{number:02}@example.com" for number in range(THREADS))
    kit.open_task(audience=people)
    ballots = alternating([kit.link(person) for person in people])
    pages = click_at_once(kit, ballots)
    assert Counter(page.status for page in pages) == {200: 1, 409: THREADS - 1}
    winner = [page.status for page in pages].index(200)
    task = kit.task()
    assert task.status is Status.DECIDED
    assert task.decided_by == (people[winner],)
    assert task.outcome is {"approve": Outcome.APPROVED, "reject": Outcome.REJECTED}[ballots[winner][1]]
    assert kit.audited().count("decided") == 1
    assert kit.refusals() == ["decided_otherwise"] * (THREADS - 1)
    assert is_unbroken(kit.audit(), task.audit_head, task.audit_seq)
    assert len(kit.decisions()) == 1, "the relay hears of one decision"


def test_votes_of_many_people_at_once_are_all_kept(kit: Kit) -> None:
    people = tuple(f"p{number:02}@example.com" for number in range(8))
    kit.open_task(audience=people, rule=any_rule("all"))
    pages = click_at_once(kit, [(kit.link(person), "approve") for person in people])
    assert {page.status for page in pages} == {200}
    task = kit.task()
    assert (task.outcome, task.decided_by, set(task.votes)) == (Outcome.APPROVED, people, set(people))
    assert kit.audited().count("voted") == len(people)
    assert is_unbroken(kit.audit(), task.audit_head, task.audit_seq)
