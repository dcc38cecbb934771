"""A task: one question that a workflow puts to somebody outside, its states, and what may follow what.

Everything that changes a task is a `Change`: computed here from the task as it was read, written by the ledger in one
transaction under the conditions of its `Transition`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from countersign.domain.audit import GENESIS, AuditEvent
from countersign.domain.clock import to_text
from countersign.domain.errors import ContractError, TaskClosedError
from countersign.domain.identity import Aliases
from countersign.domain.people import Delegation
from countersign.domain.questions import Question
from countersign.domain.rules import Decision, Outcome


class Status(StrEnum):
    """The states of a task."""

    OPEN = "OPEN"
    DECIDED = "DECIDED"
    APPLIED = "APPLIED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Deadline(StrEnum):
    """On which side of the task's deadline a transition is allowed."""

    BEFORE = "before"
    PASSED = "passed"
    ANY = "any"


@dataclass(frozen=True)
class Transition:
    """One row of the table: from where to where, who does it, and when it is allowed.

    Attributes:
        source: The status that must stand in the ledger; None when the task must be absent.
        target: The status that the write leaves.
        by: Which parts of the kit make this write.
        deadline: On which side of `expires_at` it is allowed, compared by the ledger at the write.
    """

    source: Status | None
    target: Status
    by: str
    deadline: Deadline = Deadline.ANY


OPENING = Transition(None, Status.OPEN, by="the workflow's open step")
DECIDING = Transition(Status.OPEN, Status.DECIDED, by="webhook, results", deadline=Deadline.BEFORE)
EXPIRING = Transition(Status.OPEN, Status.EXPIRED, by="the workflow's read step", deadline=Deadline.PASSED)
CANCELLING = Transition(Status.OPEN, Status.CANCELLED, by="workflow, operator, executions")
FORESTALLING = Transition(None, Status.CANCELLED, by="workflow, operator")
APPROVING = Transition(None, Status.APPLIED, by="the workflow's auto step, under its policy")
APPLYING = Transition(Status.DECIDED, Status.APPLIED, by="the workflow's read step")
STAYING = Transition(Status.OPEN, Status.OPEN, by="webhook, workflow, operator", deadline=Deadline.BEFORE)

TRANSITIONS = (OPENING, STAYING, DECIDING, EXPIRING, CANCELLING, FORESTALLING, APPROVING, APPLYING)
"""Every transition there is. From a standing task, a `Change` carries its conditions into the write; from nothing, the
task is put only where none stands.
"""

WITHDRAWN_BY_OPERATOR = "withdrawn_by_operator"
"""Why a task was cancelled that an operator took back."""

MAX_COMMENT_CHARACTERS = 2000
"""How long a comment may be."""

MAX_ANSWERS = 20
"""How many answers of one person, or for one place of those that are collected, are recorded: each is in the audit."""

MAX_REFUSALS = 100
"""How many refusals of one task are in its audit, each of another person or for another reason. All are counted."""

_LONGEST_ID = 400
_EXECUTION_ENDED = "execution_"

LIVE = frozenset({Status.OPEN, Status.DECIDED})
"""The states in which somebody still owes the task something: an answer, or applying it."""


@dataclass(frozen=True)
class Vote:
    """What one recipient said.

    Attributes:
        decision: Approve or reject.
        comment: The person's own words; empty when there are none.
        at: When the vote was recorded, in UTC.
        number: How many votes this person has cast on the task, with this one.
    """

    decision: Decision
    comment: str
    at: datetime
    number: int = 1


class RingState(StrEnum):
    """What Lambda answered to a ring."""

    DELIVERED = "delivered"
    CLOSED = "closed"
    """The callback had ended by itself."""
    FAILED = "failed"


@dataclass(frozen=True)
class Ring:
    """How the ring of a task's callback went.

    Attributes:
        state: What Lambda answered.
        at: When, in UTC.
        error: The API's error code for `failed` and `closed`; empty otherwise.
    """

    state: RingState
    at: datetime
    error: str = ""


@dataclass(frozen=True)
class Failure:
    """Why a machine could not do what was asked.

    Attributes:
        code: A word for machines.
        message: Words for people.
        data: What else there is to know, as text.
    """

    code: str
    message: str = ""
    data: str = ""


