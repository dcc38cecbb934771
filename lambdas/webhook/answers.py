"""What the holder of a link is shown: a status and a page for every state of a task and every refusal."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from countersign.domain.errors import (
    BodyTooLargeError,
    CommentTooLongError,
    CountersignError,
    CrossSiteError,
    DecidedOtherwiseError,
    DetailsChangedError,
    MalformedBodyError,
    OwnRequestError,
    ReviewRefusedError,
    TaskClosedError,
    TransientError,
    UnknownDecisionError,
    UnknownLinkError,
)
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Status, Task
from countersign.services.reviews import Click, Review
from webhook import pages
from webhook.pages import Problem

_PROBLEMS: dict[type[CountersignError], tuple[HTTPStatus, Problem]] = {
    UnknownLinkError: (HTTPStatus.NOT_FOUND, "unknown_link"),
    BodyTooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    MalformedBodyError: (HTTPStatus.BAD_REQUEST, "bad_request"),
    TransientError: (HTTPStatus.SERVICE_UNAVAILABLE, "try_again"),
}


@dataclass(frozen=True)
class Answer:
    """A page and its status."""

    status: HTTPStatus
    page: str


def of_look(review: Review, token: str, now: datetime) -> Answer:
    """Return what a link shows to somebody who only looks."""
    task = review.task
    if task.decided_at is not None:
        return Answer(HTTPStatus.OK, _decided(review))
    if task.status is Status.OPEN and not task.expired_by(now):
        return Answer(HTTPStatus.OK, pages.review_page(_form(review, token, now)))
    return Answer(HTTPStatus.GONE, _closed(task, now))


def of_click(review: Review, click: Click, now: datetime) -> Answer:
    """Return what a click gets to see: that it counted, or why not."""
    if review.refusal is None:
        return Answer(HTTPStatus.OK, _recorded(review, now))
    status, page = _REFUSALS[type(review.refusal)]
    return Answer(status, page(review, click, now))


def of_error(error: CountersignError) -> Answer:
    """Return the page of an error that has no task to show.

    Raises:
        LookupError: The error is none that a person can run into.
    """
    kind = next((kind for kind in type(error).__mro__ if kind in _PROBLEMS), None)
    if kind is None:
        raise LookupError(f"{type(error).__name__} has no page") from error
    status, problem = _PROBLEMS[kind]
    return Answer(status, pages.problem_page(problem))


def unexpected() -> Answer:
    """Return the page of what nobody expected; says nothing of it."""
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, pages.problem_page("try_again"))


def _form(review: Review, token: str, now: datetime) -> pages.ReviewView:
    task = review.task
    return pages.ReviewView(
        title=task.title,
        rows=task.details,
        requester=task.requester,
        recipient=review.recipient,
        expires_at=task.expires_at,
        now=now,
        token=token,
        shown=task.shown,
        others=tuple(person for person in task.voters if person != review.recipient),
        approvals=sum(vote.decision is Decision.APPROVE for vote in task.votes.values()),
        needed=task.rule.needed(len(task.voters)),
        said=_said(task, review.recipient),
    )


def _said(task: Task, recipient: str) -> pages.Answered | None:
    if recipient not in task.votes:
        return None
    return "approve" if task.votes[recipient].decision is Decision.APPROVE else "reject"


def _again(review: Review, click: Click, now: datetime, problem: str) -> str:
    """Return the form once more, with what is wrong above it and the person's words kept; or what closed it."""
    if review.task.status is not Status.OPEN or review.task.expired_by(now):
        return of_look(review, click.token, now).page
    view = _form(review, click.token, now)
    return pages.review_page(dataclasses.replace(view, comment=click.comment, problem=problem))


def _recorded(review: Review, now: datetime) -> str:
    if review.task.decided_at is None:
        is_open = review.task.status is Status.OPEN and not review.task.expired_by(now)
        return pages.recorded_page(review.task.title) if is_open else _closed(review.task, now)
    return _decided(review, just_now=review.recipient in review.task.decided_by)


def _decided(review: Review, *, just_now: bool = False, conflict: bool = False) -> str:
    task = review.task
    if task.decided_at is None:
        raise ValueError(f"task {task.task_id} is not decided")
    votes = [task.votes[person] for person in task.decided_by]
    return pages.decided_page(
        pages.DecidedView(
            title=task.title,
            rows=task.details,
            outcome="approved" if task.outcome is Outcome.APPROVED else "rejected",
            decided_by=task.decided_by,
            decided_at=task.decided_at,
            comment=max(votes, key=lambda vote: vote.at).comment if votes else "",
            recipient=review.recipient,
            just_now=just_now,
            conflict=conflict,
        )
    )


def _closed(task: Task, now: datetime) -> str:
    withdrawn = task.status is Status.CANCELLED
    closed_at = task.closed_at if withdrawn else task.expires_at
    return pages.closed_page(
        pages.ClosedView(reason="withdrawn" if withdrawn else "expired", title=task.title, closed_at=closed_at or now)
    )


PageOfRefusal = Callable[[Review, Click, datetime], str]

_REFUSALS: dict[type[ReviewRefusedError], tuple[HTTPStatus, PageOfRefusal]] = {
    CrossSiteError: (HTTPStatus.FORBIDDEN, lambda *_: pages.problem_page("cross_site")),
    OwnRequestError: (HTTPStatus.FORBIDDEN, lambda *_: pages.problem_page("own_request")),
    UnknownDecisionError: (
        HTTPStatus.BAD_REQUEST,
        lambda review, click, now: _again(review, click, now, "unknown_decision"),
    ),
    CommentTooLongError: (
        HTTPStatus.BAD_REQUEST,
        lambda review, click, now: _again(review, click, now, "comment_too_long"),
    ),
    DecidedOtherwiseError: (HTTPStatus.CONFLICT, lambda review, *_: _decided(review, conflict=True)),
    TaskClosedError: (HTTPStatus.GONE, lambda review, _, now: _closed(review.task, now)),
    DetailsChangedError: (
        HTTPStatus.CONFLICT,
        lambda review, click, now: _again(review, click, now, "details_changed"),
    ),
}
"""What each refusal is to a person."""
