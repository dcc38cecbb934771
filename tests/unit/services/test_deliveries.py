"""Deliveries: each recipient gets one mail with a personal link per hand-off of an open task."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import votes
from countersign.domain.errors import LedgerUnavailableError, MessageRefusedError
from countersign.domain.links import Link, Purpose
from countersign.domain.rules import Decision, Rule
from countersign.domain.tasks import Status, Task, Vote
from countersign.domain.tokens import fingerprint
from countersign.domain.votes import FIRST_RESEND
from countersign.services import rounds
from countersign.services.deliveries import INBOX_LASTS, Deliveries
from countersign.services.inboxes import MAX_INBOX_LINKS
from countersign.testing.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    TITLE,
    any_decided_task,
    any_envelope,
    any_exchange,
    any_task,
)
from countersign.testing.fakes import FixedClock, MemoryChannel, MemoryLedger

THIRD = "tina@example.com"
BASE_URL = "https://review.example.com"


class Setup:
    """Deliveries of a task with two recipients."""

    def __init__(self, standing: Task | None = None) -> None:
        self.ledger = MemoryLedger()
        task = standing or any_task(audience=(APPROVER, OTHER_APPROVER))
        self.ledger.standing[task.task_id] = task
        self.channel = MemoryChannel()
        self.clock = FixedClock(NOW)
        self.deliveries = Deliveries(self.ledger, self.channel.send, self.clock, BASE_URL, "dev")

    @property
    def tokens(self) -> dict[str, str]:
        """The token of the last link of each person."""
        return {message.recipient: message.link.partition("?t=")[2] for message in self.channel.tried}

    def deliver(self, **changes: Any) -> int:
        return self.deliveries.deliver(any_envelope(**changes))

    @property
    def recipients(self) -> list[str]:
        return [message.recipient for message in self.channel.sent]


def test_every_recipient_gets_a_mail_with_a_personal_link() -> None:
    setup = Setup()
    assert (setup.deliver(), setup.recipients) == (2, [APPROVER, OTHER_APPROVER])
    for message in setup.channel.sent:
        token = setup.tokens[message.recipient]
        assert message.link == f"{BASE_URL}/review?t={token}"
        assert (message.kind, message.title, message.stage) == ("approval.requested", TITLE, "dev")
        link = setup.ledger.link(fingerprint(token) or "")
        assert link
        assert (link.recipient, link.task_id) == (message.recipient, TASK_ID)
    assert setup.tokens[APPROVER] != setup.tokens[OTHER_APPROVER]


def test_a_mail_has_the_other_people_who_may_decide_the_rule_and_the_time_left() -> None:
    rule = Rule("quorum", 2)
    setup = Setup(any_task(audience=(APPROVER, OTHER_APPROVER, THIRD, REQUESTER), rule=rule))
    assert setup.deliver() == 2
    message = setup.channel.sent[0]
    assert (message.others, message.rule, message.left) == ((OTHER_APPROVER, THIRD), rule, timedelta(hours=1))


@pytest.mark.parametrize(
    ("task_id", "elsewhere", "level"),
    [
        ("order-1001.approval", (), (1, 1)),
        ("order-1001.approval-1", (), (1, 1)),
        ("order-1001.approval-1", (OTHER_APPROVER, THIRD), (1, 3)),
        ("order-1001.approval-2", (OTHER_APPROVER, THIRD, OTHER_APPROVER), (2, 3)),
        ("order-1001.approval-2", (OTHER_APPROVER, THIRD, "stand-in@example.com"), (2, 3)),
        ("order-1001.approval-3", (OTHER_APPROVER, THIRD, OTHER_APPROVER, THIRD), (3, 3)),
    ],
)
def test_a_mail_of_a_chain_has_the_level_and_the_number_of_levels(
    task_id: str, elsewhere: tuple[str, ...], level: tuple[int, int]
) -> None:
    setup = Setup(any_task(task_id=task_id, elsewhere=elsewhere))
    assert (setup.deliver(task_id=task_id, task={"recipients": [APPROVER]}), setup.channel.sent[0].level) == (1, level)


def test_a_mail_has_what_others_have_done_so_far() -> None:
    said = Vote(Decision.REJECT, "Too dear", NOW)
    setup = Setup(any_task(audience=(APPROVER, OTHER_APPROVER), rule=Rule("quorum", 2), votes={OTHER_APPROVER: said}))
    setup.deliver()
    (step,) = setup.channel.sent[0].trail
    assert (step.what, step.by, step.comment) == ("reject", OTHER_APPROVER, "Too dear")


def test_the_audit_records_every_minted_and_sent_link_with_fingerprint_and_channel() -> None:
    setup = Setup()
    setup.deliver()
    assert [(entry.event.event, entry.event.data) for entry in setup.ledger.entries] == [
        entry
        for person in (APPROVER, OTHER_APPROVER)
        for entry in (
            ("minted", {"recipient": person, "fingerprint": fingerprint(setup.tokens[person]), "attempt": 1}),
            ("sent", {"recipient": person, "attempt": 1, "channel": "email"}),
        )
    ]


def test_the_task_has_the_time_of_its_first_sent_mail() -> None:
    setup = Setup()
    setup.channel.failing = {person: MessageRefusedError("Rejected") for person in (APPROVER, OTHER_APPROVER)}
    with pytest.raises(MessageRefusedError):
        setup.deliver()
    assert setup.ledger.standing[TASK_ID].sent_at is None
    setup.channel.failing.clear()
    setup.deliver()
    setup.clock.move(minutes=5)
    setup.deliver(task={"recipients": [APPROVER]})
    assert setup.ledger.standing[TASK_ID].sent_at == NOW
    setup.ledger.standing[TASK_ID] = replace(setup.ledger.standing[TASK_ID], sent_at=None)
    assert setup.deliver() == 0
    assert setup.ledger.standing[TASK_ID].sent_at == setup.clock.now(), (
        "a task that was restored, and its mail is on record"
    )


def test_a_link_that_cannot_be_recorded_is_not_sent() -> None:
    setup = Setup()

    def be_down(write: str) -> None:
        raise LedgerUnavailableError(write)

    setup.ledger.before_write = be_down
    with pytest.raises(LedgerUnavailableError, match="commit_link"):
        setup.deliver()
    assert setup.channel.sent == []


def test_only_recipients_of_the_envelope_in_the_audience_get_a_mail() -> None:
    setup = Setup()
    assert setup.deliver(task={"recipients": [OTHER_APPROVER, "stranger@example.com"]}) == 1
    assert setup.recipients == [OTHER_APPROVER]


def test_mails_about_proofs_go_to_the_simulator_only_whatever_the_audience() -> None:
    people = (APPROVER, "success+1@simulator.amazonses.com")
    setup = Setup(any_task(task_id="prove-1.approval", request_id="prove-1", audience=people))
    about_proof = {"task_id": "prove-1.approval", "task": {"recipients": list(people)}}
    assert (setup.deliver(**about_proof), setup.deliveries.deliver_inbox(any_envelope(**about_proof))) == (1, 1)
    assert set(setup.recipients) == {people[1]}


def test_a_reminder_is_mailed_once_and_unknown_hand_offs_are_not_mailed() -> None:
    setup = Setup()
    setup.deliver()
    assert [setup.deliver(attempt=attempt) for attempt in (2, FIRST_RESEND, FIRST_RESEND + 1)] == [0, 0, 0]
    setup.ledger.standing[TASK_ID] = replace(setup.ledger.standing[TASK_ID], hand_off=2)
    change = votes.resend(setup.ledger.standing[TASK_ID], "olga", NOW)
    resent = setup.ledger.commit(change).audit_seq - 1 + FIRST_RESEND
    assert [setup.deliver(attempt=attempt) for attempt in (resent, resent, resent + 1, resent - 1)] == [2, 0, 0, 0]
    del setup.channel.sent[2:]
    assert (setup.deliver(kind="approval.reminder", attempt=2), setup.channel.sent[2].kind) == (2, "approval.reminder")


def test_nobody_is_mailed_about_a_task_that_waits_for_its_requester_until_they_have_acted() -> None:
    setup = Setup(any_task(audience=(APPROVER, OTHER_APPROVER), hand_off=2))
    setup.deliver()
    returned = replace(setup.ledger.standing[TASK_ID], exchanges=(any_exchange(),))
    setup.ledger.standing[TASK_ID] = returned
    assert setup.deliver(kind="approval.reminder", attempt=2) == 0
    change = rounds.revised(returned, "rita@example.com", {"title": "Chairs"}, "", returned.shown, "", NOW)
    assert change
    setup.ledger.commit(change)
    (sent,) = change.outbox.values()
    assert [setup.deliveries.deliver(sent), setup.deliveries.deliver(sent)] == [2, 0]
    assert {(message.kind, message.title) for message in setup.channel.sent[2:]} == {("approval.revised", "Chairs")}


@pytest.mark.parametrize(
    ("standing", "task_id"),
    [
        (any_decided_task(), TASK_ID),
        (any_task(status=Status.CANCELLED), TASK_ID),
        (any_task(status=Status.EXPIRED), TASK_ID),
        (any_task(expires_at=NOW), TASK_ID),
        (any_task(), "order-1002.approval"),
    ],
    ids=["decided", "cancelled", "expired", "past its deadline", "unknown"],
)
def test_no_mail_is_sent_about_a_task_that_is_not_open(standing: Task, task_id: str) -> None:
    setup = Setup(standing)
    assert (setup.deliver(task_id=task_id), setup.channel.sent, setup.ledger.links) == (0, [], {})


def test_a_decision_between_two_mails_stops_the_second() -> None:
    setup = Setup()
    setup.ledger.after_write = lambda _: setup.ledger.standing.update({TASK_ID: any_decided_task()})
    assert (setup.deliver(), setup.recipients) == (1, [APPROVER])


def test_an_unexpected_error_is_not_treated_as_a_refused_mail() -> None:
    setup = Setup()
    setup.channel.failing[APPROVER] = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        setup.deliver()


# The inbox
def test_the_link_to_an_inbox_is_mailed_to_its_owner_and_expires() -> None:
    setup = Setup()
    envelope = any_envelope(kind="approval.inbox", task={"title": TITLE, "recipients": [APPROVER]})
    assert setup.deliveries.deliver_inbox(envelope) == 1
    (message,) = setup.channel.sent
    assert (message.recipient, message.deadline) == (APPROVER, NOW + INBOX_LASTS)
    assert message.link == f"{BASE_URL}/inbox?t={setup.tokens[APPROVER]}"
    link = setup.ledger.link(fingerprint(setup.tokens[APPROVER]) or "")
    assert link
    assert link == Link(link.fingerprint, "", APPROVER, Purpose.INBOX, NOW + INBOX_LASTS, TASK_ID)
    (minted,) = setup.ledger.entries
    assert minted.event.event == "minted"
    assert minted.event.data == {"recipient": APPROVER, "fingerprint": link.fingerprint, "inbox": True}
    assert setup.ledger.standing[TASK_ID].sent_at is None, "an inbox mail is not a hand-off"
    assert timedelta(hours=24) == INBOX_LASTS, "the page of an expired link names 24 hours"


def test_inbox_mails_from_the_bus_are_limited_in_number_and_to_recipients_of_a_known_task() -> None:
    setup = Setup()

    def ask(**changes: Any) -> int:
        return setup.deliveries.deliver_inbox(any_envelope(kind="approval.inbox", **changes))

    assert ask(task={"title": TITLE, "recipients": ["stranger@example.com"]}) == 0
    assert ask(task_id="order-1002.approval") == 0
    envelope = {"task": {"title": TITLE, "recipients": [APPROVER]}}
    assert [ask(**envelope) for _ in range(10)] == [1, *[0] * 9]
    setup.clock.move(minutes=5)
    assert (ask(**envelope), setup.recipients) == (1, [APPROVER, APPROVER])
    for _ in range(MAX_INBOX_LINKS):
        setup.clock.move(minutes=5)
        ask(**envelope)
    assert len(setup.recipients) == MAX_INBOX_LINKS
