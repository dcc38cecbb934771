"""The end of an execution: record how the request ended, and close the tasks that nobody waits for any more."""

from countersign.domain import tasks
from countersign.domain.clock import Clock
from countersign.domain.tasks import Task
from countersign.ports import RequestLedger, TaskLedger
from countersign.services.contention import settle

SUCCEEDED = "SUCCEEDED"
ENDED = frozenset({SUCCEEDED, "FAILED", "TIMED_OUT", "STOPPED"})
"""The statuses in which Lambda says that a durable execution is over."""


class Executions:
    """Follows durable executions to their end."""

    def __init__(self, ledger: TaskLedger, requests: RequestLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._requests = requests
        self._clock = clock

    def ended(self, request_id: str, status: str) -> list[str]:
        """Record the end of a request's execution and cancel its open tasks.

        A result that the workflow recorded itself stays. A decision made a moment before stays too: its task is not
        open any more.

        Args:
            request_id: The execution's name.
            status: One of `ENDED`.

        Returns:
            The ids of the tasks that were cancelled.
        """
        request = self._requests.request(request_id)
        if request:
            outcome = "succeeded" if status == SUCCEEDED else "failed"
            self._requests.finish(request_id, request.workflow, outcome, None, self._clock.now())
        reason = f"execution_{status.lower()}"
        return [task_id for task_id in self._requests.task_ids(request_id) if self._cancel(task_id, reason)]

    def _cancel(self, task_id: str, reason: str) -> bool:
        return settle(lambda: self._try_to_cancel(task_id, reason))

    def _try_to_cancel(self, task_id: str, reason: str) -> bool:
        task: Task | None = self._ledger.task(task_id)
        change = tasks.cancel(task, "executions", reason, self._clock.now()) if task else None
        if change is None:
            return False
        self._ledger.commit(change)
        return True
