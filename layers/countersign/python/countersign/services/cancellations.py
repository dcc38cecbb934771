"""Cancellations: a caller withdraws a request, with all its open tasks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from countersign.contracts import validation
from countersign.domain import tasks
from countersign.domain.clock import Clock
from countersign.domain.errors import IrrevocableError, RequestDecidedError, RequestEndedError, UnknownRequestError
from countersign.domain.identity import role_of
from countersign.domain.requests import REQUEST_ID, Cancelling, Request, RequestStatus
from countersign.domain.rules import Outcome
from countersign.domain.tasks import WITHDRAWN_BY_CALLER, Change, Status, Task
from countersign.retries import retried

if TYPE_CHECKING:
    from countersign.ports import Ledger

AT_ONCE = 40
"""The most tasks that are withdrawn in the transaction of the mark: two items each, of the 100 that DynamoDB allows.
The others follow one by one."""


@dataclass(frozen=True)
class Cancellations:
    """Withdraws requests for their callers.

    The mark `cancelling` and the withdrawal of the open tasks are one transaction. A workflow that opens a task reads
    the mark after it has written the task; this reads the tasks again after it has written the mark. So one of both
    sees the other, and withdraws the task. An irrevocable task is not opened once the mark is there: its transaction
    checks that. One that was opened just before stays, and the call is refused, as it is later.
    """

    ledger: Ledger
    clock: Clock

    def cancel(self, request_id: str, document: Any, caller: str) -> Request:
        """Cancel a request, and return it. The same call again has no further effect.

        A result that the workflow records without asking anybody again stays.

        Args:
            request_id: The request.
            document: The body of `DELETE /requests/{request_id}`.
            caller: IAM ARN of the caller, who must have the role of the request's submitter.

        Raises:
            ContractError: The body breaks the contract.
            UnknownRequestError: No request has this id, or another role has submitted it.
            RequestEndedError: It has ended.
            RequestDecidedError: A decision or an answer is recorded and not applied yet.
            IrrevocableError: A machine may have acted already.
            LedgerUnavailableError: The ledger did not answer; send the same again.
        """
        validation.check("cancellation", document)
        if not REQUEST_ID.fullmatch(request_id):
            raise UnknownRequestError
        request, cancelling = self._marked(request_id, document["reason"], role_of(caller))
        # Not `with_tasks`: of a request that has ended, which this one may have by its mark, it may lack a new task.
        left = [self._withdraw(task_id, cancelling) for task_id in self.ledger.task_ids(request_id)]
        # Asked after the tasks were read, and before the mark was there.
        if any(task and _may_have_acted(task) for task in left):
            raise IrrevocableError
        return request

    @retried
    def _marked(self, request_id: str, reason: str, role: str) -> tuple[Request, Cancelling]:
        """Mark the request, unless an earlier call did, and return it with its mark."""
        request, found = self.ledger.with_tasks(request_id)
        if request is None or role_of(request.submitted_by) != role:
            raise UnknownRequestError
        if request.cancelling and request.status in (RequestStatus.RUNNING, RequestStatus.CANCELLED):
            return request, request.cancelling
        if request.ended:
            raise RequestEndedError
        if any(task.status is Status.DECIDED for task in found):
            raise RequestDecidedError
        if any(map(_may_have_acted, found)):
            raise IrrevocableError
        cancelling = Cancelling(reason, role, self.clock.now())
        open_tasks = islice(filter(_is_revocable, found), AT_ONCE)
        self.ledger.cancel(request, cancelling, [_withdrawal(task, cancelling) for task in open_tasks])
        return request, cancelling

    @retried
    def _withdraw(self, task_id: str, cancelling: Cancelling) -> Task | None:
        """Withdraw a task if nobody acts before its answer is recorded, and return it as it is then."""
        task = self.ledger.task(task_id)
        return self.ledger.commit(_withdrawal(task, cancelling)) if task and _is_revocable(task) else task


def _is_revocable(task: Task) -> bool:
    """Tell whether a task is open, and nobody acts before the answer is recorded."""
    return task.status is Status.OPEN and not task.question.irrevocable


def _may_have_acted(task: Task) -> bool:
    """Tell whether a machine may have acted for good: it is asked, or it has answered that it did."""
    return task.question.irrevocable and (task.status is Status.OPEN or task.outcome is Outcome.ANSWERED)


def _withdrawal(task: Task, cancelling: Cancelling) -> Change:
    return tasks.withdraw(task, cancelling.by, cancelling.reason, cancelling.at, WITHDRAWN_BY_CALLER)
