"""Cancellations: the caller's role withdraws a request with its open tasks, whatever happens at the same time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.domain import votes
from countersign.domain.errors import (
    ContractError,
    CountersignError,
    IrrevocableError,
    RequestDecidedError,
    RequestEndedError,
    UnknownRequestError,
)
from countersign.domain.requests import Cancelling, Request, RequestStatus
from countersign.domain.rules import Decision
from countersign.domain.tasks import Status, Task
from countersign.services import cancellations
from countersign.services.cancellations import Cancellations
from countersign.services.executions import Executions
from countersign.services.waits import Waits
from countersign.testing.builders import (
    APPROVER,
    NOW,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_decided_task,
    any_paid_task,
    any_payment_task,
    any_task,
    any_wait,
)
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryExecutions, MemoryHandOff, MemoryLedger
from tests.unit.services.races import meanwhile

SHOP = "arn:aws:sts::111122223333:assumed-role/shop/i-0abc"
ROLE = "arn:aws:iam::111122223333:role/shop"
SECOND = f"{REQUEST_ID}.second"
REASON = {"reason": "ordered twice"}
RUNNING, SUBMITTED = RequestStatus.RUNNING, RequestStatus.SUBMITTED
CANCELLED = (Status.CANCELLED, "withdrawn_by_caller")


class Setup:
    """A request with its tasks, and everybody who acts on them."""

    def __init__(self, *standing: Task, status: RequestStatus = RUNNING, **request: Any) -> None:
        self.ledger, self.hand_off, clock = MemoryLedger(), MemoryHandOff(), FixedClock(NOW)
        self.ledger.standing = {task.task_id: task for task in standing}
        self.ledger.asked[REQUEST_ID] = Request(REQUEST_ID, WORKFLOW, submitted_by=SHOP, status=status, **request)
        self.cancellations = Cancellations(self.ledger, clock)
        self.executions = Executions(self.ledger, MemoryExecutions(), clock)
        self.waits = Waits(self.ledger, self.hand_off, MemoryDirectory(), clock, WORKFLOW, "https://api.example.com")

    def cancel(self, caller: str = SHOP, request_id: str = REQUEST_ID, document: Any = REASON) -> None:
        self.cancellations.cancel(request_id, document, caller)

    def open_second(self) -> None:
        self.waits.open(any_wait(name="second"), any_task().question)

    def decide(self) -> None:
        task = self.ledger.standing[TASK_ID]
        change = votes.answer(task, APPROVER, Decision.APPROVE, "", task.shown, "", NOW)
        if change:
            self.ledger.commit(change)

    def read(self) -> None:
        self.waits.read(any_wait())

    def end(self, status: str = "FAILED") -> None:
        self.executions.ended(REQUEST_ID, status, "")

    @property
    def request(self) -> Request:
        return self.ledger.asked[REQUEST_ID]

    @property
    def statuses(self) -> dict[str, tuple[Status, str]]:
        return {task.task_id: (task.status, task.closed_because) for task in self.ledger.standing.values()}


def test_a_cancelled_request_is_marked_its_open_tasks_are_withdrawn_and_it_ends_withdrawn() -> None:
    setup = Setup(any_task(), any_task(task_id=SECOND, status=Status.EXPIRED))
    setup.cancel()
    assert setup.request.cancelling == Cancelling("ordered twice", ROLE, NOW)
    assert setup.statuses == {TASK_ID: CANCELLED, SECOND: (Status.EXPIRED, "")}
    (entry,) = setup.ledger.entries
    assert (entry.event.event, entry.event.actor, entry.event.identified_by) == ("cancelled", ROLE, "iam")
    assert entry.event.data == {"reason": "withdrawn_by_caller", "comment": "ordered twice"}
    assert setup.request.status is RUNNING
    setup.end()
    assert (setup.request.status, setup.request.error, setup.request.result) == ("cancelled", "withdrawn", None)
    setup.cancel()
    assert len(setup.ledger.entries) == 1


def test_more_tasks_than_one_transaction_takes_are_all_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellations, "AT_ONCE", 1)
    setup = Setup(*(any_task(task_id=f"{REQUEST_ID}.{number}") for number in range(3)))
    setup.cancel()
    assert set(setup.statuses.values()) == {CANCELLED}


def test_a_task_that_a_late_read_of_the_ended_request_lacks_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(any_task(), status=SUBMITTED)
    monkeypatch.setattr(setup.ledger, "with_tasks", lambda request_id: (setup.ledger.asked[request_id], []))
    setup.cancel()
    task = setup.ledger.standing[TASK_ID]
    assert (task.status, task.closed_because) == CANCELLED


def test_a_request_whose_start_is_not_recorded_ends_at_once_and_is_not_started_again() -> None:
    setup = Setup(status=SUBMITTED)
    setup.cancel()
    assert (setup.request.status, setup.request.error) == ("cancelled", "withdrawn")
    setup.ledger.started(REQUEST_ID, "arn")
    setup.open_second()
    assert (setup.request.status, setup.statuses[SECOND][0]) == ("cancelled", Status.CANCELLED)
    assert (setup.hand_off.sent, list(setup.ledger.overdue(NOW))) == ([], [])
    setup.cancel()


@pytest.mark.parametrize(
    ("caller", "request_id"),
    [
        (SHOP.replace("shop", "other"), REQUEST_ID),
        (SHOP.replace("1111", "2222"), REQUEST_ID),
        ("arn:aws:iam::111122223333:user/shop", REQUEST_ID),
        ("", REQUEST_ID),
        (SHOP, "order-1002"),
        (SHOP, "x" * 3000),
    ],
)
def test_only_the_role_of_the_submitter_finds_the_request(caller: str, request_id: str) -> None:
    setup = Setup(any_task())
    with pytest.raises(UnknownRequestError):
        setup.cancel(caller, request_id)
    assert (setup.request.cancelling, setup.statuses) == (None, {TASK_ID: (Status.OPEN, "")})


def test_another_session_of_the_role_may_cancel() -> None:
    setup = Setup(any_task())
    setup.cancel(SHOP.replace("i-0abc", "i-0def"))
    assert setup.statuses == {TASK_ID: CANCELLED}


@pytest.mark.parametrize(
    ("setup", "error"),
    [
        (Setup(any_task(), any_decided_task(task_id=SECOND)), RequestDecidedError),
        (Setup(any_task(), any_payment_task(irrevocable=True)), IrrevocableError),
        (Setup(any_task(), any_paid_task(irrevocable=True)), IrrevocableError),
        (Setup(status=RequestStatus.SUCCEEDED), RequestEndedError),
        (Setup(status=RequestStatus.FAILED), RequestEndedError),
        (Setup(status=RequestStatus.CANCELLED), RequestEndedError),
        (Setup(status=RequestStatus.SUCCEEDED, cancelling=Cancelling("", ROLE, NOW)), RequestEndedError),
    ],
    ids=[
        *("decided", "irrevocable", "carried out", "succeeded", "failed", "withdrawn by people"),
        "succeeded in spite of the mark",
    ],
)
def test_a_request_that_is_decided_irrevocable_or_ended_stays_as_it_is(setup: Setup, error: type[Exception]) -> None:
    before = setup.request, setup.statuses
    with pytest.raises(error):
        setup.cancel()
    assert (setup.request, setup.statuses) == before


@pytest.mark.parametrize("document", [{}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "x", "by": ROLE}, [], 1])
def test_a_reason_is_needed(document: Any) -> None:
    with pytest.raises(ContractError):
        Setup(any_task()).cancel(document=document)


def test_the_mark_ends_a_later_opening_before_anybody_hears_of_it_and_an_approval_by_policy_too() -> None:
    setup = Setup()
    setup.cancel()
    reports = [setup.waits.open(any_wait(), any_task().question) for _ in range(2)]
    reports.append(setup.waits.approve_by_policy(any_wait(name="auto", audience=()), any_task(policy="1").question))
    assert {report["status"] for report in reports} == {"CANCELLED"}
    assert ({closed for _, closed in setup.statuses.values()}, setup.hand_off.sent) == ({"withdrawn"}, [])


@pytest.mark.parametrize(
    "acting", [any_payment_task(task_id=SECOND, irrevocable=True), any_paid_task(irrevocable=True)]
)
def test_a_machine_that_was_asked_while_the_mark_was_written_keeps_its_task_and_no_call_says_cancelled(
    acting: Task,
) -> None:
    setup = Setup()
    meanwhile(setup.ledger, lambda: setup.ledger.standing.update({acting.task_id: acting}))
    for _ in range(2):
        with pytest.raises(IrrevocableError):
            setup.cancel()
    assert setup.ledger.standing[acting.task_id] == acting


@pytest.mark.parametrize("moment", ["before", "meanwhile", "after"])
def test_an_irrevocable_task_is_never_opened_under_the_mark_and_stays_if_it_was_handed_off_before(moment: str) -> None:
    setup = Setup()
    question = replace(any_payment_task(irrevocable=True).question, correlation=None)
    wait = any_wait(name="second", audience=())
    if moment == "before":
        setup.cancel()
    elif moment == "meanwhile":
        meanwhile(setup.ledger, setup.cancel)
    first = setup.waits.open(wait, question)
    setup.ledger.asked[REQUEST_ID] = replace(setup.request, cancelling=Cancelling("", ROLE, NOW))
    again, task = setup.waits.open(wait, question), setup.ledger.standing[SECOND]
    opened = ("OPEN", NOW) if moment == "after" else ("CANCELLED", None)
    assert (first["status"], task.opened_at) == (again["status"], task.opened_at) == opened
    assert bool(setup.hand_off.sent) is (moment == "after")


ACTIONS: dict[str, Callable[[Setup], None]] = {
    "cancel": Setup.cancel,
    "decide": Setup.decide,
    "read": Setup.read,
    "open": Setup.open_second,
    "end": Setup.end,
    "succeed": lambda setup: setup.end("SUCCEEDED"),
}


class Race:
    """Runs actions in an order, each within one of the writes of the earlier one, or after it."""

    def __init__(self, setup: Setup, order: list[str], places: Iterator[tuple[str, int]]) -> None:
        self.setup, self.left, self.places = setup, list(order), places
        self.refused: dict[str, Exception] = {}

    def run(self) -> None:
        while self.left:
            self._act(self.left.pop(0), *next(self.places, ("before_write", 0)))

    def _act(self, name: str, moment: str, skipped: int) -> None:
        writes = iter(range(100))

        def interrupt(_: str) -> None:
            if self.left and next(writes) == skipped:
                setattr(self.setup.ledger, moment, lambda _: None)
                self._act(self.left.pop(0), *next(self.places, ("before_write", 0)))

        setattr(self.setup.ledger, moment, interrupt)
        try:
            ACTIONS[name](self.setup)
        except CountersignError as error:
            self.refused[name] = error
        setattr(self.setup.ledger, moment, lambda _: None)


@settings(max_examples=200)
@given(
    order=st.lists(st.sampled_from(sorted(ACTIONS)), unique=True),
    places=st.lists(st.tuples(st.sampled_from(["before_write", "after_write"]), st.integers(0, 1))),
    status=st.sampled_from([RUNNING, SUBMITTED]),
)
def test_a_cancellation_loses_and_decides_nothing_in_any_order_of_concurrent_writes(
    order: list[str], places: list[tuple[str, int]], status: RequestStatus
) -> None:
    setup = Setup(any_task(), status=status)
    race = Race(setup, order, iter(places))
    race.run()
    is_cancelled = "cancel" in order and "cancel" not in race.refused
    assert is_cancelled is (setup.request.cancelling is not None)
    events = [entry.event.event for entry in setup.ledger.entries if entry.task_id == TASK_ID]
    assert events.count("decided") + events.count("cancelled") <= 1, "one end only"
    if is_cancelled:
        assert Status.OPEN not in {task.status for task in setup.ledger.standing.values()}
        first = setup.ledger.standing[TASK_ID]
        assert first.closed_because or first.decided_at, "it is withdrawn, unless the decision came first"
    setup.open_second()
    setup.end()
    assert setup.request.ended
    second, told = setup.ledger.standing[SECOND], [envelope["task_id"] for envelope in setup.hand_off.sent]
    assert second.closed_because != "withdrawn" or told == [], "nobody hears of a task that its opening withdrew"
