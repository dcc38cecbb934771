"""Refusals: on record once for each person and reason, and counted after that, so that nobody fills the audit."""

from countersign.domain.tasks import Change, Task
from countersign.ports import TaskLedger


def record_refusal(ledger: TaskLedger, refusal: Change) -> Task:
    """Write a refusal that `countersign.domain.tasks.refuse` has made, and return the task as it stands then.

    Raises:
        LedgerConflictError: The task has changed since it was read.
    """
    if refusal.events:
        return ledger.commit(refusal)
    ledger.count_refused(refusal.before.task_id)
    return refusal.before
