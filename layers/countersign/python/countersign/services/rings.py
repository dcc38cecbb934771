"""Rings: complete the callback of a decided task, which wakes its workflow, and record Lambda's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from countersign.domain import upkeep
from countersign.domain.clock import Clock
from countersign.domain.tasks import Ring, RingState
from countersign.retries import retried

if TYPE_CHECKING:
    from countersign.ports import Doorbell, TaskLedger

RELAY = "relay"
"""The audit's name for the part of the kit that rings every decision."""


@dataclass(frozen=True)
class Rings:
    """Rings durable executions.

    Attributes:
        actor: The audit's name for the part of the kit that rings.
        operator: The IAM ARN of the operator who rings; empty if the kit rings.
    """

    ledger: TaskLedger
    doorbell: Doorbell
    clock: Clock
    actor: str = RELAY
    operator: str = ""

    def ring(self, task_id: str, callback_id: str, *, failed: bool = False, always_record: bool = False) -> Ring:
        """Ring the callback of a task.

        Idempotent: Lambda reports a callback that is already closed, and a delivered ring stays delivered. A delivered
        ring of the relay is not recorded, which saves a transaction for each decision: the workflow's `applied` follows
        it, and the sweeper finds a decision that is not applied.

        Args:
            task_id: The task.
            callback_id: The callback on which the workflow waits.
            failed: Whether a machine reported a failure; the callback then ends as failed.
            always_record: Whether to record a delivered ring of the relay too: no `applied` follows a withdrawal.

        Raises:
            TransientError: Lambda throttled the call, or Lambda or the ledger did not answer; ring again.
        """
        ring = self.doorbell.ring(callback_id, self.clock.now(), failed=failed)
        if always_record or self.actor != RELAY or self.operator or ring.state is not RingState.DELIVERED:
            self._record(task_id, callback_id, ring)
        return ring

    @retried
    def _record(self, task_id: str, callback_id: str, ring: Ring) -> None:
        task = self.ledger.task(task_id)
        by = (self.operator, "iam") if self.operator else (self.actor, "kit")
        change = upkeep.rung(task, ring, *by, callback_id=callback_id) if task else None
        if change:
            self.ledger.commit(change)
