"""The status and the page for every state of a task and every refusal."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from countersign.domain.errors import (
    ActionRefusedError,
    BodyTooLargeError,
    CommentMissingError,
    CommentTooLongError,
    ConfigurationError,
    CountersignError,
    CrossSiteError,
    DecidedOtherwiseError,
    DecidesElsewhereError,
    DelegationRefusedError,
    DetailsChangedError,
    HandedOnError,
    InboxExpiredError,
    MalformedBodyError,
    NoLongerAskedError,
    OwnRequestError,
    SentBackTooOftenError,
    StatusExpiredError,
    TakenUpError,
    TaskClosedError,
    TaskReturnedError,
    TooManyAnswersError,
    TooManyListsError,
    TooManyRequestsError,
    TransientError,
    UnknownDecisionError,
    UnknownLinkError,
)
from countersign.domain.identity import caller_name
from countersign.domain.rules import Decision
from countersign.domain.tasks import Task
from countersign.domain.votes import approvals, may_delegate, needed, obstacle
from countersign.functions import http
from countersign.presentation.markup import NOTHING, Html
from countersign.services.reviews import REASONS, RETURN, Click, Review
from review import notices
from review.notices import Problem
from review.parts import Key
from review.review_page import ReviewView, review_page

_PROBLEMS: dict[type[CountersignError], tuple[HTTPStatus, Problem]] = {
    UnknownLinkError: (HTTPStatus.NOT_FOUND, "unknown_link"),
    InboxExpiredError: (HTTPStatus.GONE, "inbox_expired"),
    StatusExpiredError: (HTTPStatus.GONE, "status_expired"),
    TooManyListsError: (HTTPStatus.TOO_MANY_REQUESTS, "too_many_lists"),
    CrossSiteError: (HTTPStatus.FORBIDDEN, "cross_site"),
    BodyTooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    MalformedBodyError: (HTTPStatus.BAD_REQUEST, "bad_request"),
    ConfigurationError: (HTTPStatus.SERVICE_UNAVAILABLE, "try_again"),
    TransientError: (HTTPStatus.SERVICE_UNAVAILABLE, "try_again"),
}


@dataclass(frozen=True)
class PageResponse:
    """A page and its status.

    Attributes:
        status: The status.
        page: The page.
        retry_after_seconds: Seconds until a retry may succeed; 0 if it cannot.
    """

    status: HTTPStatus
    page: str
    retry_after_seconds: int = 0


def of_look(review: Review, key: Key, now: datetime) -> PageResponse:
    """Return the answer to opening a link."""
    task = review.task
    if task.lost_link(review.recipient):
        return PageResponse(HTTPStatus.GONE, _other_hands(review, key, now))
    if task.decided_at is not None:
        return PageResponse(HTTPStatus.OK, _result(review, now))
    if not task.takes_answers(now):
        return PageResponse(HTTPStatus.GONE, _result(review, now))
    if not task.asks(review.recipient):
        return PageResponse(HTTPStatus.GONE, _other_hands(review, key, now))
    return PageResponse(HTTPStatus.OK, review_page(_form(review, key, now)))


def of_click(review: Review, click: Click, now: datetime) -> PageResponse:
    """Return the answer to a vote: it counted, or why it did not."""
    if review.unconfirmed:
        return PageResponse(HTTPStatus.OK, _confirmation(review, click))
    if review.refusal is None:
        return PageResponse(HTTPStatus.OK, _result(review, now, just_now=not review.repeated, key=_key_of(click)))
    status, page = _REFUSALS[type(review.refusal)]
    return PageResponse(status, page(review, click, now))


def of_hand_over(review: Review, click: Click, now: datetime) -> PageResponse:
    """Return the answer to a delegation: it is done, it needs a confirmation, or why it is refused."""
    if review.unconfirmed:
        # Imported here, as below: few reviews are delegated.
        from review.handed_on import address_page

        return PageResponse(HTTPStatus.OK, address_page(review, click))
    if review.refusal is None:
        return PageResponse(HTTPStatus.OK, _not_asked(review, click, now))
    if isinstance(review.refusal, DelegationRefusedError):
        status = HTTPStatus.BAD_REQUEST if review.refusal.reason == "no_address" else HTTPStatus.CONFLICT
        problem = f"delegation_{review.refusal.reason}"
        return PageResponse(status, _again(review, click, now, problem=problem, colleague=click.colleague))
    if isinstance(review.refusal, DecidedOtherwiseError):  # no vote was lost: the decision may be their own
        return PageResponse(HTTPStatus.CONFLICT, _result(review, now))
    # Every other refusal is also one of a vote.
    return of_click(review, click, now)


def of_take_back(review: Review, click: Click, now: datetime) -> PageResponse:
    """Return the answer to taking a task back: it is done, or why it is refused."""
    key = Key(click.token, click.task_id)
    if isinstance(review.refusal, DecidedOtherwiseError):  # no vote was lost
        return PageResponse(HTTPStatus.CONFLICT, _result(review, now))
    if review.refusal:
        return of_click(review, click, now)
    if review.repeated:
        return of_look(review, key, now)
    from review.handed_on import taken_back_page

    return PageResponse(HTTPStatus.OK, taken_back_page(review, key))


def of_error(error: CountersignError) -> PageResponse:
    """Return the answer to an error without a task.

    Raises:
        LookupError: The error has no page.
    """
    if isinstance(error, TooManyRequestsError):
        seconds = error.retry_after_seconds
        return PageResponse(HTTPStatus.TOO_MANY_REQUESTS, notices.too_many_page(seconds), seconds)
    kind = next((kind for kind in type(error).__mro__ if kind in _PROBLEMS), None)
    if kind is None:
        raise LookupError(f"{type(error).__name__} has no page") from error
    status, problem = _PROBLEMS[kind]
    return PageResponse(status, notices.problem_page(problem), http.retry_after_of(error))


def unexpected() -> PageResponse:
    """Return the answer to an unexpected error, without its text."""
    return PageResponse(HTTPStatus.INTERNAL_SERVER_ERROR, notices.problem_page("try_again"), http.RETRY_AFTER_SECONDS)


def _form(review: Review, key: Key, now: datetime) -> ReviewView:
    task = review.task
    barred, vote = obstacle(task, review.recipient), task.vote_of(review.recipient)
    return ReviewView(
        question=task.question,
        recipient=review.recipient,
        expires_at=task.expires_at,
        now=now,
        key=key,
        shown=task.shown,
        others=tuple(person for person in task.voters if not task.aliases.same(person, review.recipient)),
        approvals=approvals(task),
        needed=needed(task, review.recipient),
        vote=vote,
        comment=vote.comment if vote else "",
        history=_history(task),
        instead_of=task.stands_in_for(review.recipient),
        can_hand_over=may_delegate(task, review.recipient) and not task.returned,
        send_back=_may_send_back(task),
        exchanges=len(task.exchanges),
        barred=REASONS[type(barred)] if barred else "returned" if task.returned else None,
        submitted_by=caller_name(task.submitted_by),
    )


def _may_send_back(task: Task) -> bool:
    """Tell whether a task can be sent back, to a requester who gets messages."""
    if not task.question.send_back or not task.tells_requester:
        return False
    if not task.exchanges:
        return True
    # Imported here: few tasks have been sent back.
    from countersign.domain.rounds import may_return

    return may_return(task)


def _history(task: Task) -> Html:
    if not (task.votes or task.delegations or task.exchanges or task.question.earlier):
        return NOTHING
    # Imported here: most pages are of a task that was just opened.
    from review.history import history

    return history(task)


def _again(review: Review, click: Click, now: datetime, **changes: Any) -> str:
    """Return the form again with the problem and the person's input, or the page of a task that is closed."""
    key = Key(click.token, click.task_id)
    if not review.task.takes_answers(now) or not review.task.asks(review.recipient):
        return of_look(review, key, now).page
    return review_page(dataclasses.replace(_form(review, key, now), **changes))


