"""Sweeping: find what should have happened by now, mend it once, and tell of what stays lost."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from countersign.contracts import envelope
from countersign.domain import upkeep, votes
from countersign.domain.clock import Clock
from countersign.domain.provider_events import ParkedEvent
from countersign.domain.requests import Request
from countersign.domain.rules import Outcome
from countersign.domain.tasks import Ring, RingState, Status, Task
from countersign.ports import Ledger
from countersign.retries import retried
from countersign.services.provider_events import ProviderEvents
from countersign.services.rings import Rings
from countersign.services.starts import Starts


class Lost(StrEnum):
    """What did not happen in time."""

    DECISION = "decision"
    """A workflow has not applied the decision on its task."""
    DEADLINE = "deadline"
    """A workflow has not closed its task, whose deadline has passed."""
    HAND_OFF = "hand_off"
    """Nobody who is asked was sent a link to an open task."""
    WITHDRAWAL = "withdrawal"
    """An operator withdrew a task, and its workflow was not rung."""
    START = "start"
    """A request is not known to have started its workflow."""
    EVENT = "event"
    """No request has asked for the payment of a provider's event; each event is reported once."""


@dataclass(frozen=True)
class Finding:
    """One thing that did not happen in time.

    Attributes:
        lost: What.
        name: Id of the task or the request; of an event, the provider's name and its id of what it is about.
        mended: Whether this sweep did what mends it; otherwise a person must look.
        error: What kept it from being mended; None where it was mended before, and that has not helped.
    """

    lost: Lost
    name: str
    mended: bool
    error: Exception | None = None


@dataclass(frozen=True)
class Sweeps:
    """Looks through what is overdue.

    Attributes:
        grace: How long after its time something is overdue; and how long a mend may take to show.
    """

    ledger: Ledger
    rings: Rings
    starts: Starts
    events: ProviderEvents
    clock: Clock
    grace: timedelta

    def sweep(self, at_most: timedelta) -> Iterator[Finding]:
        """Mend what is overdue, each once, and yield what was found, in the order of `Ledger.overdue`.

        Two sweeps at once mend nothing twice: each puts on record what it is about to do, where nobody has yet. A mend
        that fails, in whatever way, is told and keeps nothing else from being mended.

        Args:
            at_most: After how long to begin with nothing more; the next sweep goes on.

        Raises:
            LedgerUnavailableError: The ledger did not tell what is overdue.
        """
        began = self.clock.now()
        for due in self.ledger.overdue(began - self.grace):
            if self.clock.now() - began >= at_most:
                return
            finding = self._look_at(due)
            if finding:
                yield finding

    def _look_at(self, due: Task | Request | ParkedEvent) -> Finding | None:
        lost, name = _about(due, self.clock.now())
        try:
            mended = self._mend(due)
        except Exception as error:  # noqa: BLE001  one that cannot be mended must not keep the others from it
            return Finding(lost, name, mended=False, error=error)
        return None if mended is None else Finding(lost, name, mended)

    def _mend(self, due: Task | Request | ParkedEvent) -> bool | None:
        """Tell whether it was mended; None where it needs nothing, or nothing yet."""
        match due:
            case Task():
                return self._mend_task(due)
            case Request():
                return self._mend_request(due)
            case ParkedEvent():
                return self._mend_event(due)

    def _mend_task(self, due: Task) -> bool | None:
        request = self.ledger.request(due.request_id)
        if request and request.ended:  # nobody is left to wake; how it ended was told of when it did
            self._leave_alone(due)
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

    def _is_mended(self, due: Task, swept_at: datetime) -> bool | None:
        """Tell whether it is too early to say whether a sweep has helped a task that is due still; then None."""
        now = self.clock.now()
        if swept_at + self.grace > now:
            return None
        if due.status is Status.CANCELLED and due.expired_by(now):
            self._leave_alone(due)
            return None
        return False

    @retried
    def _claim(self, task_id: str) -> Task | None:
        """Put on record that this sweep mends a task, and return the task; None when somebody was faster.

        A hand-off is mended by that: its envelope is written with it.
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
        """Take a withdrawn or a decided task out of what is overdue: its callback has ended by itself."""
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

    def _mend_event(self, due: ParkedEvent) -> bool | None:
        """Apply an event to its task, where an opener that ended too early has left it; otherwise report it, once."""
        task_id = self.ledger.correlated(due.provider, due.event.external_id)
        task = self.ledger.task(task_id) if task_id else None
        if task is None:
            return False if self.ledger.report_once(due, self.clock.now()) else None
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
