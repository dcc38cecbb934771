"""Batches: several tasks of an inbox, each recorded or refused by itself."""

from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.errors import (
    CrossSiteError,
    DecidedOtherwiseError,
    DetailsChangedError,
    InboxExpiredError,
    LedgerUnavailableError,
    OwnRequestError,
    TooManyRequestsError,
    UnknownLinkError,
)
from countersign.domain.links import Link, Purpose
from countersign.domain.rules import Decision
from countersign.domain.tasks import Exchange, Status, Task
from countersign.domain.tokens import mint
from countersign.services.batches import Batches, Item, may_tick
from countersign.services.reviews import Click, Reviews
from countersign.testing.builders import APPROVER, COMMENT, NOW, OTHER_APPROVER, any_click, any_decided_task, any_task
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryLedger
from tests.unit.services.races import crash


class Setup:
    """Tasks of one person, and the link to their inbox."""

    def __init__(self, *standing: Task) -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW)
        self.batches = Batches(Reviews(self.ledger, MemoryDirectory(), self.clock))
        self.admitted = 0
        for task in standing:
            self.ledger.standing[task.task_id] = task
        self.token, digest = mint()
        self.ledger.put_link(Link(digest, "", APPROVER, Purpose.INBOX, NOW + timedelta(hours=24)), NOW)

    def admit(self) -> None:
        self.admitted += 1

    def click(self, **changes: Any) -> Click:
        return any_click(token=self.token, **changes)

    def decide(self, *task_ids: str, shown: str = "", **changes: Any) -> list[Item]:
        ticked = [(task_id, shown or self.shown(task_id)) for task_id in task_ids]
        recipient, items = self.batches.decide(self.click(**changes), ticked, self.admit)
        assert (recipient, [item.task_id for item in items]) == (APPROVER, [*task_ids])
        return items

    def shown(self, task_id: str) -> str:
        return self.ledger.standing[task_id].shown if task_id in self.ledger.standing else ""

    def refusals(self, items: list[Item]) -> list[type | None]:
        return [type(item.review.refusal) if item.review and item.review.refusal else None for item in items]


def named(name: str, **changes: Any) -> Task:
    return any_task(task_id=f"{name}.approval", title=f"Order {name}", **changes)


def test_each_task_is_decided_by_itself_without_a_comment_and_counted_for_the_limit() -> None:
    setup = Setup(named("a"), named("b"), named("c"))
    assert setup.refusals(setup.decide("a.approval", "b.approval", decision="reject", comment=COMMENT)) == [None, None]
    tasks = [setup.ledger.standing[f"{name}.approval"] for name in "abc"]
    assert [task.status for task in tasks] == [Status.DECIDED, Status.DECIDED, Status.OPEN]
    assert {vote.comment for task in tasks for vote in task.votes.values()} == {""}
    assert setup.admitted == 1, "the request itself counts for the first one"


def test_a_refused_task_keeps_no_other_from_being_decided() -> None:
    setup = Setup(
        *(named("decided"), named("old"), named("own", requester=APPROVER)),
        *(named("strange", audience=(OTHER_APPROVER,)), named("good")),
    )
    setup.ledger.standing["decided.approval"] = any_decided_task(Decision.REJECT, task_id="decided.approval")
    shown = {"old.approval": "another digest"}
    ticked = [
        (task_id, shown.get(task_id, setup.shown(task_id)))
        for task_id in (
            *("decided.approval", "old.approval", "own.approval", "strange.approval", "no.task", "good.approval"),
        )
    ]
    _, items = setup.batches.decide(setup.click(), ticked, setup.admit)
    assert setup.refusals(items) == [DecidedOtherwiseError, DetailsChangedError, OwnRequestError, None, None, None]
    assert [type(item.error) for item in items[3:]] == [UnknownLinkError, UnknownLinkError, type(None)]
    assert setup.ledger.standing["good.approval"].status is Status.DECIDED


def test_tasks_over_the_limit_or_without_an_answer_of_the_ledger_are_not_decided() -> None:
    setup = Setup(named("a"), named("b"))

    def refuse() -> None:
        raise TooManyRequestsError(7)

    _, items = setup.batches.decide(
        setup.click(), [("a.approval", setup.shown("a.approval")), ("b.approval", "")], refuse
    )
    assert (items[0].error, type(items[1].error)) == (None, TooManyRequestsError)
    crash(setup.ledger, LedgerUnavailableError("down"))
    (item,) = setup.decide("b.approval")
    assert isinstance(item.error, LedgerUnavailableError)
    assert setup.ledger.standing["b.approval"].status is Status.OPEN


def test_a_link_that_ends_during_a_batch_keeps_what_was_recorded() -> None:
    setup = Setup(named("a"), named("b"))
    ticked = [(task_id, setup.shown(task_id)) for task_id in ("a.approval", "b.approval")]
    _, items = setup.batches.decide(setup.click(), ticked, lambda: setup.clock.move(hours=24))
    assert (setup.refusals(items), type(items[1].error)) == ([None, None], InboxExpiredError)
    assert setup.ledger.standing["a.approval"].status is Status.DECIDED


def test_only_the_link_of_an_inbox_decides_a_batch() -> None:
    setup = Setup(named("a"))
    token, digest = mint()
    setup.ledger.put_link(Link(digest, "a.approval", APPROVER), NOW)
    with pytest.raises(UnknownLinkError):
        setup.batches.decide(any_click(token=token), [("a.approval", setup.shown("a.approval"))], setup.admit)
    with pytest.raises(CrossSiteError):
        setup.decide("a.approval", fetch_site="cross-site")
    setup.clock.move(hours=24)
    with pytest.raises(InboxExpiredError):
        setup.decide("a.approval")
    assert setup.ledger.standing["a.approval"].votes == {}


@pytest.mark.parametrize(
    ("changes", "ticked"),
    [
        ({}, True),
        ({"confirm": True}, False),
        ({"comment": "required_on_reject"}, False),
        ({"exchanges": (Exchange(APPROVER, "Which desk?", NOW),)}, False),
    ],
    ids=["plain", "confirm", "comment", "returned"],
)
def test_a_task_that_asks_more_than_a_decision_is_decided_on_its_page(changes: dict[str, Any], ticked: bool) -> None:
    assert may_tick(any_task(**changes)) is ticked


def test_a_forged_tick_of_a_task_with_a_confirmation_records_nothing() -> None:
    setup = Setup(named("a", confirm=True))
    (item,) = setup.decide("a.approval", confirmed=True)
    assert item.review
    assert item.review.unconfirmed
    assert setup.ledger.standing["a.approval"].votes == {}
