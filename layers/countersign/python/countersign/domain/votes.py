"""What people do with a task: answer it, hand it to a colleague, and be reminded of it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from countersign.domain import rules, tasks
from countersign.domain.answers import check_open
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import (
    ActionRefusedError,
    CommentMissingError,
    CommentTooLongError,
    ContractError,
    DecidesElsewhereError,
    DelegationRefusedError,
    DetailsChangedError,
    HandedOnError,
    NoLongerAskedError,
    OwnRequestError,
    TaskClosedError,
    TaskReturnedError,
    TooManyAnswersError,
    UnconfirmedError,
    UnknownDecisionError,
)
from countersign.domain.identity import is_address, same_domain
from countersign.domain.people import Assignment
from countersign.domain.rules import Decision, Verdict
from countersign.domain.tasks import (
    DECIDING,
    MAX_ANSWERS,
    MAX_COMMENT_CHARACTERS,
    STAYING,
    Change,
    Delegation,
    Task,
    Vote,
)

BY_LINK = "review link"
"""The audit's word for a person who was identified by a review link."""

FIRST_RESEND = 1000
"""Hand-offs that operators resend are numbered from here; a workflow's own numbers stay far below."""


def answer(
    task: Task,
    recipient: str,
    decision: str,
    comment: str,
    shown: str,
    source: str,
    now: datetime,
    *,
    confirmed: bool = False,
) -> Change | None:
    """Return the effect of a recipient's vote.

    Args:
        task: The task.
        recipient: Whose link was used, normalised.
        decision: What they say.
        comment: Their own words.
        shown: The digest of the details that their page showed.
        source: Network that the answer came from.
        now: The current time.
        confirmed: Whether their page has asked them to confirm.

    Returns:
        The change to write, or None if the person repeats their vote. While the task is open, a vote with another
        comment replaces the one before.

    Raises:
        OwnRequestError: The recipient is the requester.
        DecidesElsewhereError: The recipient decides another task of the same chain.
        UnknownDecisionError: `decision` is no `Decision`.
        CommentTooLongError: The comment has more than `MAX_COMMENT_CHARACTERS`.
        DecidedOtherwiseError: The task is decided, and this person did not decide it so.
        TaskClosedError: The task expired or was cancelled.
        HandedOnError: Somebody else decides in their place.
        NoLongerAskedError: They were replaced.
        TaskReturnedError: It waits for its requester.
        TooManyAnswersError: They have replaced their answer too often; the last one stands.
        DetailsChangedError: The page showed other details.
        CommentMissingError: The question needs a comment with this decision.
        UnconfirmedError: The vote would count, but the question asks for a confirmation first.
    """
    check_person(task, recipient)
    _check_form(decision, comment)
    earlier = task.vote_of(recipient)
    said = None if earlier is None else (earlier.decision, earlier.comment if task.takes_answers(now) else comment)
    if said == (decision, comment):
        return None
    check_asked(task, recipient, now)
    if _is_spent(earlier):
        raise TooManyAnswersError
    if shown != task.shown:
        raise DetailsChangedError
    if task.question.needs_comment(decision) and not comment.strip():
        raise CommentMissingError
    if task.question.confirm and not confirmed:
        raise UnconfirmedError
    return _vote(task, recipient, Vote(Decision(decision), comment, now), source)


