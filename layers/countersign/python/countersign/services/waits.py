"""The workflow's side of a task: open it, hand it off, read its result, or withdraw it.

Each method is the body of one durable step. It may run again after it has succeeded, and returns plain JSON values
without secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from countersign.contracts import envelope
from countersign.domain import answers, tasks, telling, tokens, votes
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import Clock, to_text
from countersign.domain.errors import DuplicateCorrelationError, DuplicateTaskNameError, LedgerConflictError
from countersign.domain.identity import NO_ALIASES, normalise
from countersign.domain.links import Link, Purpose
from countersign.domain.people import Assignment
from countersign.domain.policy import POLICY_ACTOR
from countersign.domain.questions import Question
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Status, Task, task_id_of
from countersign.retries import retried, retry_on_conflict
from countersign.services.assignments import assign, identified

if TYPE_CHECKING:
    from countersign.domain.claims import TakeOver
    from countersign.ports import Directory, HandOff, Ledger

WITHDRAWN = "withdrawn"
"""The reason of a task that its workflow no longer needs."""


class VoteReport(TypedDict):
    """One person's vote, as a step reports it."""

    by: str
    decision: str
    comment: str
    at: str


class FailureReport(TypedDict):
    """A machine's failure, as a step reports it."""

    code: str
    message: str
    data: str


class Report(TypedDict, total=False):
    """The result of a wait's step: plain JSON that histories keep, so no key or value ever changes its meaning.

    Every report has `status`, `at` and `expires_at`, except those of `DUPLICATE` and `TAKEN`.
    """

    status: str
    at: str
    expires_at: str
    bounced: bool
    duplicate: bool
    taken: bool
    unsound: bool
    refused_answers: int
    heard_at: str
    declined: str
    closed_because: str
    outcome: str | None
    decided_by: list[str]
    decided_at: str
    votes: list[VoteReport]
    round: int
    content: dict[str, Any]
    answer: dict[str, Any]
    failure: FailureReport | None


DUPLICATE: Report = {"status": Status.CANCELLED.value, "duplicate": True}
"""The report when the id was used again: the earlier task has been purged, and only its audit is left."""

TAKEN: Report = {"status": Status.CANCELLED.value, "taken": True}
"""The open step's report when another task already has this external id."""

_BOUNCED: Report = {"bounced": True}
"""The addition to the report of a task about which a message has bounced."""

COMMENT_BUDGET = 10_000
"""Characters of all comments in one report. A checkpoint holds 256 KB; the ledger has the comments in full."""


class Wait(NamedTuple):
    """One wait of one execution.

    Attributes:
        request_id: The request, which is the execution's name.
        name: Name of the wait, unique within the workflow.
        first_callback_id: Id of its first callback, the same on every replay.
        expires_at: The task's deadline.
        max_expires_at: The latest time to which the deadline may be moved.
        submitted_by: IAM ARN of the caller who submitted the request; empty if unknown.
        audience: The people who are asked first; empty for machines.
        attempt: Number of the first hand-off: 1, plus 1 for each earlier wait with the same question.
        heartbeat_seconds: Longest silence before the machine is lost; 0 if it sends no heartbeats.
    """

    request_id: str
    name: str
    first_callback_id: str
    expires_at: datetime
    max_expires_at: datetime
    submitted_by: str = ""
    audience: tuple[str, ...] = ()
    attempt: int = 1
    heartbeat_seconds: int = 0

    @property
    def task_id(self) -> str:
        """Id of the wait's task."""
        return task_id_of(self.request_id, self.name)

    @property
    def opened_by(self) -> str:
        """The digest of the first callback's id: only the task's own item has callback ids."""
        return digest(self.first_callback_id)


class FailedHandOff(NamedTuple):
    """A reminder or an escalation that was not sent.

    Attributes:
        number: The number of the hand-off.
        operation: The durable operation that failed.
    """

    number: int
    operation: str


