"""Record reports about messages to people in the audit of their tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from countersign.domain import telling
from countersign.domain.clock import Clock
from countersign.domain.mails import MailReport, reported
from countersign.domain.provider_events import Handling
from countersign.retries import retried

if TYPE_CHECKING:
    from countersign.ports import TaskLedger


@dataclass(frozen=True)
class MailReports:
    """Records reports of the mail service."""

    ledger: TaskLedger
    clock: Clock

    @retried
    def record(self, report: MailReport, source: str) -> Handling:
        """Record a report once. Ignore one about a purged task, or about a person to whom the kit sends nothing.

        Args:
            report: The report.
            source: The sender of the report, as the event bus identifies it.

        Raises:
            TransientError: The ledger did not answer; record the report again.
        """
        # Read the task first: if its audit grows after this read, the write fails.
        task = self.ledger.task(report.task_id)
        if task is None or not (task.concerns(report.recipient) or telling.tells(task, report.recipient)):
            return Handling.IGNORED
        change = reported(task, report, source, self.ledger.audit(task.task_id), self.clock.now())
        if change is None:
            return Handling.DUPLICATE
        self.ledger.commit(change)
        return Handling.RECORDED