def delegate(task: Task, recipient: str, colleague: str, source: str, now: datetime) -> Change:
    """Return the delegation of a task by a recipient to a colleague, who takes their place.

    Args:
        task: The task.
        recipient: Whose link was used, normalised.
        colleague: To whom, normalised.
        source: Network that it came from.
        now: The current time.

    Raises:
        OwnRequestError: The recipient is the requester.
        DecidesElsewhereError: The recipient decides another task of the same chain.
        DecidedOtherwiseError: The task is decided.
        TaskClosedError: The task expired or was cancelled.
        HandedOnError: The recipient has handed it on before.
        NoLongerAskedError: The recipient was replaced.
        TaskReturnedError: It waits for its requester, whose answer the recipient may want to know first.
        DelegationRefusedError: It cannot go from this recipient to this colleague; has the reason.
    """
    check_person(task, recipient)
    if not is_address(colleague):
        raise DelegationRefusedError("no_address")
    check_asked(task, recipient, now)
    _check_delegation(task, recipient, colleague)
    made = Delegation(recipient, colleague, now)
    after = with_delegation(task, made)
    fields: dict[str, Any] = {
        "audience": after.audience,
        "escalated": after.escalated,
        "delegations": after.delegations,
        "revision": task.revision + 1,
    }
    return Change(task, STAYING, fields, (_delegated(made, recipient, BY_LINK, source),), now)


def with_delegation(task: Task, made: Delegation) -> Task:
    """Return a task with a delegation added; a stand-in for an absence is part of the audience already."""
    delegations = (*task.delegations, made)
    if made.standing:
        return replace(task, delegations=delegations)
    audience = (made.to if task.aliases.same(asked, made.by) else asked for asked in task.audience)
    escalated = (*task.escalated, *((made.to,) if task.is_escalated(made.by) else ()))
    return replace(task, audience=tuple(dict.fromkeys(audience)), escalated=escalated, delegations=delegations)


def with_vote(task: Task, recipient: str, vote: Vote) -> Task:
    """Return a task with one more vote, without deciding it."""
    others = {voter: cast for voter, cast in task.votes.items() if not task.aliases.same(voter, recipient)}
    earlier = task.vote_of(recipient)
    cast = vote._replace(number=earlier.number + 1) if earlier else vote
    return replace(task, votes={**others, recipient: cast}, revision=task.revision + 1)


def may_delegate(task: Task, recipient: str) -> bool:
    """Tell whether a recipient may hand an open task to a colleague: once, before they answer."""
    return task.vote_of(recipient) is None and task.counts(recipient) and not _was_handed(task, recipient)


def obstacle(task: Task, recipient: str) -> ActionRefusedError | None:
    """Return why no vote of a recipient to an open task can count; None if votes can."""
    if task.is_requester(recipient):
        return OwnRequestError()
    if task.decides_elsewhere(recipient):
        return DecidesElsewhereError()
    return TooManyAnswersError() if _is_spent(task.vote_of(recipient)) else None


def check_person(task: Task, recipient: str) -> None:
    """Refuse a recipient whose votes on an open task can never count."""
    refusal = obstacle(task, recipient)
    if isinstance(refusal, OwnRequestError | DecidesElsewhereError):
        raise refusal


def _check_form(decision: str, comment: str) -> None:
    if decision not in set(Decision):
        raise UnknownDecisionError
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise CommentTooLongError


def hand_off_again(
    task: Task, callback_id: str, hand_off: int, newcomers: Assignment, now: datetime, *, remind: bool
) -> Change:
    """Return the effect of a reminder, an escalation, or both at once, on an open task.

    Args:
        task: The task.
        callback_id: The fresh callback.
        hand_off: Number of this hand-off.
        newcomers: The people whom an escalation adds; empty for a reminder.
        now: The current time.
        remind: Whether those who were asked before are reminded.
    """
    known = replace(task, aliases=task.aliases | newcomers.aliases)
    eligible = tuple(person for person in newcomers.audience if _may_join(known, person))
    escalated = AuditEvent("escalated", task.workflow, data={"to": list(eligible), "hand_off": hand_off})
    reminded = AuditEvent("reminded", task.workflow, data={"to": [], "hand_off": hand_off})
    events = (*((escalated,) if newcomers.audience else ()), *((reminded,) if remind else ()))
    fields = {
        "callback_id": callback_id,
        "hand_off": hand_off,
        "audience": (*task.audience, *eligible),
        "escalated": (*task.escalated, *eligible),
        "aliases": known.aliases,
        "delegations": (*task.delegations, *newcomers.delegations),
    }
    if newcomers.people:
        fields["newcomers"] = {**task.newcomers, **newcomers.people}
    return Change(task, STAYING, fields, (*events, *standing_in(newcomers)), now)