@dataclass(frozen=True)
class Waits:
    """Opens, reads and withdraws tasks for one workflow.

    Attributes:
        workflow: The workflow's name.
        callbacks_url: The URL to which machines send their answers.
        audit_keep: How long the audit is kept after the task's latest deadline; None for good.
    """

    ledger: Ledger
    hand_off: HandOff
    directory: Directory
    clock: Clock
    workflow: str
    callbacks_url: str
    audit_keep: timedelta | None = None

    def open(self, wait: Wait, question: Question) -> Report:
        """Put the task, and hand it off if it still takes answers; a retry only hands it off.

        Returns:
            The report of `read`, with `duplicate` true if another wait opened this task; `DUPLICATE` if that task has
            been purged; `TAKEN` if another task has the external id, and this task was not opened. The task is
            cancelled if the caller has cancelled its request.

        Raises:
            TransientError: The ledger or the hand-off failed; the step is retried.
        """
        try:
            return self._first_handed_off(wait, self._unless_cancelled(self._opened(wait, question)))
        except DuplicateCorrelationError:
            return TAKEN
        except DuplicateTaskNameError:
            return DUPLICATE

    def approve_by_policy(self, wait: Wait, question: Question) -> Report:
        """Put a task that a policy approves without asking anybody; a retry only reports it.

        Args:
            wait: The wait, opened by `POLICY_ACTOR`, without a callback.
            question: The question that nobody is asked, with the policy's version.

        Returns:
            The report of `read`, with `duplicate` true if another wait or another question has this name; `DUPLICATE`
            if its task has been purged.

        Raises:
            TransientError: The ledger failed; the step is retried.
        """
        try:
            task = self._approved_by_policy(wait, question)
        except DuplicateTaskNameError:
            return DUPLICATE
        report = _report(task, self.clock.now())
        wanted = self._new_task(wait, question)
        if task.status is not Status.CANCELLED and (task.opened_by, task.shown) != (wait.opened_by, wanted.shown):
            return report | {"duplicate": True}
        return report

    def refresh(self, wait: Wait, callback_id: str) -> Report:
        """Point the open task at a fresh callback; returns the report of `read`, without changing the status."""
        task = retry_on_conflict(lambda: self._refreshed(wait.task_id, callback_id))
        return _report(task, self.clock.now())

    def hand_off_again(
        self, wait: Wait, callback_id: str, hand_off: int, escalated_to: tuple[str, ...], *, remind: bool
    ) -> Report:
        """Point the open task at a fresh callback, and remind the recipients, escalate to others, or both.

        Args:
            wait: The wait.
            callback_id: The fresh callback.
            hand_off: Number of this hand-off; a retry finds it on the task.
            escalated_to: The people whom an escalation adds; empty for a reminder.
            remind: Whether to remind the recipients who have not voted; an escalation that adds nobody reminds too.

        Returns:
            The report of `read`, without changing the status.
        """
        task = self._handed_off_again(wait.task_id, callback_id, hand_off, escalated_to, remind=remind)
        if task.status is Status.OPEN and task.hand_off == hand_off:
            newcomers = _newcomers(task, escalated_to)
            if newcomers:
                self.hand_off.send(envelope.escalated(task, newcomers))
            if remind or not newcomers:
                self.hand_off.send(envelope.reminder(task, newcomers))
        return _report(task, self.clock.now())

    def hand_off_failed(self, wait: Wait, callback_id: str, failed: FailedHandOff) -> Report:
        """Point the open task at a fresh callback, and record that a reminder or an escalation was not sent.

        A retry finds the record in the audit.

        Returns:
            The report of `read`, without changing the status.
        """
        return _report(self._hand_off_failed(wait.task_id, callback_id, failed), self.clock.now())

    @retried
    def withdraw(self, wait: Wait) -> Report:
        """Withdraw a task that is no longer needed; apply an earlier decision as superseded.

        Returns the report of `read`, or `DUPLICATE` as `open` does.
        """
        task, now = self.ledger.task(wait.task_id), self.clock.now()
        if task is None:
            return self._forestalled(wait, WITHDRAWN, now)
        change = tasks.cancel(task, self.workflow, WITHDRAWN, now) or tasks.close(task, now, superseded=True)
        task = self.ledger.commit(change) if change else task
        return _report(task, now) | self._collected(task)

    @retried
    def read(self, wait: Wait, silence: timedelta | None = None) -> Report:
        """Apply a decision, expire the task or cancel that of a lost machine, and report the task.

        Args:
            wait: The wait.
            silence: Longest silence before the machine is lost; None if it sends no heartbeats.

        Returns:
            A decided task also has `outcome`, `decided_by`, `decided_at` and `votes`, and after a revision `round` and
            `content`; if the votes do not make its decision, `unsound` is true, and only the task's audit changes. A
            machine's task has `refused_answers`, `heard_at`, `declined` if an attempt to pay was declined, and
            `answer` and `failure` in place of `votes`. A cancelled task has `closed_because`.
        """
        task, now = self._present(wait.task_id), self.clock.now()
        if task.status is Status.DECIDED and task.audience and not self._is_sound(task):
            return self._refused(task, now)
        change = tasks.close(task, now) or (answers.lost(task, silence, now) if silence is not None else None)
        task = self.ledger.commit(change) if change else task
        return _report(task, now) | self._collected(task)

    @retried
    def cancel(self, wait: Wait, reason: str) -> Report:
        """Cancel an open task; an earlier decision wins. Returns as `withdraw` does."""
        task, now = self.ledger.task(wait.task_id), self.clock.now()
        if task is None:
            return self._forestalled(wait, reason, now)
        change = tasks.cancel(task, self.workflow, reason, now)
        return _report(self.ledger.commit(change) if change else task, now)

    def _take_over(self, new: Task) -> TakeOver | None:
        """Return how a new task takes over the external id of an earlier task; None if no task has it.

        Raises:
            DuplicateCorrelationError: The other task can still be answered, or has an answer.
        """
        if new.question.correlation is None:
            return None
        holder_id = self.ledger.correlated(new.question.correlation.provider, new.question.correlation.external_id)
        if holder_id in ("", new.task_id):
            return None
        # Imported here, as `ProviderEvents` below: a question to people has no payment, and both would slow the cold
        # start of its workflow.
        from countersign.domain import claims

        # Read the task first: if its audit grows after this read, the write fails.
        holder, entries = self.ledger.task(holder_id), self.ledger.audit(holder_id)
        if not claims.has_ended(entries):
            raise DuplicateCorrelationError(new.task_id)
        return claims.take_over(holder_id, holder, entries, new)

    def _put(self, task: Task, events: tuple[AuditEvent, ...], now: datetime, takeover: TakeOver | None = None) -> Task:
        """Put a new task.

        Raises:
            DuplicateTaskNameError: A task of this id was purged: its audit is kept longer than the task.
        """
        try:
            self.ledger.open(task, events, now, takeover)
        except LedgerConflictError:
            # Read the audit first: a concurrent opening writes task and audit at once.
            if self.ledger.audit(task.task_id) and self.ledger.task(task.task_id) is None:
                raise DuplicateTaskNameError(task.task_id) from None
            raise
        return task

    def _first_handed_off(self, wait: Wait, task: Task) -> Report:
        if task.opened_by not in ("", wait.opened_by):
            return _report(task, self.clock.now()) | {"duplicate": True}
        if task.question.correlation is not None:
            task = self._with_parked(wait.task_id)
        if task.takes_answers(self.clock.now()):
            for request in self._requests(wait, task):
                self.hand_off.send(request)
        return _report(task, self.clock.now())

    @retried
    def _with_parked(self, task_id: str) -> Task:
        from countersign.services.provider_events import ProviderEvents

        return ProviderEvents(self.ledger, self.clock).apply_parked(self._present(task_id))

    def _requests(self, wait: Wait, task: Task) -> Iterator[dict[str, Any]]:
        """Yield the envelopes of the first hand-off; a machine's holds a token that exists nowhere else."""
        if not task.question.payload:
            yield envelope.requested(task)
            return
        for channel in task.question.channels or ("",):
            token, fingerprint = tokens.mint()
            self.ledger.put_link(Link(fingerprint, task.task_id, channel, Purpose.CALLBACK), task.expires_at)
            callback = envelope.Callback(url=self.callbacks_url, token=token)
            if wait.heartbeat_seconds:
                callback["heartbeat_seconds"] = wait.heartbeat_seconds
            yield envelope.requested_of_machine(task, channel or task.question.kind, callback)

    def _opened(self, wait: Wait, question: Question) -> Task:
        """Open the task, or return it as it is if it was opened before. Almost every opening is the first."""
        if question.correlation is None:
            with suppress(LedgerConflictError):
                return self._open(wait, question)
        return self._found_or_opened(wait, question)

    @retried
    def _found_or_opened(self, wait: Wait, question: Question) -> Task:
        return self.ledger.task(wait.task_id) or self._open(wait, question)

    def _open(self, wait: Wait, question: Question) -> Task:
        now = self.clock.now()
        if question.irrevocable and self._is_cancelled(wait.request_id):
            return self._put(*self._never_opened(wait, WITHDRAWN, now))
        new = self._new_task(wait, question)
        assignment = assign(self.directory, question.requester, wait.audience, now, taken=_barred(new))
        unheard = _not_told(question, assignment)
        task = replace(
            new,
            audience=assignment.audience,
            aliases=assignment.aliases,
            delegations=assignment.delegations,
            question=replace(new.question, people=assignment.people),
            tells_requester=not (unheard or question.payload),
        )
        takeover = self._take_over(task)
        taken = (takeover.taken,) if takeover else ()
        return self._put(
            task, (tasks.opened(task, self.workflow, unheard), *taken, *votes.standing_in(assignment)), now, takeover
        )

    @retried
    def _unless_cancelled(self, task: Task) -> Task:
        """Withdraw a task of a request that its caller has cancelled; an earlier answer wins.

        Read the mark after the task is written, and before anybody hears of it: see `Cancellations`. An irrevocable
        task stays: it was not opened under the mark, and an earlier attempt of this step may have handed it off.
        """
        if task.question.irrevocable or not self._is_cancelled(task.request_id):
            return task
        standing = self._present(task.task_id)
        change = tasks.cancel(standing, self.workflow, WITHDRAWN, self.clock.now())
        return self.ledger.commit(change) if change else standing

    def _is_cancelled(self, request_id: str) -> bool:
        request = self.ledger.request(request_id)
        return request is not None and request.cancelling is not None

    @retried
    def _approved_by_policy(self, wait: Wait, question: Question) -> Task:
        standing = self.ledger.task(wait.task_id)
        if standing is not None:
            return standing
        if self._is_cancelled(wait.request_id):
            return self._put(*self._never_opened(wait, WITHDRAWN, self.clock.now()))
        now, unheard = self.clock.now(), _not_told(question, Assignment((), NO_ALIASES))
        new = replace(self._new_task(wait, question), tells_requester=not unheard)
        task, events = tasks.approve_by_policy(new, POLICY_ACTOR, now, unheard)
        return self._put(task, events, now)

    def _new_task(self, wait: Wait, question: Question) -> Task:
        return Task(
            task_id=wait.task_id,
            status=Status.OPEN,
            request_id=wait.request_id,
            workflow=self.workflow,
            question=replace(question, elsewhere=tuple(map(normalise, question.elsewhere))),
            opened_by=wait.opened_by,
            callback_id=wait.first_callback_id,
            shown=question.digest(wait.submitted_by),
            submitted_by=wait.submitted_by,
            hand_off=wait.attempt,
            opened_at=self.clock.now(),
            expires_at=wait.expires_at,
            max_expires_at=wait.max_expires_at,
            audit_ttl=self._audit_ttl(wait),
        )

    def _audit_ttl(self, wait: Wait) -> int:
        return int((wait.max_expires_at + self.audit_keep).timestamp()) if self.audit_keep else 0

    def _refreshed(self, task_id: str, callback_id: str) -> Task:
        refreshed = self.ledger.refresh(task_id, callback_id)
        task = self._present(task_id)
        if not refreshed and task.status is Status.OPEN:
            raise LedgerConflictError(task_id)
        return task

    @retried
    def _handed_off_again(
        self, task_id: str, callback_id: str, hand_off: int, people: tuple[str, ...], *, remind: bool
    ) -> Task:
        task, now = self._present(task_id), self.clock.now()
        if not task.takes_answers(now):
            return task
        if task.hand_off == hand_off:  # written before, and not sent
            return task if task.callback_id == callback_id else self._refreshed(task_id, callback_id)
        assignment = self._assigned(task, people)
        return self.ledger.commit(votes.hand_off_again(task, callback_id, hand_off, assignment, now, remind=remind))

    @retried
    def _hand_off_failed(self, task_id: str, callback_id: str, failed: FailedHandOff) -> Task:
        task, now = self._present(task_id), self.clock.now()
        if not task.takes_answers(now):
            return task
        change = votes.hand_off_failed(task, callback_id, failed.number, failed.operation, now)
        if any(entry.event in change.events for entry in self.ledger.audit(task_id)):
            return task
        return self.ledger.commit(change)

    def _assigned(self, task: Task, people: tuple[str, ...]) -> Assignment:
        """Resolve the people whom an escalation names; skip the directory if it names none."""
        if not people:
            return Assignment((), NO_ALIASES)
        taken = (*task.audience, *(made.by for made in task.delegations), *_barred(task))
        return assign(self.directory, task.question.requester, people, self.clock.now(), taken)

    def _is_sound(self, task: Task) -> bool:
        """Recount the votes with the directory's current aliases, which may be newer than the decision."""
        return votes.is_sound(identified(self.directory, task))

    def _refused(self, task: Task, now: datetime) -> Report:
        """Record an unsound decision once, and report it."""
        change = votes.found_unsound(task, now)
        if not any(entry.event in change.events for entry in self.ledger.audit(task.task_id)):
            self.ledger.commit(change)
        return _report(task, now) | {"unsound": True}

    def _collected(self, task: Task) -> Report:
        """Return the collected answers; nothing for tasks that collect none or are still open."""
        if task.question.collecting is None or task.status is Status.OPEN:
            return {}
        responses = self.ledger.responses(task.task_id)
        return {
            "answer": {key: json.loads(responses[key]) for key in task.question.collecting.required if key in responses}
        }

    def _forestalled(self, wait: Wait, reason: str, now: datetime) -> Report:
        """Put a cancelled task in place of a missing one, so that an opening still in progress finds it and stops."""
        try:
            return _report(self._put(*self._never_opened(wait, reason, now)), now)
        except DuplicateTaskNameError:
            return DUPLICATE

    def _never_opened(self, wait: Wait, reason: str, now: datetime) -> tuple[Task, tuple[AuditEvent, ...], datetime]:
        """Return a task that is cancelled before it was opened, its audit entry, and the time of both."""
        task = Task(
            task_id=wait.task_id,
            status=Status.CANCELLED,
            expires_at=wait.expires_at,
            request_id=wait.request_id,
            workflow=self.workflow,
            closed_at=now,
            closed_because=reason,
            audit_ttl=self._audit_ttl(wait),
        )
        return task, (AuditEvent("cancelled", self.workflow, data={"reason": reason}),), now

    def _present(self, task_id: str) -> Task:
        task = self.ledger.task(task_id)
        if task is None:
            raise LookupError(f"task {task_id} is gone from the ledger while its workflow waits for it")
        return task


