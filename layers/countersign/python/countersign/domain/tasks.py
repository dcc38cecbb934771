"""A task: one question that a workflow puts to somebody outside, its states, and what may follow what.

Everything that changes a task is a `Change`: computed here from the task as it was read, written by the ledger in one
transaction under the conditions of its `Transition`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from countersign.domain import rules
from countersign.domain.audit import GENESIS, AuditEvent
from countersign.domain.clock import to_text
from countersign.domain.errors import (
    ContractError,
    DecidedOtherwiseError,
    DetailsChangedError,
    OwnRequestError,
    TaskClosedError,
)
from countersign.domain.identity import same_person
from countersign.domain.rules import Decision, Outcome, Rule
from countersign.domain.strict_json import digest


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

LIVE = frozenset({Status.OPEN, Status.DECIDED})
"""The states in which somebody still owes the task something: an answer, or applying it."""


@dataclass(frozen=True)
class Vote:
    """What one recipient said.

    Attributes:
        decision: Approve or reject.
        comment: The person's own words; empty when there are none.
        at: When the vote was recorded, in UTC.
    """

    decision: Decision
    comment: str
    at: datetime


@dataclass(frozen=True)
class Ring:
    """How the doorbell went.

    Attributes:
        state: `delivered`, `closed` (the callback had ended by itself) or `failed`.
        at: When, in UTC.
        error: The API's error code for `failed` and `closed`; empty otherwise.
    """

    state: str
    at: datetime
    error: str = ""


@dataclass(frozen=True)
class Task:
    """A task as it stands in the ledger.

    Attributes:
        task_id: The request's id, a full stop, and the name of the wait.
        kind: What is asked: `approval`, `payment`, or the workflow author's own.
        opened_by: Callback id of the wait's first callback: tells a retry of the opening from a second wait.
        callback_id: The callback to ring now.
        revision: Counts votes and the decision; lost races show in it.
        details: What is asked, as label and value, in the order of the page.
        shown: SHA-256 of what a person is shown; an answer must name it.
        audience: The recipients who may answer, normalised, in order.
        policy: Version of the policy that it was opened under; empty where there was none.
        votes: Each recipient's vote.
        hand_off: Number of the newest hand-off: 1 the first, each reminder one more.
        expires_at: When the task closes by itself; may move, never past `max_expires_at`.
        decided_by: The recipients whose votes decided.
        superseded: Whether another task's answer was used although this one was decided.
        audit_seq: Number of entries in the audit chain.
        audit_head: Hash of the last entry.
    """

    task_id: str
    status: Status
    expires_at: datetime
    request_id: str = ""
    workflow: str = ""
    kind: str = ""
    opened_by: str = ""
    callback_id: str = ""
    revision: int = 0
    title: str = ""
    details: tuple[tuple[str, str], ...] = ()
    shown: str = ""
    requester: str = ""
    audience: tuple[str, ...] = ()
    rule: Rule = field(default_factory=Rule)
    policy: str = ""
    votes: Mapping[str, Vote] = field(default_factory=dict)
    hand_off: int = 0
    opened_at: datetime | None = None
    max_expires_at: datetime | None = None
    outcome: Outcome | None = None
    decided_by: tuple[str, ...] = ()
    decided_at: datetime | None = None
    closed_at: datetime | None = None
    superseded: bool = False
    ring: Ring | None = None
    audit_seq: int = 0
    audit_head: str = GENESIS

    @property
    def voters(self) -> tuple[str, ...]:
        """Those of the audience who count: everybody but the requester, who may be asked and never decides."""
        return tuple(person for person in self.audience if not same_person(person, self.requester))

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
        events: What the audit chain gains, at least one.
        at: The moment that the write compares with the deadline, in UTC.
    """

    before: Task
    transition: Transition | None
    fields: Mapping[str, Any]
    events: tuple[AuditEvent, ...]
    at: datetime


def task_id_of(request_id: str, name: str) -> str:
    """Return the id of the wait `name` of a request. A request id holds no full stop, so the id reads one way."""
    return f"{request_id}.{name}"


def shown_digest(title: str, details: tuple[tuple[str, str], ...], requester: str) -> str:
    """Return the SHA-256, in hex, of what a person is shown."""
    return digest({"title": title, "details": [list(row) for row in details], "requester": requester})


def answer(
    task: Task, recipient: str, decision: Decision, comment: str, shown: str, source: str, now: datetime
) -> Change | None:
    """Return what a recipient's answer does to the task.

    Args:
        task: The task as it stands.
        recipient: Whose link was used, normalised.
        decision: What they say.
        comment: Their own words.
        shown: The digest of the details that their page showed.
        source: Network that the answer came from.
        now: The current time.

    Returns:
        The change to write, or None when the same person has said the same before.

    Raises:
        OwnRequestError: The recipient is the requester.
        DecidedOtherwiseError: The task is decided, and this person did not decide it so.
        TaskClosedError: The task expired or was cancelled.
        DetailsChangedError: The page showed other details.
    """
    if same_person(recipient, task.requester):
        raise OwnRequestError
    earlier = task.votes.get(recipient)
    if earlier is not None and earlier.decision is decision:
        return None
    if task.status in (Status.DECIDED, Status.APPLIED):
        raise DecidedOtherwiseError
    if task.status is not Status.OPEN or task.expired_by(now):
        raise TaskClosedError
    if shown != task.shown:
        raise DetailsChangedError
    return _vote(task, recipient, Vote(decision, comment, now), source)


