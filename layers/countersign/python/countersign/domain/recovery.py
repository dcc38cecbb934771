"""Recovery of a lost task: from a restored table, brought up to date by its audit.

The audit outlives its task, so a restored task is older than its audit. It adopts the end of the chain, so that the
next entry continues it, and the votes, the decision and the end of the newer entries. A decision is never made twice,
and reaches the workflow.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from countersign.domain import held_payments, payments, refunds, replacements, rounds, votes
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.clock import from_text
from countersign.domain.mails import HARD
from countersign.domain.provider_events import EventStatus
from countersign.domain.questions import Question
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Delegation, Failure, Status, Task, Vote


def brought_back(
    task: Task, entries: Iterable[AuditEntry], table: str, operator: str
) -> tuple[Task, tuple[AuditEvent, ...]]:
    """Return a lost task brought up to date, and the audit entry of its recovery.

    Args:
        task: The task from the restored table.
        entries: Its current audit.
        table: The restored table.
        operator: The operator's IAM ARN.
    """
    ahead = [entry for entry in entries if entry.seq > task.audit_seq]
    known = _caught_up(task, ahead)
    was_decided = any(entry.event.event == "decided" for entry in ahead)
    undecided = {"undecided": True} if was_decided and known.status is Status.OPEN else {}
    restored = AuditEvent("restored", operator, "iam", data={"table": table, "ahead": len(ahead), **undecided})
    return known, (restored,)


def _caught_up(task: Task, ahead: list[AuditEntry]) -> Task:
    if not ahead:
        return task
    known = task
    for entry in ahead:
        known = _TAKEN_ON.get(entry.event.event, _nothing)(known, entry.event, from_text(entry.at))
    if known.status is Status.DECIDED and known.question.payload and not (known.answer or known.failure):
        known = task  # the audit has only the digest of a worker's answer, so the worker must send it again
    answer = known.answer if known.decided_at else task.answer
    return replace(known, answer=answer, audit_seq=ahead[-1].seq, audit_head=ahead[-1].hash)


def _nothing(task: Task, _: AuditEvent, __: datetime) -> Task:
    return task


def _voted(task: Task, event: AuditEvent, at: datetime) -> Task:
    vote = Vote(Decision(event.data["decision"]), event.data["comment"], at)
    return votes.with_vote(task, event.actor, vote)


def _delegated(task: Task, event: AuditEvent, at: datetime) -> Task:
    made = Delegation(event.data["by"], event.data["to"], at, event.data["standing"])
    return votes.with_delegation(task, made)


def _taken_back(task: Task, event: AuditEvent, at: datetime) -> Task:
    made = task.handed_on_by(event.data["by"])
    return replacements.taken_back(task, made, at) if made else task


def _reassigned(task: Task, event: AuditEvent, at: datetime) -> Task:
    return replacements.reassigned(task, event.data, at)


def _returned(task: Task, event: AuditEvent, at: datetime) -> Task:
    return rounds.with_return(task, event.actor, event.data["comment"], at)


def _answered_back(task: Task, event: AuditEvent, at: datetime) -> Task:
    return rounds.with_answer(task, event.data["comment"], at)


def _revised(task: Task, event: AuditEvent, at: datetime) -> Task:
    question = rounds.with_content(task.question, Question.from_document(event.data))
    return rounds.with_revision(task, question, event.data["comment"], at)


def _escalated(task: Task, event: AuditEvent, _: datetime) -> Task:
    audience, escalated = ((*people, *event.data["to"]) for people in (task.audience, task.escalated))
    return replace(task, audience=audience, escalated=escalated, hand_off=event.data["hand_off"])


def _extended(task: Task, event: AuditEvent, _: datetime) -> Task:
    return replace(task, expires_at=from_text(event.data["until"]))


def _sent(task: Task, _: AuditEvent, at: datetime) -> Task:
    return replace(task, sent_at=task.sent_at or at)


def _bounced(task: Task, event: AuditEvent, _: datetime) -> Task:
    counts = event.data["kind"] == HARD and task.asks(event.data["recipient"])
    return replace(task, bounced=task.bounced + counts)


def _responded(task: Task, event: AuditEvent, at: datetime) -> Task:
    said = payments.event_of(event.data)
    known = replace(task, **payments.learnt(task, said))
    if said.status is EventStatus.DECLINED and task.takes_answers(at):
        return replace(known, declined=said.status.value)  # the audit does not have the provider's words
    return replace(known, answer=payments.answer_of(said)) if held_payments.acceptable(task, said, at) else known


def _refund(task: Task, event: AuditEvent, _: datetime) -> Task:
    return refunds.with_entry(task, event)


def _settled(task: Task, event: AuditEvent, at: datetime) -> Task:
    return _responded(task, event, at) if event.data["effect"] == event.data["status"] else task


def _failed(task: Task, event: AuditEvent, _: datetime) -> Task:
    return replace(task, failure=Failure(event.data["code"]))


def _decided(task: Task, event: AuditEvent, at: datetime) -> Task:
    by, outcome = tuple(event.data["decided_by"]), Outcome(event.data["outcome"])
    return replace(task, status=Status.DECIDED, outcome=outcome, decided_by=by, decided_at=at)


def _applied(task: Task, event: AuditEvent, at: datetime) -> Task:
    return replace(task, status=Status.APPLIED, superseded=event.data["superseded"], closed_at=at)


def _expired(task: Task, _: AuditEvent, at: datetime) -> Task:
    return replace(task, status=Status.EXPIRED, closed_at=at)


def _cancelled(task: Task, event: AuditEvent, at: datetime) -> Task:
    closed = replace(task, status=Status.CANCELLED, closed_at=at, closed_because=event.data["reason"])
    # Only a person gives a reason in words.
    by_person = "comment" in event.data
    return replace(closed, closed_by=event.actor, closed_comment=event.data["comment"]) if by_person else closed


def _restored(task: Task, event: AuditEvent, _: datetime) -> Task:
    """An earlier restoration has asked a worker again whose answer was lost."""
    if not event.data.get("undecided"):
        return task
    return replace(task, status=Status.OPEN, outcome=None, decided_by=(), decided_at=None)


_TAKEN_ON: Mapping[str, Callable[[Task, AuditEvent, datetime], Task]] = MappingProxyType(
    {
        "voted": _voted,
        "returned": _returned,
        "answered_back": _answered_back,
        "revised": _revised,
        "delegated": _delegated,
        "delegation_taken_back": _taken_back,
        "reassigned": _reassigned,
        "escalated": _escalated,
        "extended": _extended,
        "sent": _sent,
        "bounced": _bounced,
        "responded": _responded,
        "settled": _settled,
        **dict.fromkeys((refunds.RESERVED, refunds.CONFIRMED, refunds.FREED), _refund),
        "failed": _failed,
        "decided": _decided,
        "applied": _applied,
        "expired": _expired,
        "cancelled": _cancelled,
        "restored": _restored,
    }
)
"""How an audit entry changes its task, by the entry's name; all other entries change no answer."""
