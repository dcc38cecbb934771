"""Tellings: a requester gets one message for each outcome, with a status link."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.errors import MessageRefusedError
from countersign.domain.links import Link, Purpose
from countersign.domain.tasks import WITHDRAWN_BY_OPERATOR, Exchange, Status, Task
from countersign.domain.telling import STATUS_LASTS
from countersign.domain.tokens import fingerprint
from countersign.services.deliveries import Deliveries
from countersign.services.tellings import Tellings
from countersign.testing.builders import APPROVER, NOW, REQUESTER, TASK_ID, TITLE, any_decided_task, any_task
from countersign.testing.fakes import FixedClock, MemoryChannel, MemoryLedger
from tests.unit.services.races import meanwhile

BASE_URL = "https://review.example.com"


def applied(**changes: Any) -> Task:
    fields: dict[str, Any] = {"status": Status.APPLIED, "closed_at": NOW, "tells_requester": True}
    return any_decided_task(**fields | changes)


class Setup:
    """Tellings about one task."""

    def __init__(self, standing: Task) -> None:
        self.ledger = MemoryLedger()
        self.ledger.standing[standing.task_id] = standing
        self.channel = MemoryChannel()
        self.clock = FixedClock(NOW)
        deliveries = Deliveries(self.ledger, self.channel.send, self.clock, BASE_URL, "dev")
        self.tellings = Tellings(deliveries)

    def tell(self) -> int:
        return self.tellings.tell(TASK_ID)

    @property
    def token(self) -> str:
        return self.channel.sent[-1].link.partition("?t=")[2]


def test_the_requester_is_told_what_was_decided_by_whom_and_why_with_a_link_that_lasts_a_month() -> None:
    setup = Setup(applied())
    assert setup.tell() == 1
    (message,) = setup.channel.sent
    assert (message.kind, message.recipient, message.title) == ("approval.approved", REQUESTER, TITLE)
    assert (message.by, message.comment, message.stage) == ((APPROVER,), "Go ahead", "dev")
    assert (message.link, message.deadline) == (f"{BASE_URL}/request?t={setup.token}", NOW + STATUS_LASTS)
    link = setup.ledger.status_link(fingerprint(setup.token) or "")
    assert link == Link(fingerprint(setup.token) or "", TASK_ID, REQUESTER, Purpose.REQUESTER)
    assert setup.ledger.link(link.fingerprint) is None, "it opens no approver's route"


def test_the_audit_has_the_minted_link_and_the_message_and_no_hand_off() -> None:
    setup = Setup(applied(sent_at=None))
    setup.tell()
    assert [(entry.event.event, entry.event.data) for entry in setup.ledger.entries] == [
        ("minted", {"recipient": REQUESTER, "fingerprint": fingerprint(setup.token), "requester": True}),
        (
            "told",
            {"recipient": REQUESTER, "status": "approved", "since": "2026-03-01T09:00:00.000000Z", "channel": "email"},
        ),
    ]
    assert setup.ledger.standing[TASK_ID].sent_at is None


def test_a_status_is_told_once_however_often_its_event_comes() -> None:
    setup = Setup(applied())
    assert ([setup.tell(), setup.tell()], len(setup.channel.sent)) == ([1, 0], 1)


@pytest.mark.parametrize(
    ("ended", "kind", "said"),
    [
        ({"status": Status.EXPIRED}, "approval.expired", ""),
        (
            {
                "status": Status.CANCELLED,
                "closed_because": WITHDRAWN_BY_OPERATOR,
                "closed_by": "arn:aws:iam::123456789012:role/olga",
                "closed_comment": "Ordered twice",
            },
            "approval.withdrawn",
            "Ordered twice",
        ),
    ],
)
def test_an_open_question_is_not_told_as_the_reason_of_the_end(ended: dict[str, Any], kind: str, said: str) -> None:
    setup = Setup(
        any_task(exchanges=(Exchange(APPROVER, "Which desk?", NOW),), tells_requester=True, closed_at=NOW, **ended)
    )
    assert setup.tell() == 1
    (message,) = setup.channel.sent
    assert (message.kind, message.by, message.comment) == (kind, (), said)


def test_each_question_back_is_told_and_then_the_outcome() -> None:
    asked = Exchange(APPROVER, "Which desk?", NOW)
    setup = Setup(any_task(exchanges=(asked,), tells_requester=True))
    assert [setup.tell(), setup.tell()] == [1, 0]
    (message,) = setup.channel.sent
    assert (message.kind, message.by, message.comment) == ("approval.returned", (APPROVER,), "Which desk?")
    assert message.deadline == any_task().expires_at
    again = (asked._replace(answer="Mine", answered_at=NOW), Exchange(APPROVER, "Sure?", NOW + timedelta(minutes=1)))
    setup.ledger.standing[TASK_ID] = replace(setup.ledger.standing[TASK_ID], exchanges=again)
    assert [setup.tell(), setup.tell()] == [1, 0]
    closed = replace(setup.ledger.standing[TASK_ID], status=Status.EXPIRED, closed_at=NOW + timedelta(hours=1))
    setup.ledger.standing[TASK_ID] = closed
    assert ([setup.tell(), setup.tell()], setup.channel.sent[-1].kind) == ([1, 0], "approval.expired")


@pytest.mark.parametrize(
    "standing", [any_task(tells_requester=True), applied(task_id="order-2.approval")], ids=["open", "another task"]
)
def test_nothing_is_told_without_an_outcome(standing: Task) -> None:
    setup = Setup(standing)
    assert (setup.tell(), setup.ledger.entries) == (0, [])


def test_the_outcome_of_a_proof_is_told_to_the_mail_simulator_only() -> None:
    assert Setup(applied(task_id="prove-1.approval")).tellings.tell("prove-1.approval") == 0


def test_a_refused_message_is_told_again() -> None:
    setup = Setup(applied())
    setup.channel.failing = {REQUESTER: MessageRefusedError("Rejected")}
    with pytest.raises(MessageRefusedError):
        setup.tell()
    setup.channel.failing.clear()
    assert setup.tell() == 1


def test_a_message_is_recorded_although_the_task_has_changed_meanwhile() -> None:
    setup = Setup(applied())
    send = setup.channel.send

    def send_and_change(message: Any) -> Any:
        carried = send(message)
        meanwhile(
            setup.ledger,
            lambda: setup.ledger.standing.update({TASK_ID: replace(setup.ledger.standing[TASK_ID], revision=9)}),
        )
        return carried

    setup.tellings = Tellings(replace(setup.tellings.deliveries, send=send_and_change))
    assert (setup.tell(), [entry.event.event for entry in setup.ledger.entries]) == (1, ["minted", "told"])
