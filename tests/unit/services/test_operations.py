"""Operations: the actions of operators, audited in their names."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from countersign.domain import votes
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import ContractError, TaskClosedError, UnknownTaskError
from countersign.domain.people import Entry
from countersign.domain.requests import Request, RequestStatus
from countersign.domain.rules import Decision
from countersign.domain.tasks import Status, Task
from countersign.services.operations import Operations
from countersign.testing.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    any_decided_task,
    any_payment_task,
    any_rule,
    any_task,
    is_unbroken,
)
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryLedger
from tests.unit.services.races import meanwhile

OPERATOR = "arn:aws:iam::111122223333:user/olga"
ALL = any_rule("all")


class Setup:
    """An operator and a task."""

    def __init__(self, standing: Task) -> None:
        self.ledger, self.clock = MemoryLedger(), FixedClock(NOW)
        self.ledger.open(standing, (AuditEvent("opened", "workflow"),), NOW)
        self.operations = Operations(self.ledger, self.clock, OPERATOR)

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]

    def vote(self, person: str = APPROVER) -> None:
        change = votes.answer(self.task, person, Decision.APPROVE, "", self.task.shown, "", NOW)
        assert change
        self.ledger.commit(change)


EACH: list[Callable[[Operations], object]] = [
    lambda operations: operations.extend(TASK_ID, timedelta(minutes=5)),
    lambda operations: operations.withdraw(TASK_ID, "ordered twice"),
    lambda operations: operations.resend(TASK_ID),
    lambda operations: operations.reassign(TASK_ID, APPROVER, "nora@x.example", "left", MemoryDirectory()),
]


@pytest.mark.parametrize("act", [*EACH, lambda operations: operations.redriven(TASK_ID, "approvals-dlq")])
def test_every_action_adds_an_audit_entry_of_the_operator(act: Callable[[Operations], object]) -> None:
    setup = Setup(any_task())
    act(setup.operations)
    entry = setup.ledger.entries[-1]
    assert (entry.event.actor, entry.event.identified_by) == (OPERATOR, "iam")
    assert is_unbroken(setup.ledger.entries, setup.task.audit_head, setup.task.audit_seq)


@pytest.mark.parametrize("act", EACH)
def test_a_decision_between_reading_and_writing_wins(act: Callable[[Operations], object]) -> None:
    setup = Setup(any_task())
    meanwhile(setup.ledger, setup.vote)
    with pytest.raises(TaskClosedError):
        act(setup.operations)
    assert (setup.task.status, setup.ledger.outbox) == (Status.DECIDED, {})


@pytest.mark.parametrize("act", EACH)
def test_an_unknown_task_is_refused(act: Callable[[Operations], object]) -> None:
    with pytest.raises(UnknownTaskError):
        act(Operations(MemoryLedger(), FixedClock(NOW), OPERATOR))


def test_an_approver_who_votes_just_before_a_reminder_gets_none() -> None:
    setup = Setup(any_task(audience=(APPROVER, OTHER_APPROVER), rule=ALL))
    meanwhile(setup.ledger, setup.vote)
    assert setup.operations.resend(TASK_ID) == (OTHER_APPROVER,)
    (envelope,) = setup.ledger.outbox.values()
    assert (envelope["kind"], envelope["task"]["recipients"]) == ("approval.reminder", [OTHER_APPROVER])


def test_each_reminder_of_an_operator_has_its_own_attempt_number() -> None:
    setup = Setup(any_task())
    for _ in range(3):
        setup.operations.resend(TASK_ID)
    attempts = [envelope["attempt"] for envelope in setup.ledger.outbox.values()]
    assert len({*attempts}) == 3
    assert min(attempts) >= votes.FIRST_RESEND
    assert (setup.task.hand_off, setup.task.callback_id) == (any_task().hand_off, any_task().callback_id)


@pytest.mark.parametrize("status", [Status.DECIDED, Status.APPLIED, Status.EXPIRED, Status.CANCELLED])
def test_a_task_that_is_not_open_cannot_be_resent_or_withdrawn(status: Status) -> None:
    task = any_decided_task(status=status)
    with pytest.raises(TaskClosedError):
        votes.resend(task, OPERATOR, NOW)
    with pytest.raises(TaskClosedError):
        Setup(task).operations.withdraw(TASK_ID, "ordered twice")


def test_a_task_past_its_deadline_can_be_withdrawn_and_not_resent() -> None:
    setup = Setup(any_task(expires_at=NOW))
    with pytest.raises(TaskClosedError):
        setup.operations.resend(TASK_ID)
    assert setup.operations.withdraw(TASK_ID, "ordered twice").status is Status.CANCELLED


def test_a_task_of_a_machine_or_with_all_votes_cannot_be_resent() -> None:
    with pytest.raises(ContractError, match="a machine is asked"):
        votes.resend(any_payment_task(), OPERATOR, NOW)
    voted = any_decided_task(status=Status.OPEN, outcome=None, decided_by=(), decided_at=None)
    with pytest.raises(ContractError, match="everybody who may vote has voted"):
        votes.resend(voted, OPERATOR, NOW)


def test_a_redriven_message_about_an_unknown_task_adds_no_entry() -> None:
    setup = Setup(any_task())
    before = list(setup.ledger.entries)
    setup.operations.redriven("order-9.approval", "approvals-dlq")
    assert setup.ledger.entries == before


# Lost tasks
@pytest.mark.parametrize(
    ("request_is", "status", "told"),
    [
        (RequestStatus.RUNNING, Status.OPEN, ["restored"]),
        (RequestStatus.FAILED, Status.CANCELLED, ["restored", "cancelled"]),
    ],
)
def test_a_lost_task_is_restored_and_stays_open_only_while_its_request_runs(
    request_is: RequestStatus, status: Status, told: list[str]
) -> None:
    setup = Setup(any_task())
    lost = setup.ledger.restored[TASK_ID] = setup.ledger.standing.pop(TASK_ID)
    setup.ledger.asked[lost.request_id] = Request(lost.request_id, "order-approval", status=request_is)
    back = setup.operations.restored(TASK_ID, "ledger-restored")
    assert back == setup.task
    assert back.status is status
    assert [entry.event.event for entry in setup.ledger.entries[1:]] == told


def test_only_a_lost_task_of_the_restored_table_is_restored() -> None:
    setup = Setup(any_task())
    assert setup.operations.restored(TASK_ID, "ledger-restored") is None
    with pytest.raises(UnknownTaskError):
        setup.operations.restored("order-9.approval", "ledger-restored")
    assert len(setup.ledger.entries) == 1


def test_a_reassignment_writes_the_link_of_the_new_person_and_refuses_an_alias_of_the_requester() -> None:
    setup, directory = Setup(any_task(audience=(APPROVER, OTHER_APPROVER))), MemoryDirectory()
    directory.known["nora@x.example"] = Entry(REQUESTER)
    with pytest.raises(ContractError, match="is the requester"):
        setup.operations.reassign(TASK_ID, APPROVER, "nora@x.example", "left", directory)
    directory.known.clear()
    setup.operations.reassign(TASK_ID, APPROVER, "nora@x.example", "left", directory)
    (message,) = setup.ledger.outbox.values()
    assert (message["kind"], message["task"]["recipients"]) == ("approval.requested", ["nora@x.example"])
    assert message["attempt"] == setup.ledger.entries[-1].event.data["attempt"]
