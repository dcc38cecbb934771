"""The workflow's side of a task: open it and hand it off, read what became of it, or take it back.

Each method is the body of one durable step, so each may run again after it has succeeded, and returns plain JSON values
that hold no secret.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countersign import envelope
from countersign.domain import tasks
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import Clock, to_text
from countersign.domain.errors import LedgerConflictError
from countersign.domain.escalations import Escalation
from countersign.domain.identity import normalise
from countersign.domain.policy import POLICY_ACTOR
from countersign.domain.rules import Rule
from countersign.domain.tasks import Status, Task, task_id_of
from countersign.ports import HandOff, TaskLedger
from countersign.services.contention import settle

COMMENT_BUDGET = 10_000
"""Characters of comments, all votes together, that a report carries: a checkpoint holds 256 KB, and the ledger all."""


@dataclass(frozen=True)
class Question:
    """What a workflow asks somebody outside.

    Attributes:
        kind: Hand-off kind without its suffix, such as `approval`.
        title: One line that says what is asked.
        details: What is asked, as label and value.
        requester: Who asked for it; may not answer it. Empty when nobody did.
        audience: Who may answer.
        rule: How many of them must agree.
        deadline_seconds: Bound of the whole request, counted from its start.
        wait_seconds: Bound of this wait alone, counted from its opening; None for the request's own.
        reminders_seconds: When to hand off again, counted from the opening.
        escalations: Who is asked too, and when.
        policy: Version of the policy that this follows; empty where there is none.
    """

    kind: str
    title: str
    details: tuple[tuple[str, str], ...]
    requester: str
    audience: tuple[str, ...]
    deadline_seconds: int
    rule: Rule = field(default_factory=Rule)
    wait_seconds: int | None = None
    reminders_seconds: tuple[int, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    policy: str = ""


@dataclass(frozen=True)
class Wait:
    """One wait of one execution.

    Attributes:
        request_id: The request, which is the execution's name.
        name: Name of the wait, unique within the workflow.
        first_callback_id: Callback id of its first callback, known again on every replay.
        expires_at: When the task closes by itself.
        max_expires_at: How far its deadline may be moved.
    """

    request_id: str
    name: str
    first_callback_id: str
    expires_at: datetime
    max_expires_at: datetime

    @property
    def task_id(self) -> str:
        """Id of the wait's task."""
        return task_id_of(self.request_id, self.name)


