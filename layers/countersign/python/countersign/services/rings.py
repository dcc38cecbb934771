"""Ringing: wake the workflow whose task has been decided, and record how that went."""

from countersign.domain import upkeep
from countersign.domain.clock import Clock
from countersign.domain.tasks import Change, Ring, Task
from countersign.ports import Doorbell, TaskLedger
from countersign.retries import retry_on_conflict


class Rings:
    """Rings durable executions."""

    def __init__(
        self, ledger: TaskLedger, doorbell: Doorbell, clock: Clock, *, actor: str = "relay", operator: str = ""
    ) -> None:
        """Take the ports, and who rings, as the audit names them.

        Args:
            ledger: Where tasks are kept.
            doorbell: What completes callbacks.
            clock: The time.
            actor: Which part of the kit rings.
            operator: The IAM ARN of the operator who rings; none where the kit does.
        """
        self._ledger = ledger
        self._doorbell = doorbell
        self._clock = clock
        self._actor = actor
        self._operator = operator

    def ring(self, task_id: str, callback_id: str, *, failed: bool = False) -> Ring:
        """Ring the callback of a task.

        Safe to do again: a callback that ended before answers so, and a delivered ring stays delivered.

        Args:
            task_id: The task.
            callback_id: The callback that its workflow waits on.
            failed: Whether the task was answered by a technical failure, which the ring says too.

        Raises:
            TransientError: Lambda was throttled or did not answer, or the ledger did not; ring again.
        """
        ring = self._doorbell.ring(callback_id, self._clock.now(), failed=failed)
        retry_on_conflict(lambda: self._record(task_id, ring))
        return ring

    def _record(self, task_id: str, ring: Ring) -> None:
        task = self._ledger.task(task_id)
        change = self._recorded(task, ring) if task else None
        if change:
            self._ledger.commit(change)

    def _recorded(self, task: Task, ring: Ring) -> Change | None:
        if self._operator:
            return upkeep.rung_by(task, ring, self._operator)
        return upkeep.rung(task, ring, self._actor)
