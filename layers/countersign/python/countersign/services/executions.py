"""The end of an execution: record the request's outcome, and close the tasks that no workflow waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from countersign.domain import requests, tasks, votes
from countersign.domain.clock import Clock
from countersign.domain.requests import Raised, Request, RequestStatus
from countersign.domain.tasks import Status, Task
from countersign.retries import retried

if TYPE_CHECKING:
    from countersign.ports import ExecutionStates, Ledger

SUCCEEDED = "SUCCEEDED"
ENDED = frozenset({SUCCEEDED, "FAILED", "TIMED_OUT", "STOPPED"})
"""Lambda's statuses of an ended durable execution."""

_BY_STATUS = {"STOPPED": requests.STOPPED, "TIMED_OUT": requests.TIMED_OUT}
_BY_REASON = {
    **dict.fromkeys(tasks.WITHDRAWN_BY_PEOPLE, requests.WITHDRAWN),
    tasks.HAND_OFF_FAILED: requests.HAND_OFF_FAILED,
}
"""The errors of the executions that fail because a task of theirs was cancelled, by the task's reason."""

_OUTCOMES = {"": RequestStatus.SUCCEEDED, requests.WITHDRAWN: RequestStatus.CANCELLED}
"""The statuses of ended requests by their error; with any other error a request has failed."""


@dataclass(frozen=True)
class Aftermath:
    """The tasks that an ended execution left behind.

    Attributes:
        cancelled: Ids of the tasks that were open and are now cancelled.
        stranded: Ids of the decided tasks whose decision no workflow will apply.
        error: The request's error code; empty for an execution that succeeded.
        raised: What the workflow raised; None if it did not, or Lambda did not tell.
    """

    cancelled: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()
    error: str = ""
    raised: Raised | None = None


@dataclass(frozen=True)
class Executions:
    """Follows durable executions to their end."""

    ledger: Ledger
    executions: ExecutionStates
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
        error, raised = self._error(status, request, tasks_of_request), None
        if request and not request.ended:
            outcome = _OUTCOMES.get(error, RequestStatus.FAILED)
            raised = self.executions.raised(execution_arn) if error == requests.FAILED else None
            self.ledger.finish(request_id, request.workflow, outcome, None, self.clock.now(), error, raised)
        reason = tasks.execution_ended(status)
        left = {task.task_id: self._close(task, reason) for task in tasks_of_request}
        return Aftermath(
            cancelled=tuple(task_id for task_id, status in left.items() if status is Status.CANCELLED),
            stranded=tuple(task_id for task_id, status in left.items() if status is Status.DECIDED),
            error=error,
            raised=raised,
        )

    def _error(self, status: str, request: Request | None, tasks_of_request: list[Task]) -> str:
        """Return why an execution ended without a result: as recorded, by Lambda's status, or by its tasks."""
        if status == SUCCEEDED:
            return ""
        if request and (request.error or request.cancelling):
            return request.error or requests.WITHDRAWN
        if status in _BY_STATUS:
            return _BY_STATUS[status]
        if any(map(self._is_unsound, tasks_of_request)):
            return requests.UNSOUND
        closed = ((task.closed_at, task.closed_because) for task in tasks_of_request if task.closed_at)
        _, reason = max(closed, default=(None, ""))
        return _BY_REASON.get(reason, requests.FAILED)

    def _is_unsound(self, task: Task) -> bool:
        if task.status is not Status.DECIDED:
            return False
        return any(entry.event.event == votes.UNSOUND for entry in self.ledger.audit(task.task_id))

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
