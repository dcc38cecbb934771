"""Refusals: recorded once for each person and reason, then only counted, so that nobody can fill the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from countersign.domain.tasks import Change, Task

if TYPE_CHECKING:
    from countersign.ports import TaskLedger


def record_refusal(ledger: TaskLedger, refusal: Change) -> Task:
    """Write a refusal made by `countersign.domain.tasks.refuse`, and return the task afterwards.

    Raises:
        LedgerConflictError: The task has changed since it was read.
    """
    if refusal.events:
        return ledger.commit(refusal)
    ledger.count_refused(refusal.before.task_id)
    return refusal.before
