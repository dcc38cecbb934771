"""Sweeps: overdue work is repaired once, and reported as long as it stays lost."""

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from countersign.domain import tasks, upkeep
from countersign.domain.answers import SIGNED
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import to_text
from countersign.domain.errors import (
    CallbackUnavailableError,
    LedgerConflictError,
    LedgerUnavailableError,
    RequestConflictError,
    StartFailedError,
    UnknownWorkflowError,
)
from countersign.domain.provider_events import EventRecord, EventStatus, Handling, ParkedEvent, ProviderEvent
from countersign.domain.requests import Request, RequestStatus
from countersign.domain.rules import Outcome
from countersign.domain.tasks import Change, Ring, RingState, Status, Task
from countersign.services.operations import Operations
from countersign.services.provider_events import ProviderEvents
from countersign.services.rings import Rings
from countersign.services.starts import Starts
from countersign.services.sweeps import Finding, Lost, Sweeps
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    CALLER,
    NOW,
    PAYMENT_TASK_ID,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_decided_task,
    any_input,
    any_paid_task,
    any_parked,
    any_payment_task,
    any_task,
)
from countersign.testing.fakes import FixedClock, MemoryDoorbell, MemoryExecutions, MemoryLedger, MemoryStarter
from tests.unit.services.races import meanwhile

GRACE = timedelta(minutes=5)
AT_MOST = timedelta(minutes=4)
DECISION = Finding(Lost.DECISION, TASK_ID, mended=True)
DEADLINE = Finding(Lost.DEADLINE, TASK_ID, mended=True)
START = Finding(Lost.START, REQUEST_ID, mended=True)
DAY = timedelta(days=1)
EXECUTION = "arn:aws:lambda:eu-central-1:111122223333:function:order-approval:1/durable-execution/order-1/1"
HAND_OFF = Finding(Lost.HAND_OFF, TASK_ID, mended=True)
WITHDRAWN = tasks.withdraw(any_task(), CALLER, "ordered twice", NOW).after
WITHDRAWAL = Finding(Lost.WITHDRAWAL, TASK_ID, mended=True)


class Sweeper:
    """The sweeper of a ledger in memory, with a clock at NOW."""

    def __init__(self, *standing: Task) -> None:
        self.ledger = MemoryLedger()
        self.ledger.standing = {task.task_id: task for task in standing}
        self.doorbell = MemoryDoorbell()
        self.starter = MemoryStarter()
        self.executions = MemoryExecutions()
        self.clock = FixedClock(NOW)

    def after(self, wait: timedelta) -> list[Finding]:
        """Return the findings of a sweep after some time."""
        self.clock.moment += wait
        return self.sweep()

    def sweep(self) -> list[Finding]:
        return list(self.sweeps.sweep(AT_MOST))

    @property
    def sweeps(self) -> Sweeps:
        rings = Rings(self.ledger, self.doorbell, self.clock, actor="sweeper")
        starts = Starts(self.ledger, self.starter)
        events = ProviderEvents(self.ledger, self.clock)
        return Sweeps(self.ledger, rings, starts, events, self.executions, self.clock, GRACE)

    def submit(self) -> None:
        request = Request(REQUEST_ID, WORKFLOW, "5" * 64, CALLER, deadline_seconds=3600, input=any_input())
        self.ledger.submit(request, self.clock.now())

    def park(self) -> None:
        record = EventRecord("pay", "evt_1", "b" * 64, Handling.PARKED)
        self.ledger.park(any_parked(), record, self.clock.now())

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]

    @property
    def audited(self) -> list[tuple[str, str]]:
        return [(entry.event.event, entry.event.actor) for entry in self.ledger.entries]


DECIDED_AFTER = timedelta(minutes=1)
"""The time from NOW to the decision of `any_decided_task`."""

OVERDUE = [
    pytest.param(any_decided_task(), DECIDED_AFTER + GRACE, DECISION, id="a decision that is not applied"),
    pytest.param(any_task(), timedelta(hours=1) + GRACE, DEADLINE, id="a task that is open after its deadline"),
]


# Decisions and deadlines
@pytest.mark.parametrize(("task", "when", "found"), OVERDUE)
def test_the_callback_is_rung_again_after_the_grace(task: Task, when: timedelta, found: Finding) -> None:
    sweeper = Sweeper(task)
    assert (sweeper.after(when - timedelta(seconds=1)), sweeper.doorbell.rung) == ([], [])
    assert (sweeper.after(timedelta(seconds=1)), sweeper.doorbell.rung) == ([found], [CALLBACK_ID])
    assert sweeper.audited == [("swept", "sweeper"), ("rung", "sweeper")]
    assert (sweeper.task.status, sweeper.task.swept_at) == (task.status, NOW + when)


