"""Sweeps: find overdue tasks, requests and events, repair each once, and report those that stay overdue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from countersign.contracts import envelope
from countersign.domain import upkeep, votes
from countersign.domain.clock import Clock
from countersign.domain.errors import TransientError
from countersign.domain.provider_events import ParkedEvent
from countersign.domain.requests import Request
from countersign.domain.rules import Outcome
from countersign.domain.tasks import Ring, RingState, Status, Task
from countersign.retries import retried
from countersign.services.provider_events import ProviderEvents
from countersign.services.rings import Rings
from countersign.services.starts import Starts

if TYPE_CHECKING:
    from countersign.ports import ExecutionStates, Ledger


class Lost(StrEnum):
    """The kinds of overdue work."""

    DECISION = "decision"
    """A workflow has not applied the decision of its task."""
    DEADLINE = "deadline"
    """A workflow has not closed its task after the deadline."""
    HAND_OFF = "hand_off"
    """No link to an open task was sent."""
    WITHDRAWAL = "withdrawal"
    """An operator withdrew a task, and its workflow was not rung."""
    START = "start"
    """The start of a request's workflow is not recorded."""
    REFUND = "refund"
    """Money is reserved for a refund whose request has ended, and it may have moved or not."""
    EVENT = "event"
    """No task waits for the payment of a parked event; a sweep reports it, and the later ones do not."""


@dataclass(frozen=True)
class Finding:
    """One overdue task, request or event.

    Attributes:
        lost: The kind.
        name: Id of the task or the request; for an event, the provider's name and the external id.
        mended: Whether this sweep repaired it; otherwise a person must look.
        error: Why the repair failed; None if an earlier repair did not help.
    """

    lost: Lost
    name: str
    mended: bool
    error: Exception | None = None


