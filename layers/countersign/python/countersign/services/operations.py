"""What an operator may do with a task that is open: each action is audited with the operator's identity."""

from datetime import timedelta

from countersign.domain import tasks
from countersign.domain.clock import Clock
from countersign.domain.errors import UnknownTaskError
from countersign.domain.tasks import Task
from countersign.ports import TaskLedger
from countersign.services.contention import settle


class Operations:
    """Acts on tasks for one operator."""

    def __init__(self, ledger: TaskLedger, clock: Clock, operator: str) -> None:
        """Take the ports, and the IAM ARN of who acts."""
        self._ledger = ledger
        self._clock = clock
        self._operator = operator

    def extend(self, task_id: str, by: timedelta) -> Task:
        """Move an open task's deadline; every link stays valid, and the workflow waits on.

        Args:
            task_id: The task.
            by: How much later.

        Raises:
            UnknownTaskError: There is no such task.
            TaskClosedError: It is not open any more.
            ContractError: The new deadline is later than the execution lives.
        """
        return settle(lambda: self._extend(task_id, by))

    def _extend(self, task_id: str, by: timedelta) -> Task:
        task = self._ledger.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        change = tasks.extend(task, task.expires_at + by, self._operator, self._clock.now())
        return self._ledger.commit(change)