@pytest.mark.parametrize(("task", "when", "found"), OVERDUE)
def test_a_swept_task_is_rung_once_and_reported_until_it_is_closed(task: Task, when: timedelta, found: Finding) -> None:
    sweeper = Sweeper(task)
    sweeper.after(when)
    assert sweeper.after(GRACE - timedelta(seconds=1)) == []
    stays_lost = dataclasses.replace(found, mended=False)
    assert (sweeper.after(timedelta(seconds=1)), sweeper.after(GRACE)) == ([stays_lost], [stays_lost])
    assert (sweeper.doorbell.rung, len(sweeper.audited)) == ([CALLBACK_ID], 2)


def test_a_decision_with_a_delivered_ring_is_rung_again() -> None:
    sweeper = Sweeper(any_decided_task(ring=Ring(RingState.DELIVERED, NOW)))
    assert sweeper.after(timedelta(hours=1)) == [DECISION]
    assert (sweeper.doorbell.rung, sweeper.task.ring) == ([CALLBACK_ID], Ring(RingState.DELIVERED, NOW))


@pytest.mark.parametrize("outcome", [Outcome.APPROVED, Outcome.FAILED])
def test_a_swept_failure_is_rung_as_a_failure(outcome: Outcome) -> None:
    sweeper = Sweeper(any_decided_task(outcome=outcome))
    sweeper.after(timedelta(hours=1))
    assert sweeper.doorbell.failed is (outcome is Outcome.FAILED)


@pytest.mark.parametrize("status", ["PAUSING", "PAUSED"])
@pytest.mark.parametrize(("task", "when", "found"), OVERDUE)
def test_work_of_a_paused_execution_is_neither_late_nor_lost_until_it_is_resumed(
    task: Task, when: timedelta, found: Finding, status: str
) -> None:
    sweeper = Sweeper(task)
    sweeper.submit()
    sweeper.ledger.started(REQUEST_ID, EXECUTION)
    sweeper.executions.statuses[EXECUTION] = status
    assert (sweeper.after(when), sweeper.after(DAY), sweeper.doorbell.rung, sweeper.audited) == ([], [], [], [])
    sweeper.executions.statuses[EXECUTION] = "RUNNING"
    assert sweeper.sweep() == [found]
    sweeper.executions.statuses[EXECUTION] = status
    assert sweeper.after(DAY) == [], "paused after a repair"


def test_the_hand_off_of_a_paused_execution_is_sent_again() -> None:
    sweeper = Sweeper(any_task())
    sweeper.submit()
    sweeper.ledger.started(REQUEST_ID, EXECUTION)
    sweeper.executions.statuses[EXECUTION] = "PAUSED"
    assert sweeper.after(GRACE) == [HAND_OFF]


def test_the_first_hand_off_is_sent_again_if_no_link_was_sent_within_the_grace() -> None:
    sweeper = Sweeper(any_task())
    assert (sweeper.after(GRACE - timedelta(seconds=1)), sweeper.after(timedelta(seconds=1))) == ([], [HAND_OFF])
    ((_, sent),) = sweeper.ledger.outbox.items()
    assert (sent["kind"], sent["attempt"], sent["task"]["recipients"]) == ("approval.requested", 1, [APPROVER])
    assert (sweeper.audited, sweeper.doorbell.rung) == ([("resent", "sweeper")], [])


def test_a_repeated_hand_off_without_a_link_is_reported_until_the_deadline() -> None:
    sweeper = Sweeper(any_task())
    sweeper.after(GRACE)
    stays_lost = dataclasses.replace(HAND_OFF, mended=False)
    assert ([sweeper.after(GRACE), sweeper.after(GRACE)], len(sweeper.ledger.outbox)) == ([[stays_lost]] * 2, 1)
    assert sweeper.after(timedelta(hours=1)) == [DEADLINE], "its workflow is rung nevertheless"


@pytest.mark.parametrize(
    "task",
    [
        *(any_task(sent_at=NOW), any_task(audience=()), any_payment_task()),
        *(any_decided_task(status=status) for status in (Status.APPLIED, Status.EXPIRED, Status.CANCELLED)),
    ],
)
def test_a_task_that_is_closed_or_without_a_missing_link_is_not_swept(task: Task) -> None:
    sweeper = Sweeper(task)
    assert (sweeper.after(timedelta(minutes=30)), sweeper.ledger.outbox, sweeper.doorbell.rung) == ([], {}, [])