@dataclass(frozen=True)
class Sweeps:
    """Finds and repairs overdue tasks, requests and events.

    Attributes:
        executions: The states of executions: work of a paused execution is not overdue.
        grace: How late they must be to count as overdue, and how long a repair may take to show its effect.
    """

    ledger: Ledger
    rings: Rings
    starts: Starts
    events: ProviderEvents
    executions: ExecutionStates
    clock: Clock
    grace: timedelta

    def sweep(self, at_most: timedelta) -> Iterator[Finding]:
        """Repair everything overdue once, and yield the findings in the order of `Ledger.overdue`.

        Two concurrent sweeps repair nothing twice: each first records its repair, and only one of them can. A repair
        that fails is reported, and the sweep goes on.

        Args:
            at_most: After this time the sweep starts no more repairs; the next sweep continues.

        Raises:
            LedgerUnavailableError: The ledger did not list what is overdue.
        """
        began = self.clock.now()
        for due in self.ledger.overdue(began - self.grace):
            if self.clock.now() - began >= at_most:
                return
            finding = self._look_at(due)
            if finding:
                yield finding
                self._remember(due, finding)

    def _look_at(self, due: Task | Request | ParkedEvent) -> Finding | None:
        lost, name = _about(due, self.clock.now())
        try:
            mended = self._mend(due)
        except Exception as error:  # noqa: BLE001  one failed repair must not block the others
            return Finding(lost, name, mended=False, error=error)
        return None if mended is None else Finding(lost, name, mended)

    def _remember(self, due: Task | Request | ParkedEvent, finding: Finding) -> None:
        """Mark a parked event as reported, after it was: a sweep that fails in between reports it again."""
        if isinstance(due, ParkedEvent) and not finding.mended:
            with suppress(TransientError):
                self.ledger.report_once(due, self.clock.now())

    def _mend(self, due: Task | Request | ParkedEvent) -> bool | None:
        """Return whether it was repaired; None if it needs no repair, or none yet."""
        match due:
            case Task(status=Status.APPLIED):
                return self._mend_reservations(due)
            case Task():
                return self._mend_task(due)
            case Request():
                return self._mend_request(due)
            case ParkedEvent():
                return self._mend_event(due)

    def _mend_task(self, due: Task) -> bool | None:
        request = self.ledger.request(due.request_id)
        if request and request.ended:  # no workflow is left to wake; its end was reported when it happened
            self._leave_alone(due)
            return None
        if request and self._awaits_paused(due, request.execution_arn):
            return None
        swept_at = upkeep.swept_at(due, self.clock.now())
        if swept_at is not None:
            return self._is_mended(due, swept_at)
        task = self._claim(due.task_id)
        if task is None:
            return None
        if _lost_of(task, self.clock.now()) is Lost.HAND_OFF:
            return True
        ring = self.rings.ring(task.task_id, task.callback_id, failed=task.outcome is Outcome.FAILED)
        return ring.state is not RingState.FAILED

    def _mend_reservations(self, due: Task) -> bool | None:
        """Free what is reserved for requests that ended before their hand-off; return False if one may have paid.

        The next sweep looks at a request that still runs, since an operator can extend its deadline.
        """
        # Imported here: refunds are rare.
        from countersign.domain import refunds as reservations
        from countersign.services.refunds import Refunds

        refunds = Refunds(self.ledger, self.clock, "sweeper")
        over = [refund for refund in reservations.ended(due, self.clock.now() - self.grace) if self._has_ended(refund)]
        found = [refunds.free_unmoved(due.task_id, refund) for refund in over]
        return all(each["state"] != reservations.State.RESERVED for each in found) if found else None

    def _has_ended(self, request_id: str) -> bool:
        request = self.ledger.request(request_id)
        return request is None or request.ended

    def _awaits_paused(self, due: Task, execution_arn: str) -> bool:
        """Tell whether a task waits for a paused execution; hand-offs and rings need no running execution."""
        awaits_execution = _lost_of(due, self.clock.now()) in (Lost.DECISION, Lost.DEADLINE)
        return awaits_execution and bool(execution_arn) and self.executions.is_paused(execution_arn)

    def _is_mended(self, due: Task, swept_at: datetime) -> bool | None:
        """Return False if an earlier sweep has not helped a task; None while it is too early to say."""
        now = self.clock.now()
        if swept_at + self.grace > now:
            return None
        if due.status is Status.CANCELLED and due.expired_by(now):
            self._leave_alone(due)
            return None
        return False

    @retried
    def _claim(self, task_id: str) -> Task | None:
        """Record that this sweep repairs a task, and return the task; None if another writer was faster.

        The same write repairs a hand-off: it puts the envelope into the outbox.
        """
        task, now = self.ledger.task(task_id), self.clock.now()
        if task is None or upkeep.swept_at(task, now) or not self._is_overdue(task, now):
            return None
        if _lost_of(task, now) is not Lost.HAND_OFF:
            return self.ledger.commit(upkeep.sweep(task, now))
        outbox = {f"sweep#{task.hand_off}": envelope.requested(task)}
        return self.ledger.commit(replace(votes.send_once_more(task, now), outbox=outbox))

    def _is_overdue(self, task: Task, now: datetime) -> bool:
        due_at = upkeep.due_at(task, now)
        return due_at is not None and due_at + self.grace <= now

    def _leave_alone(self, due: Task) -> None:
        """Take a withdrawn or decided task out of the index of overdue tasks: its callback has ended."""
        if due.status is not Status.OPEN:
            self._close(due.task_id)

    @retried
    def _close(self, task_id: str) -> None:
        task, now = self.ledger.task(task_id), self.clock.now()
        if task is None or upkeep.due_at(task) is None:
            return
        is_decided = task.status is Status.DECIDED
        change = (
            upkeep.left_unapplied(task, now)
            if is_decided
            else upkeep.rung(task, Ring(RingState.CLOSED, now), "sweeper")
        )
        if change:
            self.ledger.commit(change)

    def _mend_request(self, due: Request) -> bool | None:
        now = self.clock.now()
        if due.swept_at:
            return None if due.swept_at + self.grace > now else False
        if not self.ledger.start_again(due.request_id, now):
            return None
        self.starts.start(due)
        return True

    def _mend_event(self, due: ParkedEvent) -> bool:
        """Apply a parked event to a task whose opening ended before it did so; without a task, a person must look."""
        task_id = self.ledger.correlated(due.provider, due.event.external_id)
        task = self.ledger.task(task_id) if task_id else None
        if task is None:
            return False
        self._apply_parked(task.task_id)
        return True

    @retried
    def _apply_parked(self, task_id: str) -> None:
        task = self.ledger.task(task_id)
        if task:
            self.events.apply_parked(task)


_LOST_OF_TASKS = {
    Status.OPEN: Lost.DEADLINE,
    Status.DECIDED: Lost.DECISION,
    Status.CANCELLED: Lost.WITHDRAWAL,
    Status.APPLIED: Lost.REFUND,
}


def _lost_of(task: Task, now: datetime) -> Lost:
    is_unsent = task.status is Status.OPEN and task.is_unsent and not task.expired_by(now)
    return Lost.HAND_OFF if is_unsent else _LOST_OF_TASKS[task.status]


def _about(due: Task | Request | ParkedEvent, now: datetime) -> tuple[Lost, str]:
    match due:
        case Task():
            return _lost_of(due, now), due.task_id
        case Request():
            return Lost.START, due.request_id
        case ParkedEvent():
            return Lost.EVENT, f"{due.provider} {due.event.external_id}"
