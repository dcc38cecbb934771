"""A task: one question to somebody outside, its states, and the table of its transitions.

Every write to a task is a `Change`, computed here from the task as it was read. The ledger writes it in one transaction
under the conditions of its `Transition`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from countersign.domain.audit import GENESIS, AuditEvent
from countersign.domain.clock import to_text
from countersign.domain.errors import ContractError, TaskClosedError
from countersign.domain.identity import Aliases
from countersign.domain.questions import Person, Question
from countersign.domain.rules import Decision, Outcome


class Status(StrEnum):
    """The states of a task."""

    OPEN = "OPEN"
    DECIDED = "DECIDED"
    APPLIED = "APPLIED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Deadline(StrEnum):
    """Whether a transition is allowed before the task's deadline, after it, or both."""

    BEFORE = "before"
    PASSED = "passed"
    ANY = "any"


class Transition(NamedTuple):
    """One row of the table of transitions.

    Attributes:
        source: The status before the write; None if the task must not exist.
        target: The status after the write.
        by: The parts of the kit that make this write.
        deadline: Whether it is allowed before `expires_at`, after it, or both; the ledger compares at the write.
    """

    source: Status | None
    target: Status
    by: str
    deadline: Deadline = Deadline.ANY


OPENING = Transition(None, Status.OPEN, by="the workflow's open step")
DECIDING = Transition(Status.OPEN, Status.DECIDED, by="webhook, results", deadline=Deadline.BEFORE)
EXPIRING = Transition(Status.OPEN, Status.EXPIRED, by="the workflow's read step", deadline=Deadline.PASSED)
CANCELLING = Transition(Status.OPEN, Status.CANCELLED, by="workflow, operator, requests, executions")
FORESTALLING = Transition(None, Status.CANCELLED, by="workflow, operator")
APPROVING = Transition(None, Status.APPLIED, by="the workflow's auto step, under its policy")
APPLYING = Transition(Status.DECIDED, Status.APPLIED, by="the workflow's read step")
STAYING = Transition(Status.OPEN, Status.OPEN, by="webhook, workflow, operator", deadline=Deadline.BEFORE)
RESERVING = Transition(Status.APPLIED, Status.APPLIED, by="the workflow refund, sweeper, operator")

TRANSITIONS = (OPENING, STAYING, DECIDING, EXPIRING, CANCELLING, FORESTALLING, APPROVING, APPLYING, RESERVING)
"""All transitions. For an existing task, a `Change` carries the conditions into the write. A new task is put only if
none with its id exists.
"""

WITHDRAWN_BY_OPERATOR = "withdrawn_by_operator"
"""The reason of a task that an operator withdrew."""

WITHDRAWN_BY_REQUESTER = "withdrawn_by_requester"
"""The reason of a task that its requester withdrew."""

WITHDRAWN_BY_CALLER = "withdrawn_by_caller"
"""The reason of a task whose request its caller cancelled."""

WITHDRAWN_BY_PEOPLE = frozenset({WITHDRAWN_BY_OPERATOR, WITHDRAWN_BY_REQUESTER, WITHDRAWN_BY_CALLER})
"""The reasons of withdrawals about which the workflow does not know yet: its callback must be rung."""

HAND_OFF_FAILED = "hand_off_failed"
"""The reason of a task whose first hand-off failed."""

MAX_COMMENT_CHARACTERS = 2000
"""The longest comment."""

MAX_ANSWERS = 20
"""How many answers of one person, or of one collected key, are recorded. Each is in the audit."""

MAX_REFUSALS = 100
"""How many refusals of one task are in its audit, each for another person or reason. All are counted."""

_LONGEST_ID = 400
_EXECUTION_ENDED = "execution_"

LIVE = frozenset({Status.OPEN, Status.DECIDED})
"""The states in which a task still needs an answer, or its decision to be applied."""


class Vote(NamedTuple):
    """One recipient's vote.

    Attributes:
        decision: Approve or reject.
        comment: The person's comment; empty without one.
        at: When the vote was recorded, in UTC.
        number: How many votes this person has cast on the task, including this one.
    """

    decision: Decision
    comment: str
    at: datetime
    number: int = 1