@pytest.mark.parametrize("state", [RingState.DELIVERED, RingState.CLOSED])
def test_a_withdrawn_task_is_rung_once_after_the_grace(state: RingState) -> None:
    sweeper = Sweeper(WITHDRAWN)
    sweeper.doorbell.answers = [Ring(state, NOW + GRACE)]
    assert sweeper.after(GRACE - timedelta(seconds=1)) == []
    assert (sweeper.after(timedelta(seconds=1)), sweeper.after(DAY)) == ([WITHDRAWAL], [])
    assert (sweeper.doorbell.rung, sweeper.audited) == ([CALLBACK_ID], [("swept", "sweeper"), ("rung", "sweeper")])


def test_a_withdrawn_task_with_a_failed_ring_is_reported_until_its_deadline() -> None:
    sweeper = Sweeper(WITHDRAWN)
    sweeper.doorbell.answers = [Ring(RingState.FAILED, NOW, "AccessDeniedException")]
    stays_lost = dataclasses.replace(WITHDRAWAL, mended=False)
    assert [sweeper.after(GRACE), sweeper.after(GRACE), sweeper.after(GRACE)] == [[stays_lost]] * 3
    assert sweeper.after(timedelta(hours=1)) == []
    assert upkeep.due_at(sweeper.task) is None


def test_a_withdrawn_task_of_an_ended_execution_is_not_rung() -> None:
    sweeper = Sweeper(WITHDRAWN)
    sweeper.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.FAILED, None, NOW)
    assert (sweeper.after(GRACE), sweeper.doorbell.rung, upkeep.due_at(sweeper.task)) == ([], [], None)


def test_a_task_that_is_withdrawn_after_a_ring_for_its_deadline_is_rung_again() -> None:
    sweeper = Sweeper(any_task())
    sweeper.after(timedelta(hours=1) + GRACE)
    sweeper.clock.move(seconds=1)
    Operations(sweeper.ledger, sweeper.clock, CALLER).withdraw(TASK_ID, "nobody waits for it")
    assert (sweeper.after(GRACE), sweeper.doorbell.rung) == ([WITHDRAWAL], [CALLBACK_ID] * 2)


@pytest.mark.parametrize("status", [RequestStatus.SUCCEEDED, RequestStatus.FAILED])
def test_a_decided_task_of_an_ended_execution_is_recorded_once_and_not_rung(status: RequestStatus) -> None:
    sweeper = Sweeper(any_decided_task())
    sweeper.ledger.finish(REQUEST_ID, WORKFLOW, status, None, NOW)
    assert [sweeper.after(DAY), sweeper.after(DAY)] == [[], []]
    assert (sweeper.doorbell.rung, sweeper.audited) == ([], [("left_unapplied", "sweeper")])
    assert (sweeper.task.status, list(sweeper.ledger.overdue(sweeper.clock.now()))) == (Status.DECIDED, [])


def test_a_task_that_its_workflow_applies_during_the_sweep_is_not_rung() -> None:
    sweeper = Sweeper(any_decided_task())

    meanwhile(
        sweeper.ledger,
        lambda: sweeper.ledger.standing.update({TASK_ID: any_decided_task(status=Status.APPLIED, audit_seq=1)}),
    )
    assert (sweeper.after(timedelta(hours=1)), sweeper.doorbell.rung) == ([], [])


def test_one_of_two_concurrent_sweeps_rings() -> None:
    sweeper = Sweeper(any_decided_task())
    sweeper.clock.move(hours=1)
    other: list[Finding] = []

    meanwhile(sweeper.ledger, lambda: other.extend(sweeper.sweep()))
    assert (sweeper.sweep(), other, sweeper.doorbell.rung) == ([], [DECISION], [CALLBACK_ID])
    assert sweeper.audited == [("swept", "sweeper"), ("rung", "sweeper")]


def test_a_ring_that_lambda_refuses_for_good_is_reported_at_once() -> None:
    sweeper = Sweeper(any_decided_task())
    sweeper.doorbell.answers = [Ring(RingState.FAILED, NOW, "InvalidParameterValueException")]
    assert sweeper.after(timedelta(hours=1)) == [dataclasses.replace(DECISION, mended=False)]


