"""Telling requesters the outcome of their requests: one message for each outcome, with a status link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from countersign.channels.messages import Message
from countersign.domain import telling, tokens
from countersign.domain.audit import AuditEntry
from countersign.domain.clock import to_text
from countersign.domain.identity import normalise
from countersign.domain.links import Link, Purpose
from countersign.domain.proofs import may_write_to
from countersign.domain.tasks import Task
from countersign.retries import retried
from countersign.services.deliveries import Deliveries


@dataclass(frozen=True)
class Tellings:
    """Tells requesters over the channel of the deliveries."""

    deliveries: Deliveries

    def tell(self, task_id: str) -> int:
        """Tell a task's requester its outcome, if it has one and the audit has no message about it.

        Every principal that may put events on the bus can ask for this. So only the ledger says what is told, and to
        whom. Only a crash between sending and recording makes a second message.

        Returns:
            The number of messages sent.

        Raises:
            TransientError: The ledger or the channel did not answer; tell the same again.
        """
        minted = self._minted(task_id)
        if minted is None:
            return 0
        message, task = minted
        carried = self.deliveries.send(message)
        self.deliveries.record(task, "told", {**_told(task), **carried})
        return 1

    @retried
    def _minted(self, task_id: str) -> tuple[Message, Task] | None:
        """Return the message with a new status link, and the task; None without an outcome to send."""
        task = self.deliveries.ledger.task(task_id)
        if task is None or not (status := telling.outcome(task)):
            return None
        requester = normalise(task.question.requester)
        if not may_write_to(requester, task_id) or _is_told(self.deliveries.ledger.audit(task_id), task):
            return None
        token, fingerprint = tokens.mint()
        until = telling.ended_at(task)
        message = Message(
            kind=f"approval.{status}",
            recipient=requester,
            link=self.deliveries.link("request", token),
            deadline=until + telling.STATUS_LASTS if until else task.expires_at,
            stage=self.deliveries.stage,
            question=task.question,
            people=task.people,
            task_id=task_id,
            by=(task.returned.by,) if task.returned else task.decided_by,
            comment=_comment(task),
        )
        link = Link(fingerprint, task_id, requester, Purpose.REQUESTER)
        kept_until = (until or task.expires_at) + telling.STATUS_LASTS
        return message, self.deliveries.mint(task, link, {"requester": True}, kept_until)


def _told(task: Task) -> dict[str, str]:
    """Return what an audit entry `told` says: the status, and since when it holds."""
    return {
        "recipient": normalise(task.question.requester),
        "status": telling.outcome(task),
        "since": to_text(telling.since(task)),
    }


def _is_told(entries: Iterable[AuditEntry], task: Task) -> bool:
    wanted = _told(task)
    return any(entry.event.event == "told" and wanted.items() <= entry.event.data.items() for entry in entries)


def _comment(task: Task) -> str:
    """Return the comment of the return, of the last decision, or of the withdrawal."""
    if task.returned:
        return task.returned.comment
    votes = [task.votes[person] for person in task.decided_by if person in task.votes]
    return max(votes, key=lambda vote: vote.at).comment if votes else task.closed_comment
