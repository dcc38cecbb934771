"""Rounds: an approver sends a task back to its requester, who answers the question, or revises the content.

A revision begins a new round. The votes of earlier rounds no longer count, and a page of an earlier round decides
nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from countersign.domain import money
from countersign.domain.answers import check_open
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import (
    CommentMissingError,
    CommentTooLongError,
    DetailsChangedError,
    NotReturnedError,
    RevisionRefusedError,
    SentBackTooOftenError,
    UnknownDecisionError,
)
from countersign.domain.questions import CONTENT, Question, Shown
from countersign.domain.tasks import (
    CANCELLING,
    MAX_COMMENT_CHARACTERS,
    STAYING,
    WITHDRAWN_BY_REQUESTER,
    Change,
    Exchange,
    Task,
    withdrawn,
)
from countersign.domain.votes import BY_LINK, check_asked, check_person, resend_attempt, silent

BY_STATUS_LINK = "status link"
"""The audit's word for a requester who was identified by the link to the status page."""

MAX_ROUNDS = 20
"""How many rounds a task can have. So it can be sent back 19 times."""

_IN_FULL = 3
_EXCERPT_CHARACTERS = 300


def send_back(
    task: Task, recipient: str, comment: str, shown: str, source: str, now: datetime, *, exchanges: str = ""
) -> Change | None:
    """Return the effect of a recipient's sending a task back to its requester. Nobody decides until the requester acts.

    Args:
        task: The task.
        recipient: Whose link was used, normalised.
        comment: Their question to the requester.
        shown: The digest of the details that their page showed.
        source: Network that the click came from.
        now: The current time.
        exchanges: How many exchanges their page showed, in digits; empty if it does not say.

    Returns:
        The change to write, or None if the person repeats their click.

    Raises:
        OwnRequestError, DecidesElsewhereError, DecidedOtherwiseError, TaskClosedError, HandedOnError,
        TaskReturnedError, DetailsChangedError: As for a vote; see `votes.answer`.
        UnknownDecisionError: The question does not allow it, or the requester gets no messages: they have no address,
            or are an approver.
        CommentMissingError: There is no question to the requester.
        CommentTooLongError: The comment has more than `MAX_COMMENT_CHARACTERS`.
        SentBackTooOftenError: It was sent back as often as `MAX_ROUNDS` allows.
    """
    check_person(task, recipient)
    if not (task.question.send_back and task.tells_requester):
        raise UnknownDecisionError
    _check_length(comment)
    if _sends_back_again(task, recipient, comment, now):
        return None
    check_asked(task, recipient, now)
    if not may_return(task):
        raise SentBackTooOftenError
    _check_page(task, shown, exchanges)
    _check_present(comment)
    after = with_return(task, recipient, comment, now)
    data = {"comment": comment, "round": task.round}
    fields = {"exchanges": after.exchanges, "revision": task.revision + 1}
    return Change(task, STAYING, fields, (AuditEvent("returned", recipient, BY_LINK, source, data),), now)


def answer(
    task: Task, requester: str, text: str, shown: str, source: str, now: datetime, *, exchanges: str = ""
) -> Change | None:
    """Return the effect of the requester's answer: votes stay, and the approvers can decide again.

    Args:
        task: The task.
        requester: The requester's address, of the link that was used.
        text: The answer.
        shown: The digest of the details that the page showed.
        source: Network that the answer came from.
        now: The current time.
        exchanges: How many exchanges the page showed, in digits; empty if it does not say.

    Returns:
        The change to write, or None if the requester repeats the answer.

    Raises:
        CommentMissingError: The answer is empty.
        CommentTooLongError: The answer has more than `MAX_COMMENT_CHARACTERS`.
        DecidedOtherwiseError: The task is decided.
        TaskClosedError: The task expired or was cancelled.
        NotReturnedError: The task does not wait for the requester.
        DetailsChangedError: The page showed another round, or an earlier question.
    """
    _check_length(text)
    if _repeats(task, text, now, revised=False) and shown == task.shown:
        return None
    _check_waits(task, shown, exchanges, now)
    _check_present(text)
    after = with_answer(task, text, now)
    data = {"comment": text, "round": task.round, "attempt": resend_attempt(task)}
    fields = {"exchanges": after.exchanges, "revision": task.revision + 1}
    return Change(task, STAYING, fields, (AuditEvent("answered_back", requester, BY_STATUS_LINK, source, data),), now)