def _too_late(review: Review, click: Click, now: datetime) -> str:
    return _result(review, now, lost=click if click.decision in {*Decision, RETURN} else None)


def _confirmation(review: Review, click: Click) -> str:
    # Imported here: few policies ask for a confirmation.
    from review.confirmation import confirmation_page

    return confirmation_page(review, click)


def _answer_again(problem: str) -> "PageOfRefusal":
    return lambda review, click, now: _again(review, click, now, problem=problem, comment=click.comment)


def _result(
    review: Review, now: datetime, *, just_now: bool = False, lost: Click | None = None, key: Key | None = None
) -> str:
    # Imported here: most cold starts are for the page of an open task.
    from review.results import result_page

    more = _following(review, key) if key and review.waiting else NOTHING
    return result_page(review.task, review.recipient, now, just_now=just_now, lost=lost, more=more)


def _following(review: Review, key: Key) -> Html:
    # Imported here: after most votes nothing else waits.
    from review.following import following

    return following(review, key)


def _key_of(click: Click) -> Key:
    return Key(click.token, click.task_id)


def _other_hands(review: Review, key: Key, now: datetime) -> str:
    from review.handed_on import other_hands_page

    return other_hands_page(review, key, now)


def _not_asked(review: Review, click: Click, now: datetime) -> str:
    return _other_hands(review, Key(click.token, click.task_id), now)


PageOfRefusal = Callable[[Review, Click, datetime], str]

_REFUSALS: dict[type[ActionRefusedError], tuple[HTTPStatus, PageOfRefusal]] = {
    CrossSiteError: (HTTPStatus.FORBIDDEN, lambda *_: notices.problem_page("cross_site")),
    OwnRequestError: (HTTPStatus.FORBIDDEN, lambda *_: notices.problem_page("own_request")),
    DecidesElsewhereError: (HTTPStatus.FORBIDDEN, lambda *_: notices.problem_page("decides_elsewhere")),
    UnknownDecisionError: (HTTPStatus.BAD_REQUEST, _answer_again("unknown_decision")),
    CommentTooLongError: (HTTPStatus.BAD_REQUEST, _answer_again("comment_too_long")),
    CommentMissingError: (HTTPStatus.BAD_REQUEST, _answer_again("comment_missing")),
    DecidedOtherwiseError: (HTTPStatus.CONFLICT, _too_late),
    TooManyAnswersError: (HTTPStatus.CONFLICT, _again),
    TaskClosedError: (HTTPStatus.GONE, _too_late),
    HandedOnError: (HTTPStatus.GONE, _not_asked),
    NoLongerAskedError: (HTTPStatus.GONE, _not_asked),
    TakenUpError: (HTTPStatus.CONFLICT, _not_asked),
    DetailsChangedError: (HTTPStatus.CONFLICT, _answer_again("details_changed")),
    TaskReturnedError: (HTTPStatus.CONFLICT, _answer_again("returned")),
    SentBackTooOftenError: (HTTPStatus.CONFLICT, _answer_again("sent_back_too_often")),
}
"""The status and the page of each refusal."""