@dataclass(frozen=True)
class Task:
    """A task as it stands in the ledger.

    Attributes:
        task_id: The request's id, a full stop, and the name of the wait.
        question: What is asked.
        opened_by: Callback id of the wait's first callback: tells a retry of the opening from a second wait.
        callback_id: The callback to ring now.
        revision: Counts votes and the decision; lost races show in it.
        shown: SHA-256 of what a person is shown; an answer must name it.
        submitted_by: Who submitted the request: the IAM ARN of the caller; empty where that was not told.
        audience: The recipients who may answer, normalised, in order.
        aliases: Which addresses of recipients and requester are another name of somebody.
        delegations: Who decides in whose place.
        escalated: Which of the audience an escalation added, or decides in the place of somebody whom it added.
        votes: Each recipient's vote.
        hand_off: Number of the newest hand-off: 1 the first, each reminder one more.
        sent_at: When the first hand-off to a person was carried out; None before, and for tasks of machines.
        expires_at: When the task closes by itself; may move, never past `max_expires_at`.
        decided_by: The recipients whose votes decided.
        closed_because: Why it was cancelled, a word such as `hand_off_failed`; empty where nobody cancelled it.
        closed_comment: Why an operator withdrew it, in their own words; whoever was asked reads them.
        superseded: Whether another task's answer was used although this one was decided.
        received: The keys of the answers that are there, while they are collected.
        refused: The refusals that the audit has an entry of: the reason, a space, and who was refused.
        refused_answers: How many answers, or clicks of people, were refused.
        ignored: Why events about it were ignored, words such as `test_mode`, each once.
        heartbeat_at: When a machine last said that it works on the task.
        swept_at: When the sweeper last mended what was overdue; None while nothing was.
        answer: What a machine has answered, as JSON text; empty before.
        declined: Why the last attempt to pay was declined, in the provider's untrusted words; empty while none was.
        payment_id: The provider's id of the attempt that paid; empty where it names none.
        refunds: How much of a payment went back, as decimal text by the attempt's id, or the external id.
        disputes: The attempts that the payer disputes, named as in `refunds`; one for each time that it was said.
        noted: The digest of each event on record that was held, or that no decision waited for, and how its sender was
            identified.
        failure: Why a machine could not answer; None unless it has said so.
        audit_seq: Number of entries in the audit chain.
        audit_head: Hash of the last entry.
    """

    task_id: str
    status: Status
    expires_at: datetime
    request_id: str = ""
    workflow: str = ""
    question: Question = field(default_factory=Question)
    opened_by: str = ""
    callback_id: str = ""
    revision: int = 0
    shown: str = ""
    submitted_by: str = ""
    audience: tuple[str, ...] = ()
    aliases: Aliases = field(default_factory=Aliases)
    delegations: tuple[Delegation, ...] = ()
    escalated: tuple[str, ...] = ()
    votes: Mapping[str, Vote] = field(default_factory=dict)
    hand_off: int = 0
    sent_at: datetime | None = None
    opened_at: datetime | None = None
    max_expires_at: datetime | None = None
    outcome: Outcome | None = None
    decided_by: tuple[str, ...] = ()
    decided_at: datetime | None = None
    closed_at: datetime | None = None
    closed_because: str = ""
    closed_comment: str = ""
    superseded: bool = False
    received: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    refused_answers: int = 0
    ignored: tuple[str, ...] = ()
    heartbeat_at: datetime | None = None
    swept_at: datetime | None = None
    answer: str = ""
    declined: str = ""
    payment_id: str = ""
    refunds: Mapping[str, str] = field(default_factory=dict)
    disputes: tuple[str, ...] = ()
    noted: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    ring: Ring | None = None
    audit_seq: int = 0
    audit_head: str = GENESIS

    @property
    def voters(self) -> tuple[str, ...]:
        """Those of the audience who count, an address for each person: the one they voted with last, or their first.

        The requester may be asked and never decides.
        """
        counting = [address for address in self.audience if self.counts(address)]
        return tuple(self._voting_address(person) for person in self.aliases.distinct(counting))

    def _voting_address(self, person: str) -> str:
        voted = (address for address in self.audience if address in self.votes and self.aliases.same(address, person))
        return max(voted, key=lambda address: self.votes[address].at, default=person)

    def counts(self, address: str) -> bool:
        """Tell whether an answer of the owner of an address counts: nobody decides twice, or in their own matter."""
        gave_up = self.is_requester(address) or self.decides_elsewhere(address)
        return not gave_up and self.handed_on_by(address) is None

    def decides_elsewhere(self, address: str) -> bool:
        """Tell whether the owner of an address decides another task of the same chain."""
        return any(self.aliases.same(other, address) for other in self.question.elsewhere)

    def is_escalated(self, address: str) -> bool:
        """Tell whether only an escalation asks the owner of an address: every address that was asked joined by one."""
        asked = [other for other in self.audience if self.aliases.same(other, address)]
        return bool(asked) and all(other in self.escalated for other in asked)

    def is_requester(self, address: str) -> bool:
        """Tell whether an address is the requester's, by whatever name."""
        return self.aliases.same(address, self.question.requester)

    def vote_of(self, address: str) -> Vote | None:
        """Return the last vote of the owner of an address, under whichever of their addresses it was cast."""
        theirs = (vote for voter, vote in self.votes.items() if self.aliases.same(voter, address))
        return max(theirs, key=lambda vote: vote.at, default=None)

    def handed_on_by(self, address: str) -> Delegation | None:
        """Return the delegation by which the owner of an address gave up their place, or None."""
        return next((made for made in self.delegations if self.aliases.same(made.by, address)), None)

    def stands_in_for(self, address: str) -> str:
        """Return in whose place the owner of an address is asked; empty in nobody's."""
        return next((made.by for made in self.delegations if self.aliases.same(made.to, address)), "")

    def asks(self, address: str) -> bool:
        """Tell whether the owner of an address is asked, and has not handed the task on."""
        return address in self.audience and self.handed_on_by(address) is None

    def concerns(self, address: str) -> bool:
        """Tell whether the owner of an address is asked, or was until they handed the task on."""
        return address in self.audience or self.handed_on_by(address) is not None

    def waits_for(self, address: str, now: datetime) -> bool:
        """Tell whether the owner of an address is asked, and an answer of theirs would count."""
        return address in self.audience and self.counts(address) and self.takes_answers(now)

    def takes_answers(self, now: datetime) -> bool:
        """Tell whether the task is open still."""
        return self.status is Status.OPEN and not self.expired_by(now)

    @property
    def outlived_execution(self) -> bool:
        """Whether it was cancelled since its execution had ended, however that ended."""
        return self.closed_because.startswith(_EXECUTION_ENDED)

    @property
    def is_unsent(self) -> bool:
        """Whether people are asked, and none of them was sent a link yet."""
        return self.sent_at is None and self.opened_at is not None and bool(self.audience) and not self.question.payload

    def expired_by(self, now: datetime) -> bool:
        """Tell whether nobody may answer any more because the deadline has passed."""
        return self.expires_at <= now


