"""Ringing: wake the workflow whose task has been decided, and record how that went."""

from dataclasses import dataclass

from countersign.domain import upkeep
from countersign.domain.clock import Clock
from countersign.domain.tasks import Ring
from countersign.ports import Doorbell, TaskLedger
from countersign.retries import retried


@dataclass(frozen=True)
class Rings:
    """Rings durable executions.

    Attributes:
        actor: Which part of the kit rings, as the audit names it.
        operator: The IAM ARN of the operator who rings; empty where the kit does.
    """

    ledger: TaskLedger
    doorbell: Doorbell
    clock: Clock
    actor: str = "relay"
    operator: str = ""

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
        ring = self.doorbell.ring(callback_id, self.clock.now(), failed=failed)
        self._record(task_id, ring)
        return ring

    @retried
    def _record(self, task_id: str, ring: Ring) -> None:
        task = self.ledger.task(task_id)
        by = (self.operator, "iam") if self.operator else (self.actor, "kit")
        change = upkeep.rung(task, ring, *by) if task else None
        if change:
            self.ledger.commit(change)
