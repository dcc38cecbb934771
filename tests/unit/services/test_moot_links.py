"""Moot links: people are told once that their links stopped working, and why."""

from dataclasses import replace

import pytest

from countersign.domain import replacements, tasks
from countersign.domain.errors import MessageRefusedError
from countersign.domain.tasks import Replacement, Status, Task
from countersign.services.deliveries import Deliveries
from countersign.services.moot_links import MootLinks
from countersign.testing.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    TASK_ID,
    TITLE,
    any_decided_task,
    any_envelope,
    any_task,
)
from countersign.testing.fakes import FixedClock, MemoryChannel, MemoryLedger

OPERATOR = "arn:aws:iam::111122223333:user/olga"
SENT = any_task(audience=(APPROVER, OTHER_APPROVER), sent_at=NOW)
NEWCOMER = "nora@example.com"


class Setup:
    """A task whose audience was sent links."""

    def __init__(self, standing: Task = SENT, *, sent: bool = True) -> None:
        self.ledger, self.channel, self.clock = MemoryLedger(), MemoryChannel(), FixedClock(NOW)
        self.ledger.standing[TASK_ID] = standing
        deliveries = Deliveries(self.ledger, self.channel.send, self.clock, "https://review.example.com", "")
        if sent:
            deliveries.deliver(any_envelope(task={"recipients": list(standing.audience)}))
        self.channel.sent.clear()
        self.links = MootLinks(deliveries)

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]

    def withdraw(self, comment: str = "Ordered twice") -> None:
        self.ledger.commit(tasks.withdraw(self.task, OPERATOR, comment, self.clock.now()))

    def reassign(self, by: str, to: str) -> None:
        self.ledger.commit(replacements.reassign(self.task, OPERATOR, by, to, "She left", self.clock.now()))

    def tell(self) -> int:
        return self.links.tell(TASK_ID)


def test_the_people_of_a_withdrawn_task_are_told_once_each_why_without_a_link() -> None:
    setup = Setup()
    setup.withdraw()
    assert [setup.tell() for _ in range(2)] == [2, 0]
    first, second = setup.channel.sent
    assert (first.recipient, second.recipient) == (APPROVER, OTHER_APPROVER)
    assert (first.kind, first.moot, first.by, first.comment) == ("approval.moot", "withdrawn", (), "Ordered twice")
    assert (first.link, first.title) == ("", TITLE)
    entry = setup.ledger.entries[-1].event
    assert (entry.event, entry.data["recipient"], entry.data["channel"]) == ("told_moot", OTHER_APPROVER, "email")


def test_a_replaced_approver_is_told_who_is_asked_and_again_when_it_happens_again() -> None:
    setup = Setup()
    setup.reassign(APPROVER, NEWCOMER)
    assert setup.tell() == 1
    (message,) = setup.channel.sent
    assert (message.moot, message.by, message.comment) == ("reassigned", (NEWCOMER,), "She left")
    setup.reassign(NEWCOMER, APPROVER)
    assert setup.tell() == 0, "they are asked again, and the other got no link"
    setup.clock.move(seconds=60)
    setup.reassign(APPROVER, "carla@example.com")
    assert setup.tell() == 1


def test_a_colleague_is_told_that_the_task_was_taken_back() -> None:
    setup = Setup(any_task(audience=("li@example.com",), replaced=()))
    back = any_task(replaced=(Replacement("li@example.com", APPROVER, NOW),), audit_seq=setup.task.audit_seq)
    setup.ledger.standing[TASK_ID] = replace(back, audit_head=setup.task.audit_head)
    assert (setup.tell(), setup.channel.sent[0].moot, setup.channel.sent[0].by) == (1, "taken_back", (APPROVER,))


@pytest.mark.parametrize(
    "standing",
    [
        SENT,
        any_decided_task(),
        any_task(status=Status.EXPIRED, closed_at=NOW),
        any_task(status=Status.CANCELLED, closed_at=NOW, closed_because="execution_stopped"),
        any_task(status=Status.CANCELLED, closed_at=NOW, closed_because="hand_off_failed"),
        any_task(status=Status.CANCELLED, closed_at=NOW, closed_because="withdrawn", request_id="prove-1"),
    ],
    ids=["open", "decided", "expired", "stopped", "not sent", "a proof"],
)
def test_nobody_is_told_of_a_task_that_the_page_alone_explains(standing: Task) -> None:
    setup = Setup()
    kept = {"audit_seq": setup.task.audit_seq, "audit_head": setup.task.audit_head}
    setup.ledger.standing[TASK_ID] = replace(standing, **kept)  # type: ignore[arg-type]
    assert setup.tell() == 0


def test_nobody_is_told_who_got_no_link_or_is_a_stranger_to_the_task() -> None:
    setup = Setup(sent=False)
    setup.withdraw()
    assert (setup.tell(), setup.links.tell("order-2.approval")) == (0, 0)


def test_a_mailbox_that_refuses_blocks_no_other_and_is_tried_again() -> None:
    setup = Setup()
    setup.withdraw()
    setup.channel.failing = {APPROVER: MessageRefusedError("Rejected")}
    with pytest.raises(MessageRefusedError):
        setup.tell()
    setup.channel.failing.clear()
    assert setup.tell() == 1