class Desk:
    """Opens, reads and takes back tasks for one workflow."""

    def __init__(self, ledger: TaskLedger, hand_off: HandOff, clock: Clock, workflow: str) -> None:
        self._ledger = ledger
        self._hand_off = hand_off
        self._clock = clock
        self._workflow = workflow

    def open(self, wait: Wait, question: Question) -> dict[str, Any]:
        """Put the task and hand it off; after a retry, only hand it off.

        Returns:
            What `read` returns, with `duplicate` true when another wait opened this task.

        Raises:
            TransientError: The ledger or the hand-off did not take it; the step is retried.
        """
        task = settle(lambda: self._opened(wait, question))
        if task.opened_by not in ("", wait.first_callback_id):
            return _report(task, self._clock.now()) | {"duplicate": True}
        if task.status is Status.OPEN:
            self._hand_off.send(envelope.requested(task))
        return _report(task, self._clock.now())

    def approve_by_policy(self, wait: Wait, question: Question) -> dict[str, Any]:
        """Put a task that its policy approves without asking anybody; after a retry, only report it.

        Args:
            wait: The wait, opened by `POLICY_ACTOR`: there is no callback.
            question: What would have been asked, and the policy's version.

        Returns:
            What `read` returns, with `duplicate` true when another wait, or another question, has this name.

        Raises:
            TransientError: The ledger did not take it; the step is retried.
        """
        task = settle(lambda: self._approved_by_policy(wait, question))
        report = _report(task, self._clock.now())
        wanted = self._new_task(wait, question)
        if task.status is not Status.CANCELLED and (task.opened_by, task.shown) != (POLICY_ACTOR, wanted.shown):
            return report | {"duplicate": True}
        return report

    def refresh(self, wait: Wait, callback_id: str) -> dict[str, Any]:
        """Point the open task at a fresh callback; returns what `read` returns, of the task as it was found."""
        task = settle(lambda: self._refreshed(wait.task_id, callback_id))
        return _report(task, self._clock.now())

    def hand_off_again(
        self, wait: Wait, callback_id: str, hand_off: int, escalated_to: tuple[str, ...]
    ) -> dict[str, Any]:
        """Point the open task at a fresh callback, and remind those who have not voted, or ask others too.

        Args:
            wait: The wait.
            callback_id: The fresh callback.
            hand_off: Number of this hand-off; a retry finds it on the task.
            escalated_to: Who is asked too; nobody for a mere reminder.

        Returns:
            What `read` returns, of the task as it was found.
        """
        people = tuple(map(normalise, escalated_to))
        task = settle(lambda: self._handed_off_again(wait.task_id, callback_id, hand_off, people))
        if task.status is Status.OPEN and task.hand_off == hand_off:
            newcomers = tuple(person for person in people if person in task.voters)
            self._hand_off.send(envelope.escalated(task, newcomers) if newcomers else envelope.reminder(task))
        return _report(task, self._clock.now())

    def read(self, wait: Wait, *, superseded: bool = False) -> dict[str, Any]:
        """Return what became of the task, and mark it APPLIED or EXPIRED.

        Returns:
            `status`, `at`, `expires_at`, and for a decided task `outcome`, `decided_by`, `decided_at`, `votes`.
        """
        return settle(lambda: self._closed(wait.task_id, superseded=superseded))

    def cancel(self, wait: Wait, reason: str) -> dict[str, Any]:
        """Take an open task back; a decision made meanwhile wins. Returns what `read` returns."""
        return settle(lambda: self._cancelled(wait, reason))

    def _opened(self, wait: Wait, question: Question) -> Task:
        standing = self._ledger.task(wait.task_id)
        if standing is not None:
            return standing
        task = self._new_task(wait, question)
        opened = AuditEvent("opened", self._workflow, data={"audience": list(task.audience)})
        self._ledger.open(task, (opened,), self._clock.now())
        return task

    def _approved_by_policy(self, wait: Wait, question: Question) -> Task:
        standing = self._ledger.task(wait.task_id)
        if standing is not None:
            return standing
        now = self._clock.now()
        task, events = tasks.approve_by_policy(self._new_task(wait, question), POLICY_ACTOR, now)
        self._ledger.open(task, events, now)
        return task

    def _new_task(self, wait: Wait, question: Question) -> Task:
        return Task(
            task_id=wait.task_id,
            status=Status.OPEN,
            request_id=wait.request_id,
            workflow=self._workflow,
            kind=question.kind,
            opened_by=wait.first_callback_id,
            callback_id=wait.first_callback_id,
            title=question.title,
            details=question.details,
            shown=tasks.shown_digest(question.title, question.details, question.requester),
            requester=question.requester,
            audience=tuple(dict.fromkeys(map(normalise, question.audience))),
            rule=question.rule,
            policy=question.policy,
            hand_off=1,
            opened_at=self._clock.now(),
            expires_at=wait.expires_at,
            max_expires_at=wait.max_expires_at,
        )

    def _refreshed(self, task_id: str, callback_id: str) -> Task:
        refreshed = self._ledger.refresh(task_id, callback_id)
        task = self._present(task_id)
        if not refreshed and task.status is Status.OPEN:
            raise LedgerConflictError(task_id)
        return task

    def _handed_off_again(self, task_id: str, callback_id: str, hand_off: int, people: tuple[str, ...]) -> Task:
        task, now = self._present(task_id), self._clock.now()
        if task.status is not Status.OPEN or task.expired_by(now) or task.hand_off == hand_off:
            return task
        return self._ledger.commit(tasks.hand_off_again(task, callback_id, hand_off, people, now))

    def _closed(self, task_id: str, *, superseded: bool) -> dict[str, Any]:
        task, now = self._present(task_id), self._clock.now()
        change = tasks.close(task, now, superseded=superseded)
        return _report(self._ledger.commit(change) if change else task, now)

    def _cancelled(self, wait: Wait, reason: str) -> dict[str, Any]:
        task, now = self._ledger.task(wait.task_id), self._clock.now()
        if task is None:
            return _report(self._forestalled(wait, reason, now), now)
        change = tasks.cancel(task, self._workflow, reason, now)
        return _report(self._ledger.commit(change) if change else task, now)

    def _forestalled(self, wait: Wait, reason: str, now: datetime) -> Task:
        """Put a cancelled task where none stands, so that an opening still under way finds it and gives up."""
        task = Task(
            task_id=wait.task_id,
            status=Status.CANCELLED,
            expires_at=wait.expires_at,
            request_id=wait.request_id,
            workflow=self._workflow,
            closed_at=now,
        )
        self._ledger.open(task, (AuditEvent("cancelled", self._workflow, data={"reason": reason}),), now)
        return task

    def _present(self, task_id: str) -> Task:
        task = self._ledger.task(task_id)
        if task is None:
            raise LookupError(f"task {task_id} is gone from the ledger while its workflow waits for it")
        return task


def _report(task: Task, now: datetime) -> dict[str, Any]:
    report: dict[str, Any] = {
        "status": task.status.value,
        "at": to_text(now),
        "expires_at": to_text(task.expires_at),
    }
    if task.decided_at is None:
        return report
    return report | {
        "outcome": task.outcome and task.outcome.value,
        "decided_by": list(task.decided_by),
        "decided_at": to_text(task.decided_at),
        "votes": [_ballot(task, person) for person in task.audience if person in task.votes],
    }


def _ballot(task: Task, person: str) -> dict[str, str]:
    vote = task.votes[person]
    longest = COMMENT_BUDGET // len(task.votes)
    comment = vote.comment if len(vote.comment) <= longest else f"{vote.comment[: longest - 1]}…"
    return {"by": person, "decision": vote.decision.value, "comment": comment, "at": to_text(vote.at)}