class Delegation(NamedTuple):
    """A delegation of a task to another person.

    Attributes:
        by: The approver who was asked first.
        to: The person who decides instead.
        at: Time of the delegation, in UTC.
        standing: Whether the directory delegated the task because `by` is away; otherwise `by` did so.
    """

    by: str
    to: str
    at: datetime
    standing: bool = False


class Replacement(NamedTuple):
    """One time that a person who was asked was replaced.

    Attributes:
        by: The person who is no longer asked.
        to: The person who is asked in their place.
        at: When, in UTC.
        because: The operator's reason; empty if `to` took the task back from their colleague.
    """

    by: str
    to: str
    at: datetime
    because: str = ""


class Exchange(NamedTuple):
    """One time that an approver sent the task back to the requester.

    Attributes:
        by: The approver.
        comment: The approver's question.
        at: When the approver sent it back, in UTC.
        answer: The requester's words; empty before the answer, and for a revision without words.
        answered_at: When the requester answered or revised, in UTC; None while the task waits for the requester.
        revised: Whether the requester revised the question, which began a new round.
    """

    by: str
    comment: str
    at: datetime
    answer: str = ""
    answered_at: datetime | None = None
    revised: bool = False


class RingState(StrEnum):
    """Lambda's answer to a ring."""

    DELIVERED = "delivered"
    CLOSED = "closed"
    """The callback had ended before."""
    FAILED = "failed"


class Ring(NamedTuple):
    """The last ring of a task's callback.

    Attributes:
        state: Lambda's answer.
        at: Its time, in UTC.
        error: The API's error code for `failed` and `closed`; empty otherwise.
    """

    state: RingState
    at: datetime
    error: str = ""


class Failure(NamedTuple):
    """A machine's failure.

    Attributes:
        code: Reason for programs.
        message: Reason for people.
        data: Further details, as text.
    """

    code: str
    message: str = ""
    data: str = ""