@dataclass(frozen=True)
class Change:
    """One write: the task as it was read, what becomes of it, and what the audit says of it.

    Attributes:
        before: The task as it was read; the write fails when it has changed since.
        transition: The row of the table under which the write is allowed; None leaves the status alone.
        fields: New values of the task's attributes.
        events: What the audit chain gains, at least one; none for what is on record: a refusal that is only counted, or
            when the first link was sent.
        at: The moment that the write compares with the deadline, in UTC.
        responses: Answers that are collected, as JSON text by their key, written in the same transaction.
        outbox: Envelopes that must leave because of it, written in the same transaction, by an id within the task.
    """

    before: Task
    transition: Transition | None
    fields: Mapping[str, Any]
    events: tuple[AuditEvent, ...]
    at: datetime
    outbox: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    responses: Mapping[str, str] = field(default_factory=dict)

    @property
    def after(self) -> Task:
        """The task as it will be, but for its place in the audit chain."""
        status = self.transition.target if self.transition else self.before.status
        return replace(self.before, status=status, **self.fields)


def task_id_of(request_id: str, name: str) -> str:
    """Return the id of the wait `name` of a request. A request id holds no full stop, so the id reads one way."""
    return f"{request_id}.{name}"


def encryption_context(task_id: str) -> dict[str, str]:
    """Return what the ciphertext of a task's answer is bound to."""
    return {"countersign:task_id": task_id}


def is_task_id(text: str) -> bool:
    """Tell whether a text could be the id of a task."""
    return len(text) <= _LONGEST_ID and "." in text and text.isascii() and text.isprintable()


def close(task: Task, now: datetime, *, superseded: bool = False) -> Change | None:
    """Return what the workflow's reading does: apply a decision, expire what is due, or nothing.

    Args:
        task: The task as it stands.
        now: The current time.
        superseded: Whether another task's answer is used instead of this one's.
    """
    if task.status is Status.DECIDED:
        applied = AuditEvent("applied", task.workflow, data={"superseded": superseded})
        return Change(task, APPLYING, {"superseded": superseded, "closed_at": now}, (applied,), now)
    if task.status is Status.OPEN and task.expired_by(now):
        expired = AuditEvent("expired", task.workflow, data={"deadline": to_text(task.expires_at)})
        return Change(task, EXPIRING, {"closed_at": now}, (expired,), now)
    return None