def _barred(task: Task) -> tuple[str, ...]:
    """Return the people besides the requester who may not decide a task, normalised."""
    question = task.question
    return tuple(filter(None, (*question.elsewhere, normalise(question.on_behalf_of))))


def _not_told(question: Question, assignment: Assignment) -> str:
    """Return why the requester of a question to people is not told the outcome; empty if they are, or for machines."""
    return "" if question.payload else telling.not_told(question, assignment.audience, assignment.aliases)


def _newcomers(task: Task, people: tuple[str, ...]) -> tuple[str, ...]:
    """Return the voters whom an escalation named, or who stand in for such a person."""
    stand_ins = {made.by: made.to for made in task.delegations if made.standing}
    named = map(normalise, people)
    return tuple(person for person in (stand_ins.get(name, name) for name in named) if person in task.voters)


def _report(task: Task, now: datetime) -> Report:
    report: Report = {"status": task.status.value, "at": to_text(now), "expires_at": to_text(task.expires_at)}
    report |= _BOUNCED if task.bounced else {}
    if task.question.payload:
        report["refused_answers"] = task.refused_answers
        report["heard_at"] = to_text(answers.heard_at(task))
    if task.declined:
        report["declined"] = task.declined
    if task.status is Status.CANCELLED:
        report["closed_because"] = task.closed_because
    if task.decided_at is None:
        return report
    report["outcome"] = task.outcome and task.outcome.value
    report["decided_by"] = list(task.decided_by)
    report["decided_at"] = to_text(task.decided_at)
    if task.question.payload:
        failure = task.failure
        report["answer"] = answers.document_of(task)
        report["failure"] = (
            FailureReport(code=failure.code, message=failure.message, data=failure.data) if failure else None
        )
    else:
        report["votes"] = [_ballot(task, person) for person in task.audience if person in task.votes]
        report |= _revision(task) if task.round > 1 else {}
    return report


def _revision(task: Task) -> Report:
    # Imported here: most tasks are never revised, and it would slow the cold start of every workflow.
    from countersign.domain.rounds import content_of

    return {"round": task.round, "content": content_of(task.question)}


def _ballot(task: Task, person: str) -> VoteReport:
    vote = task.votes[person]
    longest = COMMENT_BUDGET // len(task.votes)
    comment = vote.comment if len(vote.comment) <= longest else f"{vote.comment[: longest - 1]}…"
    return {"by": person, "decision": vote.decision.value, "comment": comment, "at": to_text(vote.at)}