@dataclass(frozen=True)
class Task:
    """A task as the ledger has it.

    Attributes:
        task_id: The request's id, a full stop, and the name of the wait.
        question: The question, with its content as the current round shows it.
        opened_by: Digest of the id of the wait's first callback; distinguishes a retry of the opening from a second
            wait.
        callback_id: The callback to ring now.
        revision: Counts votes and the decision; shows a lost race.
        shown: SHA-256 of what the page shows; an answer must name it.
        submitted_by: IAM ARN of the caller who submitted the request; empty if unknown.
        audience: The recipients who may answer, normalised, in order.
        aliases: Which addresses of recipients and requester belong to one person.
        newcomers: What the directory said about people who came in after the opening, by normalised address.
        delegations: The delegations, by people and by the directory.
        replaced: The people who were asked and no longer are, because a delegation was taken back or an operator asked
            somebody else.
        escalated: The part of the audience whom an escalation added, or to whom such a person delegated the task.
        votes: Each recipient's vote in the current round.
        round: Number of the round: 1, plus 1 for each revision. A vote counts in its own round only.
        exchanges: How often the task was sent back, and what the requester answered, in order.
        hand_off: Number of the newest hand-off; the first is 1, and each reminder adds 1.
        sent_at: When the first link was sent; None before, and for tasks of machines.
        bounced: How many messages about it a recipient's mail server refused permanently.
        expires_at: The deadline; may move, but never past `max_expires_at`.
        decided_by: The recipients whose votes decided.
        closed_because: Why it was cancelled, such as `hand_off_failed`; empty if it was not.
        closed_by: Who withdrew it, the IAM ARN of an operator or of the caller's role, or the requester's address;
            empty if nobody did.
        closed_comment: The reason for withdrawing it, in their words, which the people who were asked can read.
        tells_requester: Whether the requester is told the outcome: they have an address, and decide nothing themselves.
        superseded: Whether another task's answer was used although this one was decided.
        received: The keys of the collected answers that are there.
        refused: The refusals that have an audit entry: the reason, a space, and who was refused.
        refused_answers: How many answers of machines and people were refused.
        ignored: Why events about it were ignored, such as `test_mode`, each reason once.
        heartbeat_at: Time of the machine's last heartbeat.
        swept_at: When the sweeper last repaired something overdue; None if it never did.
        answer: A machine's answer, as JSON text; empty before.
        declined: Why the last attempt to pay was declined, in the provider's untrusted words; empty without one.
        payment_id: The provider's id of the attempt that paid; empty if the provider does not identify attempts.
        refunds: Refunded amounts, as decimal text by the attempt's id, or by the external id.
        disputes: The disputed attempts, named as in `refunds`, one for each report.
        reserved: What is reserved for refunds, by the ids of their requests: the `amount`, as decimal text, and
            `until`, when the request has ended.
        noted: For each recorded event that was held, or that no decision waited for, its digest and how its sender was
            identified.
        failure: A machine's failure; None without one.
        audit_seq: Number of entries in the audit chain.
        audit_head: Hash of the last entry.
        audit_ttl: When the ledger may remove the chain, in epoch seconds; 0 for never. Fixed at the opening.
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
    newcomers: Mapping[str, Person] = field(default_factory=dict)
    delegations: tuple[Delegation, ...] = ()
    replaced: tuple[Replacement, ...] = ()
    escalated: tuple[str, ...] = ()
    votes: Mapping[str, Vote] = field(default_factory=dict)
    round: int = 1
    exchanges: tuple[Exchange, ...] = ()
    hand_off: int = 0
    sent_at: datetime | None = None
    bounced: int = 0
    opened_at: datetime | None = None
    max_expires_at: datetime | None = None
    outcome: Outcome | None = None
    decided_by: tuple[str, ...] = ()
    decided_at: datetime | None = None
    closed_at: datetime | None = None
    closed_because: str = ""
    closed_by: str = ""
    closed_comment: str = ""
    tells_requester: bool = False
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
    reserved: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    ring: Ring | None = None
    audit_seq: int = 0
    audit_head: str = GENESIS
    audit_ttl: int = 0

    @property
    def returned(self) -> Exchange | None:
        """The exchange in which an open task waits for the requester, who acts before anybody decides."""
        last = self.exchanges[-1] if self.exchanges and self.status is Status.OPEN else None
        return last if last and last.answered_at is None else None

    @property
    def people(self) -> Mapping[str, Person]:
        """What the directory said about people whom the task concerns, by normalised address."""
        return {**self.question.people, **self.newcomers}

    @property
    def voters(self) -> tuple[str, ...]:
        """The people of the audience who may decide, with one address each: that of their last vote, or their first.

        The requester may be asked, but never decides.
        """
        counting = [address for address in self.audience if self.counts(address)]
        return tuple(self._voting_address(person) for person in self.aliases.distinct(counting))

    def _voting_address(self, person: str) -> str:
        voted = (address for address in self.audience if address in self.votes and self.aliases.same(address, person))
        return max(voted, key=lambda address: self.votes[address].at, default=person)

    def counts(self, address: str) -> bool:
        """Tell whether a vote of an address's owner counts: nobody decides twice, or about their own request."""
        gave_up = self.is_requester(address) or self.decides_elsewhere(address)
        return not gave_up and self.handed_on_by(address) is None

    def decides_elsewhere(self, address: str) -> bool:
        """Tell whether the owner of an address decides another task of the same chain."""
        return any(self.aliases.same(other, address) for other in self.question.elsewhere)

    def is_escalated(self, address: str) -> bool:
        """Tell whether only escalations added the owner of an address."""
        asked = [other for other in self.audience if self.aliases.same(other, address)]
        return bool(asked) and all(other in self.escalated for other in asked)

    def is_requester(self, address: str) -> bool:
        """Tell whether an address belongs to the requester, or to the person for whom they ask."""
        return any(self.aliases.same(address, own) for own in self.question.requesters)

    def vote_of(self, address: str) -> Vote | None:
        """Return the last vote of an address's owner, by any of their addresses."""
        theirs = (vote for voter, vote in self.votes.items() if self.aliases.same(voter, address))
        return max(theirs, key=lambda vote: vote.at, default=None)

    def handed_on_by(self, address: str) -> Delegation | None:
        """Return the delegation that an address's owner made, or None."""
        return next((made for made in self.delegations if self.aliases.same(made.by, address)), None)

    def replacement_of(self, address: str) -> Replacement | None:
        """Return the last replacement of an address's owner; None if they were never replaced, or are asked again."""
        if address in self.audience:
            return None
        return next((made for made in reversed(self.replaced) if self.aliases.same(made.by, address)), None)

    def lost_link(self, address: str) -> bool:
        """Tell whether an address's owner lost the task without delegating it. Their links open no review."""
        return self.replacement_of(address) is not None and self.handed_on_by(address) is None

    def stands_in_for(self, address: str) -> str:
        """Return the person in whose place an address's owner is asked; empty for none."""
        places = [(made.by, made.to) for made in self.delegations]
        places += [(made.by, made.to) for made in self.replaced if made.because]
        return next((by for by, to in places if self.aliases.same(to, address)), "")

    def asks(self, address: str) -> bool:
        """Tell whether an address's owner is asked and has not delegated the task."""
        return address in self.audience and self.handed_on_by(address) is None

    def concerns(self, address: str) -> bool:
        """Tell whether an address's owner is asked, or was until they delegated the task or were replaced."""
        if address in self.audience:
            return True
        return self.handed_on_by(address) is not None or self.replacement_of(address) is not None

    def waits_for(self, address: str, now: datetime) -> bool:
        """Tell whether an address's owner is asked and a vote of theirs would count."""
        return address in self.audience and self.counts(address) and self.takes_answers(now)

    def needs(self, address: str, now: datetime) -> bool:
        """Tell whether the task waits for the first vote of an address's owner, and not for its requester."""
        return self.waits_for(address, now) and self.returned is None and self.vote_of(address) is None

    def takes_answers(self, now: datetime) -> bool:
        """Tell whether the task still takes answers."""
        return self.status is Status.OPEN and not self.expired_by(now)

    @property
    def outlived_execution(self) -> bool:
        """Whether it was cancelled because its execution had ended."""
        return self.closed_because.startswith(_EXECUTION_ENDED)

    @property
    def is_unsent(self) -> bool:
        """Whether people are asked and no link was sent yet."""
        return self.sent_at is None and self.opened_at is not None and bool(self.audience) and not self.question.payload

    def expired_by(self, now: datetime) -> bool:
        """Tell whether the deadline has passed."""
        return self.expires_at <= now


