"""Inboxes: the tasks of a person, and the mail with the link to them."""

from datetime import datetime, timedelta

import pytest

from countersign.domain.audit import AuditEvent
from countersign.domain.errors import InboxExpiredError, TooManyListsError, UnknownLinkError
from countersign.domain.links import Link, Purpose
from countersign.domain.rules import Decision
from countersign.domain.tasks import Change, Task, Vote
from countersign.domain.tokens import mint
from countersign.services.inboxes import PAUSE, Inboxes
from countersign.services.reviews import Click
from countersign.testing.builders import APPROVER, NOW, OTHER_APPROVER, TASK_ID, any_decided_task, any_rule, any_task
from countersign.testing.fakes import FixedClock, MemoryLedger


class Setup:
    """Tasks with review links of one person, and the link to the inbox."""

    def __init__(self, *standing: Task) -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW)
        self.inboxes = Inboxes(self.ledger, self.clock)
        self.review = ""
        for task in standing:
            self.ledger.standing[task.task_id] = task
            self.review = self.link(task.task_id)
        self.inbox = self.link("", NOW + timedelta(days=7))

    def link(self, task_id: str, expires_at: datetime | None = None, recipient: str = APPROVER) -> str:
        token, fingerprint = mint()
        purpose = Purpose.REVIEW if task_id else Purpose.INBOX
        self.ledger.put_link(Link(fingerprint, task_id, recipient, purpose, expires_at), NOW)
        return token

    def ask(self, token: str, task_id: str = "", fetch_site: str = "same-origin") -> str:
        return self.inboxes.send(Click(token, task_id=task_id, fetch_site=fetch_site))

    @property
    def sent(self) -> list[list[str]]:
        return [envelope["task"]["recipients"] for envelope in self.ledger.outbox.values()]


# Lists
def test_a_task_that_the_owner_voted_on_stays_listed_until_it_is_decided() -> None:
    voted = any_task(
        audience=(APPROVER, OTHER_APPROVER), rule=any_rule(), votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}
    )
    setup = Setup(voted)
    assert setup.inboxes.look(setup.inbox).tasks == (voted,)


def test_the_link_of_a_review_does_not_open_an_inbox() -> None:
    setup = Setup(any_task())
    with pytest.raises(UnknownLinkError):
        setup.inboxes.look(setup.review)


def test_the_link_to_an_inbox_expires() -> None:
    setup = Setup(any_task())
    setup.clock.move(days=7)
    with pytest.raises(InboxExpiredError):
        setup.inboxes.look(setup.inbox)


# Mails
@pytest.mark.parametrize("task", [any_task(audience=(APPROVER, OTHER_APPROVER)), any_decided_task()])
def test_the_inbox_link_is_mailed_to_the_recipient_of_the_review_link(task: Task) -> None:
    setup = Setup(task)
    assert setup.ask(setup.review) == APPROVER
    ((key, envelope),) = setup.ledger.outbox.items()
    assert (envelope["kind"], envelope["task"]["recipients"]) == ("approval.inbox", [APPROVER])
    assert "@" not in str(key), "the names of the outbox are logged"


def test_repeated_requests_from_one_link_send_one_inbox_mail_per_pause() -> None:
    setup = Setup(any_task())
    for _ in range(20):
        assert setup.ask(setup.review) == APPROVER
    assert len(setup.sent) == 1
    setup.ledger.outbox.clear()  # as the publisher does when it has sent what is in it
    setup.clock.move(seconds=PAUSE.total_seconds() - 1)
    setup.ask(setup.review)
    assert setup.sent == []
    setup.clock.move(seconds=1)
    setup.ask(setup.review)
    assert setup.sent == [[APPROVER]]


def test_the_twenty_first_inbox_mail_of_a_task_is_refused() -> None:
    setup = Setup(any_task())
    events = [AuditEvent("minted", "approver", data={"recipient": APPROVER, "inbox": True})] * 20
    for event in events[1:]:
        setup.ledger.commit(Change(setup.ledger.standing[TASK_ID], None, {}, (event,), NOW))
    assert setup.ask(setup.review) == APPROVER
    setup.ledger.commit(Change(setup.ledger.standing[TASK_ID], None, {}, (events[0],), NOW))
    with pytest.raises(TooManyListsError):
        setup.ask(setup.review)


def test_an_inbox_can_request_a_new_link_only_with_one_of_its_tasks() -> None:
    setup = Setup(any_task())
    assert setup.ask(setup.inbox, TASK_ID) == APPROVER
    for task_id in ("", "order-2.approval"):
        with pytest.raises(UnknownLinkError):
            setup.ask(setup.inbox, task_id)
