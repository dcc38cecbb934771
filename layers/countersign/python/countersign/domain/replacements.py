"""Replacements: a delegation is taken back, or an operator asks somebody else in an approver's place."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from countersign.domain.answers import check_open
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import (
    ActionRefusedError,
    ContractError,
    DelegationRefusedError,
    HandedOnError,
    TakenUpError,
    TaskClosedError,
    TooManyAnswersError,
)
from countersign.domain.identity import NO_ALIASES, Aliases
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS, STAYING, Change, Delegation, Replacement, Task
from countersign.domain.votes import BY_LINK, check_newcomer, resend_attempt

MAX_TAKEN_BACK = 3
"""How often one person can take a task back: each time sends two messages."""

_REFUSED = {
    "requester": "is the requester, who never decides their own request",
    "asked_already": "has a part in the task already",
}


def take_back(task: Task, recipient: str, source: str, now: datetime) -> Change | None:
    """Return the effect of a recipient who takes a task back from the colleague to whom they delegated it.

    Args:
        task: The task.
        recipient: Whose link was used, normalised.
        source: Network that it came from.
        now: The current time.

    Returns:
        The change to write; None if the recipient has not delegated the task, or has taken it back already.

    Raises:
        DecidedOtherwiseError: The task is decided.
        TaskClosedError: The task expired or was cancelled.
        TakenUpError: The colleague has answered.
        HandedOnError: The directory delegated it, or an operator asked somebody else in the colleague's place.
        TooManyAnswersError: The recipient has taken it back too often.
    """
    made = task.handed_on_by(recipient)
    if made is None:
        return None
    check_open(task, now)
    if refusal := _obstacle(task, made):
        raise refusal
    event = AuditEvent("delegation_taken_back", recipient, BY_LINK, source, {"by": made.by, "to": made.to})
    return _change(task, taken_back(task, made, now), event, now)


def may_take_back(task: Task, made: Delegation, now: datetime) -> bool:
    """Tell whether the person who made a delegation may take it back."""
    return task.takes_answers(now) and _obstacle(task, made) is None


def taken_back(task: Task, made: Delegation, at: datetime) -> Task:
    """Return a task after a delegation was taken back."""
    others = tuple(other for other in task.delegations if other != made)
    # An alias that became known since would take the place of another person who was asked from the start.
    return replace(_replaced(task, Replacement(made.to, made.by, at), NO_ALIASES), delegations=others)


def reassign(
    task: Task, operator: str, by: str, to: str, because: str, now: datetime, *, domains: tuple[str, ...] = ()
) -> Change:
    """Return the effect of an operator who asks another person in an approver's place.

    Args:
        task: The task, with the aliases of all its people and of `to`.
        operator: The operator's IAM ARN.
        by: The approver who is no longer asked, normalised.
        to: The person who is asked instead, normalised. They need not have the approver's domain.
        because: The operator's reason, for the audit and for the approver.
        now: The current time.
        domains: The domains that approvers of the stage may have; empty for any.

    Raises:
        TaskClosedError: The task is no longer open, or its deadline has passed.
        ContractError: `by` is not asked or has voted, or `to` cannot be asked; the reason names what is allowed.
    """
    if not task.takes_answers(now):
        raise TaskClosedError
    _check_reason(because)
    _check_approver(task, by)
    if domains and to.rpartition("@")[2] not in domains:
        raise ContractError(f"{to} cannot be asked: approvers have an address of {', '.join(domains)}", "/to")
    try:
        check_newcomer(task, to)
    except DelegationRefusedError as refusal:
        raise ContractError(f"{to} cannot be asked: that person {_REFUSED[refusal.reason]}", "/to") from refusal
    data = {"by": by, "to": to, "because": because, "attempt": resend_attempt(task)}
    after = _replaced(task, Replacement(by, to, now, because), task.aliases)
    return _change(task, after, AuditEvent("reassigned", operator, "iam", data=data), now)


def reassigned(task: Task, data: Any, at: datetime) -> Task:
    """Return a task after an operator reassigned it; `data` is that of the audit entry."""
    return _replaced(task, Replacement(data["by"], data["to"], at, data["because"]), task.aliases)


def has_answered(task: Task, colleague: str) -> bool:
    """Tell whether a colleague to whom a task was delegated has voted in this round, or sent it back."""
    return task.vote_of(colleague) is not None or any(task.aliases.same(each.by, colleague) for each in task.exchanges)


def _obstacle(task: Task, made: Delegation) -> ActionRefusedError | None:
    """Return why a delegation of an open task cannot be taken back; None if it can."""
    if has_answered(task, made.to):
        return TakenUpError()
    if made.standing or made.to not in task.audience:
        return HandedOnError()
    earlier = sum(task.aliases.same(each.to, made.by) and not each.because for each in task.replaced)
    return TooManyAnswersError() if earlier >= MAX_TAKEN_BACK else None


def _check_reason(because: str) -> None:
    if not because.strip() or len(because) > MAX_COMMENT_CHARACTERS:
        raise ContractError(
            f"a reason must have 1 to {MAX_COMMENT_CHARACTERS} characters, got: {len(because.strip())}", "/because"
        )


def _check_approver(task: Task, person: str) -> None:
    if not task.asks(person):
        asked = ", ".join(filter(task.asks, task.audience)) or "nobody, since a machine is asked"
        raise ContractError(f"{person} is not asked; asked are: {asked}", "/from")
    if task.vote_of(person):
        raise ContractError(f"{person} has voted already, and the vote stands", "/from")


def _replaced(task: Task, made: Replacement, aliases: Aliases) -> Task:
    """Return a task with a person of its audience replaced; who follows an escalated person counts as escalated."""

    def put_in(asked: str) -> str:
        return made.to if aliases.same(asked, made.by) else asked

    return replace(
        task,
        audience=tuple(dict.fromkeys(map(put_in, task.audience))),
        escalated=tuple(dict.fromkeys(map(put_in, task.escalated))),
        replaced=(*task.replaced, made),
    )


def _change(task: Task, after: Task, event: AuditEvent, now: datetime) -> Change:
    names = ("audience", "escalated", "delegations", "replaced")
    fields: dict[str, Any] = {name: getattr(after, name) for name in names}
    return Change(task, STAYING, {**fields, "revision": task.revision + 1}, (event,), now)