@dataclass(frozen=True)
class Change:
    """One write to a task, with its audit entries and its consequences.

    Attributes:
        before: The task as it was read; the write fails if it has changed since.
        transition: The row of the table under which the write is allowed; None leaves the status alone.
        fields: New values of the task's attributes; of a `question`, only its content may differ.
        events: The new audit entries, at least one; none for a refusal that is only counted, and for the time of the
            first link.
        at: The time that the write compares with the deadline, in UTC.
        responses: Collected answers, as JSON text by their keys, written in the same transaction.
        outbox: Envelopes to send, written in the same transaction, by an id within the task.
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
        """The task after the write, apart from its audit sequence and hash."""
        status = self.transition.target if self.transition else self.before.status
        return replace(self.before, status=status, **self.fields)


def task_id_of(request_id: str, name: str) -> str:
    """Return the task id of a wait. A request id has no full stop, so the id is unambiguous."""
    return f"{request_id}.{name}"


def encryption_context(task_id: str) -> dict[str, str]:
    """Return the encryption context of a task's answer."""
    return {"countersign:task_id": task_id}


def is_task_id(text: str) -> bool:
    """Tell whether a text could be the id of a task."""
    return len(text) <= _LONGEST_ID and "." in text and text.isascii() and text.isprintable()


def close(task: Task, now: datetime, *, superseded: bool = False) -> Change | None:
    """Return the change of the workflow's read step: apply a decision, expire the task, or None.

    Args:
        task: The task.
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


def opened(task: Task, actor: str, not_told: str = "") -> AuditEvent:
    """Return the audit entry of a task's opening, with audience, rule and deadline for `audit verify`.

    Args:
        task: The task.
        actor: Who opens it.
        not_told: Why the requester is not told the outcome; empty if they are, or if no person is asked.
    """
    data = {
        "audience": list(task.audience),
        "rule": task.question.rule.to_document(),
        "expires_at": to_text(task.expires_at),
    }
    more = {"requester_not_told": not_told, "agent": task.question.agent}
    return AuditEvent("opened", actor, data=data | {name: value for name, value in more.items() if value})


def approve_by_policy(task: Task, actor: str, now: datetime, not_told: str = "") -> tuple[Task, tuple[AuditEvent, ...]]:
    """Return a task that a policy approves without asking anybody, and its audit entries.

    Args:
        task: The task as it would be opened, with its policy's version.
        actor: Who has decided it, as the task and the workflow's result name them.
        now: The current time.
        not_told: As for `opened`.
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
    return approved, (opened(approved, who, not_told), decided, AuditEvent("applied", who, data={"superseded": False}))