def opened(task: Task, actor: str) -> AuditEvent:
    """Return the audit entry of a task's opening: who is asked, by which rule and until when, for `verify`."""
    data = {
        "audience": list(task.audience),
        "rule": task.question.rule.to_document(),
        "expires_at": to_text(task.expires_at),
    }
    return AuditEvent("opened", actor, data=data)


def approve_by_policy(task: Task, actor: str, now: datetime) -> tuple[Task, tuple[AuditEvent, ...]]:
    """Return the task that a policy approves without asking anybody, and the audit entries of all that it skips.

    Args:
        task: The task as it would be opened, with its policy's version.
        actor: Who has decided it, as the task and the workflow's result name them.
        now: The current time.
    """
    approved = replace(
        task,
        status=Status.APPLIED,
        callback_id="",
        audience=(),
        hand_off=0,
        outcome=Outcome.APPROVED,
        decided_by=(actor,),
        decided_at=now,
        closed_at=now,
    )
    who = f"{actor} {task.question.policy}"
    decided = AuditEvent("decided", who, data={"outcome": Outcome.APPROVED, "decided_by": [actor]})
    return approved, (opened(approved, who), decided, AuditEvent("applied", who, data={"superseded": False}))


def cancel(task: Task, actor: str, reason: str, now: datetime) -> Change | None:
    """Return the withdrawal of an open task; None when it is open no more, since a decision made before wins.

    The reason is a word such as `hand_off_failed`.
    """
    if task.status is not Status.OPEN:
        return None
    fields = {"closed_at": now, "closed_because": reason}
    return Change(task, CANCELLING, fields, (AuditEvent("cancelled", actor, data={"reason": reason}),), now)


def withdraw(task: Task, operator: str, comment: str, now: datetime) -> Change:
    """Return the withdrawal of an open task by an operator.

    Args:
        task: The task as it stands.
        operator: Who withdraws it, an IAM ARN.
        comment: Why, in their own words, for the audit and for whoever was asked.
        now: The current time.

    Raises:
        TaskClosedError: It is open no more, since a decision made before wins.
        ContractError: The comment is too long.
    """
    if task.status is not Status.OPEN:
        raise TaskClosedError
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise ContractError(f"a reason has at most {MAX_COMMENT_CHARACTERS} characters", "/because")
    data = {"reason": WITHDRAWN_BY_OPERATOR, "comment": comment}
    # The ring of a deadline that no workflow heeded says nothing of the withdrawal.
    closing = {"closed_at": now, "closed_because": WITHDRAWN_BY_OPERATOR, "closed_comment": comment}
    fields = {**closing, "ring": None}
    return Change(task, CANCELLING, fields, (AuditEvent("cancelled", operator, "iam", data=data),), now)


def refuse(task: Task, event: AuditEvent, now: datetime) -> Change:
    """Return the record of something that was refused.

    The same refusal of the same person is one audit entry, however often they try: later ones are only counted.

    Args:
        task: The task as it stands.
        event: The audit entry; its data has the `reason`, one of few words.
        now: The current time.
    """
    refusal = f"{event.data['reason']} {event.actor}"
    if refusal in task.refused or len(task.refused) >= MAX_REFUSALS:
        return Change(task, None, {}, (), now)
    fields = {"refused": (*task.refused, refusal), "refused_answers": task.refused_answers + 1}
    return Change(task, None, fields, (event,), now)


def execution_ended(status: str) -> str:
    """Return the reason to cancel a task whose execution has ended so, in Lambda's word, such as `TIMED_OUT`."""
    return f"{_EXECUTION_ENDED}{status.lower()}"


def extend(task: Task, until: datetime, actor: str, now: datetime) -> Change:
    """Return the extension of an open task's deadline; its links and its callback stay as they are.

    Raises:
        TaskClosedError: The task is not open any more, or its deadline has passed.
        ContractError: The new deadline is not later than the old one, or later than the execution lives.
    """
    if not task.takes_answers(now):
        raise TaskClosedError
    latest = task.max_expires_at or task.expires_at
    if not task.expires_at < until <= latest:
        allowed = f"after {to_text(task.expires_at)} and at the latest {to_text(latest)}"
        raise ContractError(f"the deadline can be moved to a time {allowed}", "/until")
    data = {"from": to_text(task.expires_at), "until": to_text(until)}
    return Change(task, STAYING, {"expires_at": until}, (AuditEvent("extended", actor, "iam", data=data),), now)