def revise(
    task: Task,
    requester: str,
    content: Shown,
    text: str,
    shown: str,
    source: str,
    now: datetime,
    *,
    exchanges: str = "",
) -> Change | None:
    """Return the effect of the requester's revision: a new round, in which nobody has voted.

    Args:
        task: The task.
        requester: The requester's address, of the link that was used.
        content: The title, rows, attachments and amount from now on; its requester does not count. Rows that repeat
            the amount may have the earlier or the new one.
        text: The requester's words to the approvers; may be empty.
        shown: The digest of the details that the page showed.
        source: Network that the revision came from.
        now: The current time.
        exchanges: How many exchanges the page showed, in digits; empty if it does not say.

    Returns:
        The change to write, or None if the requester repeats the revision.

    Raises:
        RevisionRefusedError: A revision cannot make this change; has the reason.
        CommentTooLongError, DecidedOtherwiseError, TaskClosedError, NotReturnedError, DetailsChangedError: See
            `answer`.
    """
    _check_length(text)
    question = with_content(task.question, content)
    if _repeats(task, text, now, revised=True) and question == task.question:
        return None
    _check_waits(task, shown, exchanges, now)
    for reason in _obstacles(task.question, question):
        raise RevisionRefusedError(reason)
    after = with_revision(task, question, text, now)
    data = {"comment": text, "round": after.round, "attempt": resend_attempt(task), **content_of(question)}
    fields = {name: getattr(after, name) for name in ("question", "shown", "round", "votes", "exchanges", "revision")}
    return Change(task, STAYING, fields, (AuditEvent("revised", requester, BY_STATUS_LINK, source, data),), now)


def may_return(task: Task) -> bool:
    """Tell whether a task can be sent back once more."""
    return len(task.exchanges) < MAX_ROUNDS - 1


def withdraw(task: Task, requester: str, comment: str, shown: str, source: str, now: datetime) -> Change | None:
    """Return the withdrawal of an open task by its requester; the workflow ends as after an operator's.

    Args:
        task: The task.
        requester: The requester's address, of the link that was used.
        comment: The requester's reason, for the people who were asked; may be empty.
        shown: The digest of the details that the page showed.
        source: Network that the click came from.
        now: The current time.

    Returns:
        The change to write, or None if the requester has withdrawn the task before.

    Raises:
        CommentTooLongError: The reason has more than `MAX_COMMENT_CHARACTERS`.
        DecidedOtherwiseError: The task is decided.
        TaskClosedError: The task expired or was cancelled.
        DetailsChangedError: The page showed another round.
    """
    if task.closed_because == WITHDRAWN_BY_REQUESTER:
        return None
    _check_length(comment)
    check_open(task, now)
    if shown != task.shown:
        raise DetailsChangedError
    fields = withdrawn(WITHDRAWN_BY_REQUESTER, requester, comment, now)
    data = {"reason": WITHDRAWN_BY_REQUESTER, "comment": comment}
    return Change(task, CANCELLING, fields, (AuditEvent("cancelled", requester, BY_STATUS_LINK, source, data),), now)


def to_tell(task: Task) -> tuple[str, ...]:
    """Return the approvers who get a message after the requester has acted: those without a vote, and the asker."""
    asked = task.exchanges[-1].by
    return tuple(person for person in task.voters if person in silent(task) or task.aliases.same(person, asked))


def with_return(task: Task, by: str, comment: str, at: datetime) -> Task:
    """Return a task that an approver has sent back."""
    # Every write and every page reads them. The audit has the full texts.
    earlier = map(_excerpt, task.exchanges[:-_IN_FULL])
    return replace(task, exchanges=(*earlier, *task.exchanges[-_IN_FULL:], Exchange(by, comment, at)))