def cancel(task: Task, actor: str, reason: str, now: datetime) -> Change | None:
    """Return the withdrawal of an open task; None if it is no longer open, because an earlier decision wins.

    The reason is a word such as `hand_off_failed`.
    """
    if task.status is not Status.OPEN:
        return None
    fields = {"closed_at": now, "closed_because": reason}
    return Change(task, CANCELLING, fields, (AuditEvent("cancelled", actor, data={"reason": reason}),), now)


def withdraw(task: Task, by: str, comment: str, now: datetime, reason: str = WITHDRAWN_BY_OPERATOR) -> Change:
    """Return the withdrawal of an open task by an operator, or by the caller who cancels its request.

    Args:
        task: The task.
        by: Who withdraws it, an IAM ARN.
        comment: Why, for the audit and for the people who were asked.
        now: The current time.
        reason: `WITHDRAWN_BY_OPERATOR` or `WITHDRAWN_BY_CALLER`.

    Raises:
        TaskClosedError: The task is no longer open, because an earlier decision wins.
        ContractError: The comment is too long.
    """
    if task.status is not Status.OPEN:
        raise TaskClosedError
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise ContractError(f"a reason has at most {MAX_COMMENT_CHARACTERS} characters", "/because")
    data = {"reason": reason, "comment": comment}
    fields = withdrawn(reason, by, comment, now)
    return Change(task, CANCELLING, fields, (AuditEvent("cancelled", by, "iam", data=data),), now)


def withdrawn(reason: str, by: str, comment: str, now: datetime) -> dict[str, Any]:
    """Return the new values of a task that a person withdraws."""
    # An earlier ring, of a deadline that the workflow missed, does not cover the withdrawal.
    return {"closed_at": now, "closed_because": reason, "closed_by": by, "closed_comment": comment, "ring": None}


def refuse(task: Task, event: AuditEvent, now: datetime) -> Change:
    """Return the record of a refusal.

    A repeated refusal of the same person for the same reason is one audit entry; the rest are only counted.

    Args:
        task: The task.
        event: The audit entry; its data has the `reason`, one of few words.
        now: The current time.
    """
    refusal = f"{event.data['reason']} {event.actor}"
    if refusal in task.refused or len(task.refused) >= MAX_REFUSALS:
        return Change(task, None, {}, (), now)
    fields = {"refused": (*task.refused, refusal), "refused_answers": task.refused_answers + 1}
    return Change(task, None, fields, (event,), now)


def execution_ended(status: str) -> str:
    """Return the reason to cancel a task after its execution has ended with a status of Lambda, such as `TIMED_OUT`."""
    return f"{_EXECUTION_ENDED}{status.lower()}"


def extend(task: Task, until: datetime, actor: str, now: datetime) -> Change:
    """Return the extension of an open task's deadline; its links and its callback stay valid.

    Raises:
        TaskClosedError: The task is no longer open, or its deadline has passed.
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