def test_a_ring_that_lambda_does_not_accept_is_reported_and_the_sweep_continues() -> None:
    second = "order-1002.approval"
    sweeper = Sweeper(any_decided_task(), any_decided_task(task_id=second, decided_at=NOW + timedelta(minutes=2)))
    sweeper.doorbell.answers = [CallbackUnavailableError("throttled")]
    first, other = sweeper.after(timedelta(hours=1))
    assert (first.name, first.mended, type(first.error)) == (TASK_ID, False, CallbackUnavailableError)
    assert other == Finding(Lost.DECISION, second, mended=True)


# Requests
def test_a_request_without_a_recorded_start_is_started_again_with_the_same_input() -> None:
    sweeper = Sweeper()
    sweeper.submit()
    assert (sweeper.after(GRACE - timedelta(seconds=1)), sweeper.after(timedelta(seconds=1))) == ([], [START])
    ((workflow, name, payload),) = sweeper.starter.started
    assert (workflow, name) == (WORKFLOW, REQUEST_ID)
    asked = {"request_id": REQUEST_ID, "workflow": WORKFLOW, "submitted_by": CALLER}
    assert payload == asked | {"input": any_input(deadline_seconds=3600)}
    assert (sweeper.ledger.asked[REQUEST_ID].status, sweeper.after(DAY)) == ("running", [])


@pytest.mark.parametrize(
    "error", [StartFailedError("TooManyRequests"), UnknownWorkflowError(), RequestConflictError("x")]
)
def test_a_start_that_fails_again_is_reported_and_not_repeated(error: Exception) -> None:
    sweeper = Sweeper()
    sweeper.submit()
    sweeper.starter.failures = [error]
    stays_lost = dataclasses.replace(START, mended=False)
    assert sweeper.after(GRACE) == [dataclasses.replace(stays_lost, error=error)]
    assert (sweeper.after(GRACE), sweeper.starter.started) == ([stays_lost], [])


# Events of providers
def test_an_event_that_is_parked_for_a_day_is_reported_once_and_stays_parked() -> None:
    sweeper = Sweeper()
    sweeper.park()
    assert (sweeper.after(DAY), sweeper.after(GRACE)) == ([], [Finding(Lost.EVENT, "pay pay_1001", mended=False)])
    assert (sweeper.after(GRACE), sweeper.ledger.parked("pay", "pay_1001")) == ([], [any_parked()])


def test_a_parked_event_is_reported_again_by_the_next_sweep_if_one_ends_before_it_has_marked_it() -> None:
    sweeper = Sweeper()
    sweeper.park()
    sweeper.clock.moment += DAY + GRACE
    reported = next(sweeper.sweeps.sweep(AT_MOST))  # and the function ends here
    assert (sweeper.sweep(), sweeper.sweep()) == ([reported], [])


def test_a_flood_of_parked_events_does_not_delay_the_repair_of_a_decision() -> None:
    sweeper = Sweeper(any_decided_task(decided_at=NOW + 3 * DAY))
    for number in range(300):
        event = ProviderEvent(f"evt_{number}", f"other_{number}", EventStatus.PAID, "9.99", "EUR")
        sweeper.ledger.park(
            ParkedEvent("pay", event, SIGNED), EventRecord("pay", event.event_id, "b" * 64, Handling.PARKED), NOW
        )
    read = sweeper.ledger.correlated

    def read_slowly(provider: str, external_id: str) -> str:
        sweeper.clock.move(seconds=1)
        return read(provider, external_id)

    sweeper.ledger.correlated = read_slowly  # type: ignore[method-assign]
    first, *events = sweeper.after(3 * DAY + GRACE)
    assert first == DECISION
    assert len(events) == AT_MOST / timedelta(seconds=1), "the sweep works until its end"
    told = [finding for finding in sweeper.after(GRACE) if finding.lost is Lost.EVENT]
    assert len(told) == 300 - len(events), "each is reported once"


def test_a_mail_outage_does_not_delay_the_repair_of_a_decision() -> None:
    unsent = (any_task(task_id=f"order-{number}.unsent", expires_at=NOW + 9 * DAY) for number in range(3_000))
    sweeper = Sweeper(*unsent, any_decided_task(decided_at=NOW + DAY))
    read = sweeper.ledger.request

    def read_slowly(request_id: str, *, consistent: bool = True) -> Request | None:
        sweeper.clock.move(seconds=1)
        return read(request_id, consistent=consistent)

    sweeper.ledger.request = read_slowly  # type: ignore[method-assign]
    first, *others = sweeper.after(DAY + GRACE)
    assert (first, {finding.lost for finding in others}) == (DECISION, {Lost.HAND_OFF})
    again = sweeper.sweep()
    assert not {finding.name for finding in others} & {finding.name for finding in again}
    sweeper.ledger.standing["order-1.lost"] = any_decided_task(task_id="order-1.lost", decided_at=sweeper.clock.now())
    told = sweeper.after(GRACE)
    assert Finding(Lost.DECISION, "order-1.lost", mended=True) in told[:2]