def hand_off_failed(task: Task, callback_id: str, hand_off: int, operation: str, now: datetime) -> Change:
    """Return the record that a reminder or an escalation of an open task was not sent."""
    data = {"hand_off": hand_off, "operation": operation}
    event = AuditEvent("hand_off_failed", task.workflow, data=data)
    return Change(task, STAYING, {"callback_id": callback_id}, (event,), now)


def send_once_more(task: Task, now: datetime) -> Change:
    """Return the record that the sweeper sends an open task's first hand-off again: nobody was sent a link."""
    data = {"to": list(task.audience), "attempt": task.hand_off}
    return Change(task, STAYING, {"swept_at": now}, (AuditEvent("resent", "sweeper", data=data),), now)


def resend(task: Task, operator: str, now: datetime) -> Change:
    """Return an operator's reminder to everybody who has not voted: each gets a new link; old links stay valid.

    The callback and the number of the hand-off do not change, because the workflow finds its next reminder by them.

    Raises:
        TaskClosedError: The task is no longer open, or its deadline has passed.
        ContractError: The task asks a machine, waits for its requester, or every recipient has voted.
    """
    if not task.takes_answers(now):
        raise TaskClosedError
    if task.question.payload:
        raise ContractError("a machine is asked, and its token cannot be made again", "/kind")
    if task.returned:
        raise ContractError("the task waits for its requester, and its approvers get new links after that", "/status")
    if not silent(task):
        raise ContractError("everybody who may vote has voted", "/audience")
    data = {"to": list(silent(task)), "attempt": resend_attempt(task)}
    return Change(task, STAYING, {}, (AuditEvent("resent", operator, "iam", data=data),), now)


def needed(task: Task, recipient: str) -> int:
    """Return how many approvals decide a task, including the recipient's."""
    if task.question.rule.kind == "all" and task.is_escalated(recipient):
        return 1
    return task.question.rule.needed(sum(not task.is_escalated(person) for person in task.voters))


def approvals(task: Task) -> int:
    """Return how many of those who may vote have approved."""
    return sum(task.votes[person].decision is Decision.APPROVE for person in task.voters if person in task.votes)


def silent(task: Task) -> tuple[str, ...]:
    """Return those who may vote and have not."""
    return tuple(person for person in task.voters if person not in task.votes)


def resend_attempt(task: Task) -> int:
    """Return the hand-off number of an operator's reminder, which no hand-off of the workflow has."""
    return FIRST_RESEND + task.audit_seq


def refuse(task: Task, recipient: str, reason: str, source: str, now: datetime) -> Change:
    """Return the record of a refused vote or delegation, as `tasks.refuse` does.

    The reason is a word such as `own_request`.
    """
    return tasks.refuse(task, AuditEvent("refused", recipient, BY_LINK, source, {"reason": reason}), now)


def standing_in(assignment: Assignment) -> tuple[AuditEvent, ...]:
    """Return the audit entries of stand-ins for people who are away."""
    return tuple(_delegated(made, "directory") for made in assignment.delegations)


def is_sound(task: Task) -> bool:
    """Tell whether the votes that count make the decision of a task.

    The deciding write followed the same rules. A decision that bypassed it, by a fault or by hand, shows here; so does
    an alias that was added since. Two addresses of one person count as that person.
    """
    verdict = _verdict(task)
    if verdict is None or verdict.outcome is not task.outcome:
        return False
    return {*map(task.aliases.person, verdict.decided_by)} == {*map(task.aliases.person, task.decided_by)}


UNSOUND = "found_unsound"
"""The audit entry of a decision that `is_sound` refuses."""