def _vote(task: Task, recipient: str, vote: Vote, source: str) -> Change:
    votes = {**task.votes, recipient: vote}
    voted = AuditEvent("voted", recipient, "review link", source, {"decision": vote.decision, "comment": vote.comment})
    verdict = rules.decide(task.rule, task.voters, {person: cast.decision for person, cast in votes.items()})
    fields: dict[str, Any] = {"votes": votes, "revision": task.revision + 1}
    if verdict is None:
        return Change(task, STAYING, fields, (voted,), vote.at)
    decided = AuditEvent("decided", recipient, "review link", source, {"outcome": verdict.outcome})
    fields |= {"outcome": verdict.outcome, "decided_by": verdict.decided_by, "decided_at": vote.at}
    return Change(task, DECIDING, fields, (voted, decided), vote.at)


def refuse(task: Task, recipient: str, reason: str, source: str, now: datetime) -> Change:
    """Return the audit entry of an attempt that decided nothing.

    Args:
        task: The task as it stands.
        recipient: Whose link was used.
        reason: Why it was refused, a word such as `own_request`.
        source: Network that the attempt came from.
        now: The current time.
    """
    return Change(task, None, {}, (AuditEvent("refused", recipient, "review link", source, {"reason": reason}),), now)


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
    who = f"{actor} {task.policy}"
    opened = AuditEvent("opened", who, data={"audience": []})
    decided = AuditEvent("decided", who, data={"outcome": Outcome.APPROVED})
    return approved, (opened, decided, AuditEvent("applied", who, data={"superseded": False}))


def cancel(task: Task, actor: str, reason: str, now: datetime) -> Change | None:
    """Return the withdrawal of an open task; None when it is open no more, since a decision made before wins.

    Args:
        task: The task as it stands.
        actor: Who withdraws it.
        reason: Why, a word such as `hand_off_failed`.
        now: The current time.
    """
    if task.status is not Status.OPEN:
        return None
    return Change(task, CANCELLING, {"closed_at": now}, (AuditEvent("cancelled", actor, data={"reason": reason}),), now)


def hand_off_again(task: Task, callback_id: str, hand_off: int, escalated_to: tuple[str, ...], now: datetime) -> Change:
    """Return what a reminder or an escalation does to an open task.

    Args:
        task: The task as it stands.
        callback_id: The fresh callback.
        hand_off: Number of this hand-off.
        escalated_to: Who may answer from now on too, normalised; nobody for a mere reminder.
        now: The current time.
    """
    newcomers = tuple(person for person in escalated_to if person not in task.audience)
    eligible = tuple(person for person in newcomers if not same_person(person, task.requester))
    event = AuditEvent(
        "escalated" if escalated_to else "reminded", task.workflow, data={"to": list(eligible), "hand_off": hand_off}
    )
    fields = {"callback_id": callback_id, "hand_off": hand_off, "audience": (*task.audience, *eligible)}
    return Change(task, STAYING, fields, (event,), now)


def extend(task: Task, until: datetime, actor: str, now: datetime) -> Change:
    """Return the extension of an open task's deadline; its links and its callback stay as they are.

    Args:
        task: The task as it stands.
        until: The new deadline.
        actor: Who extends it, an IAM ARN.
        now: The current time.

    Raises:
        TaskClosedError: The task is not open any more, or its deadline has passed.
        ContractError: The new deadline is not later than the old one, or later than the execution lives.
    """
    if task.status is not Status.OPEN or task.expired_by(now):
        raise TaskClosedError
    latest = task.max_expires_at or task.expires_at
    if not task.expires_at < until <= latest:
        allowed = f"after {to_text(task.expires_at)} and at the latest {to_text(latest)}"
        raise ContractError(f"the deadline can be moved to a time {allowed}", "/until")
    data = {"from": to_text(task.expires_at), "until": to_text(until)}
    return Change(task, STAYING, {"expires_at": until}, (AuditEvent("extended", actor, "iam", data=data),), now)


def rung(task: Task, ring: Ring) -> Change | None:
    """Return the record of a ring; None when the task was rung for good before: `delivered` is never downgraded."""
    if task.ring is not None and task.ring.state == "delivered":
        return None
    event = AuditEvent("rung", "relay", data={"state": ring.state, "error": ring.error})
    return Change(task, None, {"ring": ring}, (event,), ring.at)
