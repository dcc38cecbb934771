"""Reviewing: what a review link shows, and what a click on it does."""

from dataclasses import dataclass
from datetime import datetime

from countersign.domain import tasks, tokens
from countersign.domain.clock import Clock
from countersign.domain.errors import (
    CommentTooLongError,
    CountersignError,
    CrossSiteError,
    DecidedOtherwiseError,
    DetailsChangedError,
    OwnRequestError,
    ReviewRefusedError,
    TaskClosedError,
    UnknownDecisionError,
    UnknownLinkError,
)
from countersign.domain.identity import same_person
from countersign.domain.rules import Decision
from countersign.domain.tasks import Task
from countersign.ports import Link, ReviewLedger
from countersign.services.contention import settle

MAX_COMMENT_CHARACTERS = 2000
_DECISIONS = frozenset(decision.value for decision in Decision)
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})

REASONS: dict[type[CountersignError], str] = {
    CrossSiteError: "cross_site",
    OwnRequestError: "own_request",
    UnknownDecisionError: "unknown_decision",
    CommentTooLongError: "comment_too_long",
    DecidedOtherwiseError: "decided_otherwise",
    TaskClosedError: "closed",
    DetailsChangedError: "details_changed",
}
"""How the audit names each refusal."""


@dataclass(frozen=True)
class Click:
    """One post of the review page's form, as it was received.

    Attributes:
        token: The form's token.
        decision: The form's word for the decision; any text.
        comment: The form's comment; any text.
        shown: The digest of the details that the page showed.
        fetch_site: The browser's `Sec-Fetch-Site`; empty when it sent none.
        source: Network that it came from.
    """

    token: str
    decision: str
    comment: str
    shown: str
    fetch_site: str
    source: str


@dataclass(frozen=True)
class Review:
    """A task as the holder of one link sees it.

    Attributes:
        task: The task as it stands.
        recipient: Whose link it is.
        repeated: Whether a click said only what the same person had said before.
        refusal: Why a click decided nothing; None when it counted, or when nobody clicked.
    """

    task: Task
    recipient: str
    repeated: bool = False
    refusal: ReviewRefusedError | None = None


class Reviews:
    """Shows tasks to the holders of links, and records what they decide."""

    def __init__(self, ledger: ReviewLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def look(self, token: str) -> Review:
        """Return what a link shows. Changes nothing.

        Raises:
            UnknownLinkError: No link has this token.
            LedgerUnavailableError: The ledger did not answer.
        """
        link = self._link(token)
        return Review(self._task(link), link.recipient)

    def decide(self, click: Click) -> Review:
        """Record what a click says.

        Returns:
            The task as it stands after the click, with the refusal when the click decided nothing.

        Raises:
            UnknownLinkError: No link has this token.
            LedgerUnavailableError: The ledger did not answer; nothing was recorded.
        """
        link = self._link(click.token)
        return settle(lambda: self._decide(link, click))

    def _decide(self, link: Link, click: Click) -> Review:
        task, now = self._task(link), self._clock.now()
        try:
            change = _answer(task, link, click, now)
        except ReviewRefusedError as refusal:
            record = tasks.refuse(task, link.recipient, REASONS[type(refusal)], click.source, now)
            return Review(self._ledger.commit(record), link.recipient, refusal=refusal)
        if change is None:
            return Review(task, link.recipient, repeated=True)
        return Review(self._ledger.commit(change), link.recipient)

    def _link(self, token: str) -> Link:
        fingerprint = tokens.fingerprint(token)
        link = self._ledger.link(fingerprint) if fingerprint else None
        if link is None:
            raise UnknownLinkError
        return link

    def _task(self, link: Link) -> Task:
        task = self._ledger.task(link.task_id)
        if task is None:
            raise UnknownLinkError
        return task


def _answer(task: Task, link: Link, click: Click, now: datetime) -> tasks.Change | None:
    """Check what belongs to the form in the contract's order, then ask the task."""
    if click.fetch_site in _FOREIGN_SITES:
        raise CrossSiteError
    if same_person(link.recipient, task.requester):
        raise OwnRequestError
    if click.decision not in _DECISIONS:
        raise UnknownDecisionError
    if len(click.comment) > MAX_COMMENT_CHARACTERS:
        raise CommentTooLongError
    return tasks.answer(task, link.recipient, Decision(click.decision), click.comment, click.shown, click.source, now)
