"""What an operator may do with a task: each action is audited with the operator's identity."""

from dataclasses import dataclass, replace
from datetime import timedelta

from countersign.contracts import envelope
from countersign.domain import recovery, tasks, upkeep, votes
from countersign.domain.clock import Clock
from countersign.domain.errors import UnknownTaskError
from countersign.domain.tasks import Task
from countersign.ports import OperationsLedger
from countersign.retries import retried


@dataclass(frozen=True)
class Operations:
    """Acts on tasks for one operator.

    Attributes:
        operator: The IAM ARN of who acts.
    """

    ledger: OperationsLedger
    clock: Clock
    operator: str

    @retried
    def extend(self, task_id: str, by: timedelta) -> Task:
        """Move an open task's deadline; every link stays valid, and the workflow waits on.

        Raises:
            UnknownTaskError: There is no such task.
            TaskClosedError: It is not open any more.
            ContractError: The new deadline is later than the execution lives.
        """
        task = self._present(task_id)
        change = tasks.extend(task, task.expires_at + by, self.operator, self.clock.now())
        return self.ledger.commit(change)

    @retried
    def withdraw(self, task_id: str, comment: str) -> Task:
        """Take an open task back; whoever answers later hears that it is closed. Its workflow hears when it is rung.

        Raises:
            UnknownTaskError: There is no such task.
            TaskClosedError: It is not open any more: a decision made before wins.
        """
        change = tasks.withdraw(self._present(task_id), self.operator, comment, self.clock.now())
        return self.ledger.commit(change)

    @retried
    def resend(self, task_id: str) -> tuple[str, ...]:
        """Have those reminded who have not voted, each with a fresh link, and return who they are.

        Raises:
            UnknownTaskError: There is no such task.
            TaskClosedError: It is not open any more.
            ContractError: A machine is asked, or nobody is left to remind.
        """
        task = self._present(task_id)
        change = votes.resend(task, self.operator, self.clock.now())
        attempt = votes.resend_attempt(task)
        message = {**envelope.reminder(task), "attempt": attempt}
        self.ledger.commit(replace(change, outbox={f"resent#{attempt}": message}))
        return votes.silent(task)

    @retried
    def redriven(self, task_id: str, queue: str) -> None:
        """Put on record that a message about a task left a dead-letter queue; nothing where there is no such task."""
        task = self.ledger.task(task_id)
        if task is not None:
            self.ledger.commit(upkeep.redriven(task, queue, self.operator, self.clock.now()))

    @retried
    def restored(self, task_id: str, table: str) -> Task | None:
        """Bring a lost task back from a restored table, with its audit entry, and return it as it is then.

        It takes on what its audit says of the time after that table's: nobody votes twice, nothing is decided twice.
        Where its request has ended since, nobody waits for an answer: what would be open is cancelled. Nothing happens,
        and None is returned, where the task stands.

        Raises:
            UnknownTaskError: The restored table has no such task.
            TransientError: The ledger did not take it; it may be tried again.
        """
        if self.ledger.task(task_id):
            return None
        lost = self.ledger.lost(task_id, table)
        if lost is None:
            raise UnknownTaskError(task_id)
        now, request = self.clock.now(), self.ledger.request(lost.request_id)
        task, events = recovery.brought_back(lost, self.ledger.audit(task_id), table, self.operator)
        reason = tasks.execution_ended(request.status) if request and request.ended else ""
        if reason and (ended := tasks.cancel(task, "restore", reason, now)):
            task, events = ended.after, (*events, *ended.events)
        return self.ledger.bring_back(task, events, now)

    def _present(self, task_id: str) -> Task:
        task = self.ledger.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        return task