def with_answer(task: Task, text: str, at: datetime, *, revised: bool = False) -> Task:
    """Return a task whose requester has acted."""
    *earlier, last = task.exchanges
    return replace(task, exchanges=(*earlier, last._replace(answer=text, answered_at=at, revised=revised)))


def with_revision(task: Task, question: Question, text: str, at: datetime) -> Task:
    """Return a task in its next round, with this question."""
    after = with_answer(task, text, at, revised=True)
    return replace(
        after,
        question=question,
        shown=question.digest(task.submitted_by, task.round + 1),
        round=task.round + 1,
        votes={},
        revision=task.revision + 1,
    )


def content_of(question: Shown) -> dict[str, Any]:
    """Return the content that a revision may change, as the audit has it."""
    return {
        "title": question.title,
        "details": [list(row) for row in question.details],
        "attachments": [{"name": item.name, "url": item.url} for item in question.attachments],
        "amount": question.amount,
    }


def with_content(question: Question, content: Shown) -> Question:
    """Return a question with other content. Rows that repeat the amount follow it."""
    of_amount, repeats = _labels_of_amount(question), {row for row in question.details if row[1] == question.amount}
    rows = (
        (label, content.amount if label in of_amount or (label, value) in repeats else value)
        for label, value in content.details
    )
    changes = {name: getattr(content, name) for name in CONTENT}
    return replace(question, **changes | {"details": tuple(rows)})


def _obstacles(before: Question, after: Question) -> Iterator[str]:
    """Yield why a revision is refused, in the words of `RevisionRefusedError`."""
    if before.earlier:
        yield "later_level"
    if after == before:
        yield "unchanged"
    if _fixed_rows(before) != _fixed_rows(after):
        yield "fixed_row"
    if after.amount != before.amount:
        yield from _obstacles_of_amount(before, after)


def _obstacles_of_amount(before: Question, after: Question) -> Iterator[str]:
    was, now = money.parsed(before.amount), money.parsed(after.amount)
    if was is None or now is None or was[1] != now[1]:
        yield "currency"
    elif now[0] > was[0]:
        yield "raised"
    elif before.floor is not None and now[0] <= before.floor:
        yield "policy_row"


def _fixed_rows(question: Question) -> list[tuple[str, str]]:
    """Return the rows that no revision changes; a row that repeats the amount follows it."""
    return [row for row in question.details if row[0] in question.fixed and row[1] != question.amount]


def _labels_of_amount(question: Question) -> set[str]:
    """Return the labels of rows that repeat the amount, and say nothing else in another row."""
    others = {label for label, value in question.details if value != question.amount or not value}
    return {label for label, _ in question.details} - others


def _excerpt(exchange: Exchange) -> Exchange:
    return exchange._replace(comment=_cut(exchange.comment), answer=_cut(exchange.answer))


def _cut(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARACTERS else f"{text[: _EXCERPT_CHARACTERS - 1]}…"


def _check_length(text: str) -> None:
    if len(text) > MAX_COMMENT_CHARACTERS:
        raise CommentTooLongError


def _check_present(text: str) -> None:
    if not text.strip():
        raise CommentMissingError


def _check_waits(task: Task, shown: str, exchanges: str, now: datetime) -> None:
    """Refuse an act of the requester that the task does not wait for."""
    check_open(task, now)
    if task.returned is None and shown == task.shown:
        raise NotReturnedError
    _check_page(task, shown, exchanges)


def _check_page(task: Task, shown: str, exchanges: str) -> None:
    """Refuse an act on a page that lacks a revision, a question or an answer."""
    if shown != task.shown or exchanges not in ("", str(len(task.exchanges))):
        raise DetailsChangedError


def _sends_back_again(task: Task, recipient: str, comment: str, now: datetime) -> bool:
    last = task.returned if task.takes_answers(now) else None
    return last is not None and task.aliases.same(last.by, recipient) and last.comment == comment


def _repeats(task: Task, text: str, now: datetime, *, revised: bool) -> bool:
    """Tell whether the requester's last act on an open task was this one."""
    if not task.exchanges or not task.takes_answers(now):
        return False
    last = task.exchanges[-1]
    return last.answered_at is not None and (last.answer, last.revised) == (text, revised)