def test_a_parked_event_of_an_open_task_is_applied() -> None:
    sweeper = Sweeper()
    sweeper.park()
    task = any_payment_task(expires_at=NOW + 2 * DAY)
    sweeper.ledger.standing[PAYMENT_TASK_ID] = task
    sweeper.ledger.claims[("pay", "pay_1001")] = PAYMENT_TASK_ID
    assert sweeper.after(DAY + GRACE) == [Finding(Lost.EVENT, "pay pay_1001", mended=True)]
    assert sweeper.ledger.standing[PAYMENT_TASK_ID].status is Status.DECIDED
    assert sweeper.ledger.parked("pay", "pay_1001") == []


# Duration
def test_a_sweep_ends_in_time_and_the_next_one_continues_with_the_longest_overdue() -> None:
    names = [f"order-{number}.approval" for number in range(3)]
    sweeper = Sweeper(
        *(
            any_decided_task(task_id=name, decided_at=NOW - timedelta(minutes=number))
            for number, name in enumerate(names)
        )
    )
    sweeper.clock.move(hours=1)
    sweeper.ledger.after_write = lambda _: sweeper.clock.move(minutes=1)  # two writes for each
    assert [finding.name for finding in sweeper.sweep()] == names[:0:-1]
    sweeper.ledger.after_write = lambda _: None
    assert names[0] in [finding.name for finding in sweeper.sweep()]


def test_a_task_that_loses_every_race_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.retries.pause_seconds", lambda *_: 0)
    sweeper = Sweeper(any_decided_task())

    def lose(_: str) -> None:
        raise LedgerConflictError(TASK_ID)

    sweeper.ledger.before_write = lose
    (finding,) = sweeper.after(timedelta(hours=1))
    assert (finding.mended, type(finding.error)) == (False, LedgerUnavailableError)


# Money that is reserved for refunds
REFUND = Finding(Lost.REFUND, PAYMENT_TASK_ID, mended=True)


def reserved_until(until: datetime, *refunds: str) -> Task:
    return any_paid_task(reserved={refund: {"amount": "10.00", "until": to_text(until)} for refund in refunds})


@pytest.mark.parametrize(
    ("asked", "findings", "left"),
    [
        ((), [[REFUND], []], set()),
        ((any_task(task_id="refund-1.refund", opened_at=None, status=Status.CANCELLED),), [[REFUND], []], set()),
        (
            (any_payment_task(task_id="refund-1.refund", status=Status.EXPIRED, closed_at=NOW),),
            2 * [["doubt"]],
            {"refund-1"},
        ),
    ],
    ids=["not handed off", "withdrawn before its hand-off", "handed off"],
)
def test_what_an_ended_refund_left_reserved_is_freed_unless_its_money_may_have_moved(
    asked: tuple[Task, ...], findings: list[list[Any]], left: set[str]
) -> None:
    sweeper = Sweeper(reserved_until(NOW, "refund-1"), *asked)
    reserve = AuditEvent("refund_reserved", "refund", data={"refund": "refund-1", "amount": "10.00"})
    sweeper.ledger.commit(Change(sweeper.ledger.standing[PAYMENT_TASK_ID], None, {}, (reserve,), NOW))
    assert sweeper.after(GRACE - timedelta(seconds=1)) == []
    doubt = dataclasses.replace(REFUND, mended=False)
    expected = [[doubt if each == "doubt" else each for each in found] for found in findings]
    assert [sweeper.after(timedelta(seconds=1)), sweeper.sweep()] == expected
    assert sweeper.ledger.standing[PAYMENT_TASK_ID].reserved.keys() == left


def test_what_a_refund_that_still_runs_has_reserved_is_left_alone() -> None:
    sweeper = Sweeper(reserved_until(NOW, REQUEST_ID))
    sweeper.submit()
    sweeper.ledger.started(REQUEST_ID, "arn")
    assert sweeper.after(DAY) == []
