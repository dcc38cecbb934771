"""The end of an execution: record the request's outcome, and close the tasks that no workflow waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from countersign.domain import tasks
from countersign.domain.clock import Clock
from countersign.domain.requests import RequestStatus
from countersign.domain.tasks import Status, Task
from countersign.retries import retried

if TYPE_CHECKING:
    from countersign.ports import Ledger

SUCCEEDED = "SUCCEEDED"
ENDED = frozenset({SUCCEEDED, "FAILED", "TIMED_OUT", "STOPPED"})
"""Lambda's statuses of an ended durable execution."""


@dataclass(frozen=True)
class Aftermath:
    """The tasks that an ended execution left behind.

    Attributes:
        cancelled: Ids of the tasks that were open and are now cancelled.
        stranded: Ids of the decided tasks whose decision no workflow will apply.
    """

    cancelled: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Executions:
    """Follows durable executions to their end."""

    ledger: Ledger
    clock: Clock

    def ended(self, request_id: str, status: str, execution_arn: str) -> Aftermath:
        """Record the end of a request's execution and cancel its open tasks.

        A result that the workflow recorded itself stays. An earlier decision stays too and is reported, because the
        person has seen that it is recorded.

        Args:
            request_id: The execution's name.
            status: One of `ENDED`.
            execution_arn: The execution. One of the same name that is not the request's changes nothing.
        """
        request, tasks_of_request = self.ledger.with_tasks(request_id)
        if request and request.execution_arn not in ("", execution_arn):
            return Aftermath()
        if request and not request.ended:
            outcome = RequestStatus.SUCCEEDED if status == SUCCEEDED else RequestStatus.FAILED
            self.ledger.finish(request_id, request.workflow, outcome, None, self.clock.now())
        reason = tasks.execution_ended(status)
        left = {task.task_id: self._close(task, reason) for task in tasks_of_request}
        return Aftermath(
            cancelled=tuple(task_id for task_id, status in left.items() if status is Status.CANCELLED),
            stranded=tuple(task_id for task_id, status in left.items() if status is Status.DECIDED),
        )

    def _close(self, task: Task, reason: str) -> Status | None:
        """Cancel a task if it is open, and return CANCELLED; DECIDED if its decision is not applied; otherwise None."""
        if task.status is Status.OPEN:
            return self._cancel(task.task_id, reason)
        return Status.DECIDED if task.status is Status.DECIDED else None

    @retried
    def _cancel(self, task_id: str, reason: str) -> Status | None:
        task: Task | None = self.ledger.task(task_id)
        change = tasks.cancel(task, "executions", reason, self.clock.now()) if task else None
        if change:
            return self.ledger.commit(change).status
        return task.status if task else None
