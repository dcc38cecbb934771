"""Telling requesters: who is told the outcome of a request, and which status is an outcome."""

from datetime import datetime, timedelta

from countersign.domain.identity import Aliases, is_address, normalise
from countersign.domain.questions import Question
from countersign.domain.rules import Outcome
from countersign.domain.tasks import WITHDRAWN_BY_CALLER, WITHDRAWN_BY_OPERATOR, Status, Task

_WITHDRAWN_BY_OTHERS = (WITHDRAWN_BY_OPERATOR, WITHDRAWN_BY_CALLER)

STATUS_LASTS = timedelta(days=30)
"""How long a status link works after the request has ended."""


def not_told(question: Question, audience: tuple[str, ...], aliases: Aliases) -> str:
    """Return why a requester gets no messages: `no_address`, or `approver`; empty if they get them.

    A person who may decide has a review link already, and could confuse it with a status link.

    Args:
        question: The question.
        audience: The people who are asked.
        aliases: Their aliases, and those of the requester.
    """
    if not is_address(normalise(question.requester)):
        return "no_address"
    involved = (*audience, *question.elsewhere)
    return "approver" if any(aliases.same(person, question.requester) for person in involved) else ""


def tells(task: Task, address: str) -> bool:
    """Tell whether a normalised address is that of a requester who is told the outcome."""
    return task.tells_requester and address == normalise(task.question.requester)


def outcome(task: Task) -> str:
    """Return the outcome that the requester gets a message about; empty for none.

    It is `approved`, `rejected`, `expired`, `withdrawn` or `returned`. A withdrawal by the workflow or by the requester
    makes no message.
    """
    if not task.tells_requester:
        return ""
    told = {
        Status.OPEN: "returned" if task.returned else "",
        Status.APPLIED: _decision(task),
        Status.EXPIRED: "expired",
        Status.CANCELLED: "withdrawn" if task.closed_because in _WITHDRAWN_BY_OTHERS else "",
    }
    return told.get(task.status, "")


def since(task: Task) -> datetime:
    """Return since when the outcome holds, in UTC: the end of the task, or when it was sent back."""
    return ended_at(task) or (task.returned.at if task.returned else task.expires_at)


def ended_at(task: Task) -> datetime | None:
    """Return when a task ended, in UTC; None while it waits for an answer."""
    return task.closed_at or task.decided_at


def _decision(task: Task) -> str:
    if task.superseded:
        return ""
    if task.outcome is Outcome.APPROVED:
        return "" if task.question.continues else "approved"
    return "rejected"