def found_unsound(task: Task, now: datetime) -> Change:
    """Return the record that a workflow did not apply a decision, because the votes do not make it."""
    return Change(task, None, {}, (AuditEvent(UNSOUND, task.workflow),), now)


def _is_spent(vote: Vote | None) -> bool:
    return vote is not None and vote.number >= MAX_ANSWERS


def check_asked(task: Task, recipient: str, now: datetime) -> None:
    """Refuse a recipient of whom a task takes no answer now.

    Raises:
        NoLongerAskedError: They were replaced.
        DecidedOtherwiseError: It is decided.
        TaskClosedError: It expired or was cancelled.
        HandedOnError: Somebody else decides in their place.
        TaskReturnedError: It waits for its requester.
    """
    if task.lost_link(recipient):  # first, since the pages of the others show what was decided
        raise NoLongerAskedError
    check_open(task, now)
    if not task.asks(recipient):
        raise HandedOnError
    if task.returned:
        raise TaskReturnedError


def _check_delegation(task: Task, recipient: str, colleague: str) -> None:
    """Refuse a delegation that is not allowed; the task has the aliases of both people."""
    if _was_handed(task, recipient):
        raise DelegationRefusedError("only_once")
    if task.vote_of(recipient) is not None:
        raise DelegationRefusedError("answered")
    check_newcomer(task, colleague)
    if task.replacement_of(colleague):  # their messages say that they are no longer asked
        raise DelegationRefusedError("asked_already")
    if not same_domain(colleague, recipient):
        raise DelegationRefusedError("outsider")


def check_newcomer(task: Task, person: str) -> None:
    """Refuse a person who cannot take an approver's place; the task has their aliases.

    Raises:
        DelegationRefusedError: They made the request, or have a part in the task already.
    """
    if task.is_requester(person):
        raise DelegationRefusedError("requester")
    involved = (*task.audience, *task.question.elsewhere)
    if task.handed_on_by(person) or any(task.aliases.same(other, person) for other in involved):
        raise DelegationRefusedError("asked_already")


def _may_join(task: Task, person: str) -> bool:
    """Tell whether an escalation can add a person.

    It cannot add a person who is asked already, has delegated the task, made the request, or decides another level.
    """
    return task.counts(person) and not any(task.aliases.same(other, person) for other in task.audience)


def _was_handed(task: Task, recipient: str) -> bool:
    """Tell whether a colleague delegated the task to a person; a stand-in for an absence may still delegate it."""
    return any(task.aliases.same(made.to, recipient) and not made.standing for made in task.delegations)


def _vote(task: Task, recipient: str, vote: Vote, source: str) -> Change:
    after = with_vote(task, recipient, vote)
    cast = {"decision": vote.decision, "comment": vote.comment} | ({"round": task.round} if task.round > 1 else {})
    voted = AuditEvent("voted", recipient, BY_LINK, source, cast)
    verdict = _verdict(after)
    fields: dict[str, Any] = {"votes": after.votes, "revision": after.revision}
    if verdict is None:
        return Change(task, STAYING, fields, (voted,), vote.at)
    decided = AuditEvent(
        "decided", recipient, BY_LINK, source, {"outcome": verdict.outcome, "decided_by": list(verdict.decided_by)}
    )
    fields |= {"outcome": verdict.outcome, "decided_by": verdict.decided_by, "decided_at": vote.at}
    return Change(task, DECIDING, fields, (voted, decided), vote.at)


def _verdict(task: Task) -> Verdict | None:
    decisions = {person: cast.decision for person, cast in task.votes.items()}
    return rules.decide(task.question.rule, task.voters, decisions, tuple(filter(task.is_escalated, task.voters)))


def _delegated(made: Delegation, actor: str, identified_by: str = "kit", source: str = "") -> AuditEvent:
    data = {"by": made.by, "to": made.to, "standing": made.standing}
    return AuditEvent("delegated", actor, identified_by, source, data)
