"""Operators' actions on tasks; the audit records each with the operator's identity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from countersign.contracts import envelope
from countersign.domain import recovery, refunds, replacements, tasks, tokens, upkeep, votes
from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import Clock
from countersign.domain.errors import UnknownTaskError
from countersign.domain.links import Link
from countersign.domain.tasks import Change, Task
from countersign.retries import retried
from countersign.services.assignments import identified

if TYPE_CHECKING:
    from countersign.ports import Directory, OperationsLedger


@dataclass(frozen=True)
class Operations:
    """Acts on tasks for one operator.

    Attributes:
        operator: The operator's IAM ARN.
    """

    ledger: OperationsLedger
    clock: Clock
    operator: str

    @retried
    def extend(self, task_id: str, by: timedelta) -> Task:
        """Extend an open task's deadline; every link stays valid, and the workflow continues to wait.

        Raises:
            UnknownTaskError: No task has this id.
            TaskClosedError: The task is no longer open.
            ContractError: The new deadline is after the end of the execution.
        """
        task = self._present(task_id)
        change = tasks.extend(task, task.expires_at + by, self.operator, self.clock.now())
        return self.ledger.commit(change)

    @retried
    def withdraw(self, task_id: str, comment: str) -> Task:
        """Withdraw an open task. Later answers are refused as closed; the workflow continues when it is rung.

        Raises:
            UnknownTaskError: No task has this id.
            TaskClosedError: The task is no longer open: an earlier decision wins.
        """
        change = tasks.withdraw(self._present(task_id), self.operator, comment, self.clock.now())
        return self.ledger.commit(change)

    @retried
    def resend(self, task_id: str) -> tuple[str, ...]:
        """Remind the recipients who have not voted, each with a fresh link, and return their addresses.

        Raises:
            UnknownTaskError: No task has this id.
            TaskClosedError: The task is no longer open.
            ContractError: The task asks a machine, waits for its requester, or every recipient has voted.
        """
        task = self._present(task_id)
        change = votes.resend(task, self.operator, self.clock.now())
        attempt = votes.resend_attempt(task)
        message = {**envelope.reminder(task), "attempt": attempt}
        self.ledger.commit(replace(change, outbox={f"resent#{attempt}": message}))
        return votes.silent(task)

    @retried
    def reassign(
        self, task_id: str, by: str, to: str, because: str, directory: Directory, domains: tuple[str, ...] = ()
    ) -> Task:
        """Ask another person in an approver's place. The same write puts their message into the outbox.

        Args:
            task_id: The task.
            by: The approver who is no longer asked, normalised.
            to: The person who is asked instead, normalised.
            because: The reason, for the audit and for the approver.
            directory: The directory, which knows the aliases of both.
            domains: The domains that approvers of the stage may have; empty for any.

        Raises:
            UnknownTaskError: No task has this id.
            TaskClosedError: The task is no longer open.
            ContractError: The approver is not asked or has voted, or the other person cannot be asked.
        """
        task, now = identified(directory, self._present(task_id), by, to), self.clock.now()
        change = replacements.reassign(task, self.operator, by, to, because, now, domains=domains)
        attempt = votes.resend_attempt(task)
        message = {**envelope.requested(change.after, (to,)), "attempt": attempt}
        fields = {**change.fields, "aliases": task.aliases, "newcomers": task.newcomers}
        return self.ledger.commit(replace(change, fields=fields, outbox={f"reassigned#{attempt}": message}))

    @retried
    def resolve_refund(self, task_id: str, refund: str, because: str, *, refunded: bool) -> None:
        """Record what the operator found out about a refund in doubt.

        Args:
            task_id: The payment's task.
            refund: The id of the refund's request.
            because: How the operator knows, for the audit.
            refunded: Whether the provider has the refund.

        Raises:
            UnknownTaskError: No task has this id.
            ContractError: Nothing is reserved for this request.
        """
        task, entries, sender = self._present(task_id), self.ledger.audit(task_id), Sender(self.operator, "iam")
        now = self.clock.now()
        self.ledger.commit(refunds.resolve(task, entries, refund, sender, because, now, refunded=refunded))

    @retried
    def redriven(self, task_id: str, queue: str) -> None:
        """Record that a message about a task was redriven from a dead-letter queue; ignore an unknown task."""
        task = self.ledger.task(task_id)
        if task is not None:
            self.ledger.commit(upkeep.redriven(task, queue, self.operator, self.clock.now()))

    @retried
    def replayed(self, task_id: str, key: str, because: str) -> None:
        """Record that a kept event about a task was replayed; ignore an unknown task."""
        task = self.ledger.task(task_id)
        if task is not None:
            self.ledger.commit(upkeep.replayed(task, key, because, self.operator, self.clock.now()))

    @retried
    def restored(self, task_id: str, table: str) -> Task | None:
        """Bring a lost task back from a restored table, with an audit entry, and return it; None if it is not lost.

        The task takes on the audit entries that are newer than the restored table, so nobody votes twice and nothing is
        decided twice. If its request has ended since, no workflow waits for an answer: an open task is then cancelled.

        Raises:
            UnknownTaskError: The restored table has no task of this id.
            TransientError: The ledger did not store the task; try again.
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

    @retried
    def prove_link(self, task_id: str, recipient: str) -> str:
        """Write a review link for a task of `countersign prove`, and return its token.

        Raises:
            UnknownTaskError: No task has this id.
        """
        task = self._present(task_id)
        token, fingerprint = tokens.mint_proof()
        data = {"recipient": recipient, "fingerprint": fingerprint}
        minted = Change(task, None, {}, (AuditEvent("minted", self.operator, "iam", data=data),), self.clock.now())
        self.ledger.commit_link(minted, Link(fingerprint, task_id, recipient), task.expires_at)
        return token

    def _present(self, task_id: str) -> Task:
        task = self.ledger.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        return task
