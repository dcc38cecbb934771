"""Status links: a requester reads, answers, revises and withdraws."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import errors
from countersign.domain.links import Link, Purpose
from countersign.domain.tasks import Exchange, Status, Task
from countersign.domain.telling import STATUS_LASTS
from countersign.domain.tokens import mint
from countersign.services.status_links import Act, Standing, StatusLinks
from countersign.testing.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    any_decided_task,
    any_exchange,
    any_task,
    any_token,
    is_unbroken,
)
from countersign.testing.fakes import FixedClock, MemoryLedger

RETURNED = any_task(send_back=True, amount="250.00 EUR", exchanges=(any_exchange(),), tells_requester=True)


class Setup:
    """One task, and the status link of its requester."""

    def __init__(self, *standing: Task, task_id: str = TASK_ID) -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW)
        self.links = StatusLinks(self.ledger, self.clock)
        for task in standing:
            self.ledger.standing[task.task_id] = task
        self.token = self.link(Purpose.REQUESTER, task_id)

    def link(self, purpose: Purpose, task_id: str = TASK_ID) -> str:
        token, digest = mint()
        self.ledger.put_link(Link(digest, task_id, REQUESTER, purpose), NOW)
        return token

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]

    def act(self, action: str, comment: str = "", **changes: Any) -> Standing:
        fields = {"shown": self.task.shown, "fetch_site": "same-origin", "source": "203.0.113.0/24"} | changes
        return self.links.act(Act(self.token, action, comment, **fields))


def test_an_answer_is_recorded_by_the_link_and_sent_to_the_approvers() -> None:
    setup = Setup(RETURNED)
    standing = setup.act("answer", "The blue ones")
    assert (standing.refusal, standing.requester, standing.task.returned) == (None, REQUESTER, None)
    assert setup.task.exchanges[-1].answer == "The blue ones"
    (entry,) = setup.ledger.entries
    assert (entry.event.event, entry.event.actor, entry.event.identified_by) == (
        "answered_back",
        REQUESTER,
        "status link",
    )
    assert entry.event.data["link"] in setup.ledger.links
    assert is_unbroken(setup.ledger.entries, setup.task.audit_head, setup.task.audit_seq)
    assert [envelope["task"]["recipients"] for envelope in setup.ledger.outbox.values()] == [[APPROVER]]


def test_a_withdrawal_closes_the_task_for_the_requester_and_says_why() -> None:
    setup = Setup(RETURNED)
    standing = setup.act("withdraw", "Ordered twice")
    task = standing.task
    assert (task.status, task.closed_because) == (Status.CANCELLED, "withdrawn_by_requester")
    assert (task.closed_by, task.closed_comment) == (REQUESTER, "Ordered twice")
    entry = setup.ledger.entries[-1].event
    assert (entry.event, entry.identified_by) == ("cancelled", "status link")
    assert (setup.act("withdraw", "Ordered twice").refusal, len(setup.ledger.entries)) == (None, 1)


@pytest.mark.parametrize(
    ("standing", "action", "changes", "refusal"),
    [
        (RETURNED, "approve", {}, errors.UnknownDecisionError),
        (RETURNED, "answer", {"fetch_site": "cross-site"}, errors.CrossSiteError),
        (RETURNED, "answer", {"shown": "another round"}, errors.DetailsChangedError),
        (RETURNED, "withdraw", {"shown": "another round"}, errors.DetailsChangedError),
        (RETURNED, "revise", {"revision": {"amount": "300.00"}}, errors.RevisionRefusedError),
        (RETURNED, "revise", {"revision": {"title": ""}}, errors.ContractError),
        (any_task(), "answer", {}, errors.NotReturnedError),
        (any_decided_task(), "withdraw", {}, errors.DecidedOtherwiseError),
        (any_task(status=Status.EXPIRED, closed_at=NOW), "withdraw", {}, errors.TaskClosedError),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refused_act_changes_nothing_and_is_in_the_audit_once(
    standing: Task, action: str, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    setup = Setup(standing)
    for _ in range(2):
        assert isinstance(setup.act(action, "The blue ones", **changes).refusal, refusal)
    assert replace(setup.task, refused=(), refused_answers=0, audit_seq=0, audit_head=standing.audit_head) == standing
    assert ([entry.event.event for entry in setup.ledger.entries], setup.task.refused_answers) == (["refused"], 2)


@pytest.mark.parametrize("purpose", [Purpose.REVIEW, Purpose.INBOX, Purpose.CALLBACK])
def test_no_other_token_opens_the_status_and_a_status_link_nothing_else(purpose: Purpose) -> None:
    setup = Setup(RETURNED)
    for token in (setup.link(purpose), any_token(), "short"):
        with pytest.raises(errors.UnknownLinkError):
            setup.links.look(token)
        with pytest.raises(errors.UnknownLinkError):
            setup.links.act(Act(token, "withdraw", shown=RETURNED.shown))
    assert setup.task == RETURNED


def test_the_status_is_shown_for_thirty_days_after_the_end() -> None:
    setup = Setup(any_decided_task(status=Status.APPLIED, closed_at=NOW))
    setup.clock.moment = NOW + STATUS_LASTS - timedelta(seconds=1)
    assert setup.links.look(setup.token).task.status is Status.APPLIED
    setup.clock.move(seconds=1)
    with pytest.raises(errors.StatusExpiredError):
        setup.links.look(setup.token)


def test_the_link_of_an_earlier_level_shows_and_answers_the_one_that_is_asked_now() -> None:
    first = any_decided_task(
        task_id="order-1001.approval-1",
        status=Status.APPLIED,
        closed_at=NOW,
        continues=True,
        elsewhere=(OTHER_APPROVER,),
    )
    setup = Setup(first, task_id=first.task_id)
    assert setup.links.look(setup.token).task == first, "the next level is not open yet"
    second = any_task(
        task_id="order-1001.approval-2",
        audience=(OTHER_APPROVER,),
        elsewhere=(APPROVER,),
        opened_at=NOW + timedelta(minutes=2),
        exchanges=(Exchange(OTHER_APPROVER, "Why?", NOW),),
    )
    other_chain = replace(second, task_id="order-1001.payout-2", opened_at=NOW + timedelta(minutes=3))
    setup.ledger.standing |= {each.task_id: each for each in (second, other_chain)}
    assert setup.links.look(setup.token).task == second
    acted = setup.links.act(Act(setup.token, "answer", "So", second.shown)).task
    (entry,) = setup.ledger.audit(second.task_id)
    assert (acted.task_id, entry.event.data["minted_for"]) == (second.task_id, first.task_id), "for `audit verify`"
