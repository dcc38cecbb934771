"""Reviews: show the task of a review link, record a vote, and delegate the task to a colleague."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from countersign.domain import votes
from countersign.domain.clock import Clock
from countersign.domain.errors import (
    ActionRefusedError,
    CommentMissingError,
    CommentTooLongError,
    CountersignError,
    CrossSiteError,
    DecidedOtherwiseError,
    DecidesElsewhereError,
    DelegationRefusedError,
    DetailsChangedError,
    HandedOnError,
    LedgerUnavailableError,
    NoLongerAskedError,
    OwnRequestError,
    SentBackTooOftenError,
    TakenUpError,
    TaskClosedError,
    TaskReturnedError,
    TooManyAnswersError,
    UnconfirmedError,
    UnknownDecisionError,
)
from countersign.domain.identity import is_address, normalise
from countersign.domain.links import Link
from countersign.domain.tasks import Change, Task
from countersign.retries import retried
from countersign.services.assignments import identified
from countersign.services.links import review_link, task_behind
from countersign.services.refusals import record_refusal

if TYPE_CHECKING:
    from countersign.ports import Directory, LinkLedger

RETURN = "return"
"""The form's word for sending a task back; no `Decision`, because it is not a vote."""

FOREIGN_SITES = frozenset({"cross-site", "same-site"})

REASONS: dict[type[CountersignError], str] = {
    CrossSiteError: "cross_site",
    OwnRequestError: "own_request",
    DecidesElsewhereError: "decides_elsewhere",
    UnknownDecisionError: "unknown_decision",
    CommentTooLongError: "comment_too_long",
    CommentMissingError: "comment_missing",
    DecidedOtherwiseError: "decided_otherwise",
    TooManyAnswersError: "too_many_answers",
    TaskClosedError: "closed",
    HandedOnError: "handed_on",
    NoLongerAskedError: "no_longer_asked",
    TakenUpError: "taken_up",
    DelegationRefusedError: "delegation",
    DetailsChangedError: "details_changed",
    TaskReturnedError: "returned",
    SentBackTooOftenError: "sent_back_too_often",
}
"""The audit's word for each refusal."""


@dataclass(frozen=True)
class Click:
    """A posted form, unchecked: every field is any text, and empty if the form does not have it.

    Attributes:
        token: The token of the page.
        decision: The word for the decision, or `RETURN`.
        comment: The comment.
        shown: The digest of the details that the page showed.
        fetch_site: The browser's `Sec-Fetch-Site`; empty if it sent none.
        source: The sender's network.
        task_id: The task, for a click in an inbox; empty for a review link.
        colleague: The address of the colleague to whom the task is delegated.
        action: The word for what else the form asks for, such as `take_back`.
        confirmed: Whether the form is that of a page that asked for confirmation.
        exchanges: How many exchanges with the requester the page showed, in digits.
    """

    token: str
    decision: str = ""
    comment: str = ""
    shown: str = ""
    fetch_site: str = ""
    source: str = ""
    task_id: str = ""
    colleague: str = ""
    action: str = ""
    confirmed: bool = False
    exchanges: str = ""


@dataclass(frozen=True)
class Review:
    """A task for the page of one recipient's link.

    Attributes:
        task: The task.
        recipient: The link's owner.
        repeated: Whether the click repeated the person's earlier vote.
        refusal: Why the click was refused; None if it counted, or without a click.
        unconfirmed: Whether the click would count, and waits for the person's confirmation. Nothing is recorded.
        waiting: After a vote, the other tasks that wait for the recipient, the most urgent first.
    """

    task: Task
    recipient: str
    repeated: bool = False
    refusal: ActionRefusedError | None = None
    unconfirmed: bool = False
    waiting: tuple[Task, ...] = ()


@dataclass(frozen=True)
class Reviews:
    """Shows tasks to the holders of links, and records their votes, their questions to requesters and delegations."""

    ledger: LinkLedger
    directory: Directory
    clock: Clock

    def look(self, token: str, task_id: str = "") -> Review:
        """Return the review of a link. Changes nothing.

        Args:
            token: The link's token.
            task_id: The task, for the link of an inbox; any text.

        Raises:
            UnknownLinkError: No link has this token.
            InboxExpiredError: The token is of an inbox link that is too old.
            LedgerUnavailableError: The ledger did not answer.
        """
        link = self._link(token, task_id)
        return Review(task_behind(self.ledger, link, consistent=False), link.recipient)

    def decide(self, click: Click) -> Review:
        """Record a vote, or send the task back to its requester.

        Returns:
            The task after the click, with the reason if the click was refused.

        Raises:
            UnknownLinkError: No link has this token.
            InboxExpiredError: The token is of an inbox link that is too old.
            LedgerUnavailableError: The ledger or the directory did not answer; nothing was recorded.
        """
        link = self._link(click.token, click.task_id)
        return self._recorded(link, click, lambda task, now: _answer(task, link, click, now))

    def with_next(self, review: Review) -> Review:
        """Return a review with the other tasks that wait for its recipient; with none if the ledger does not answer."""
        if review.refusal or review.repeated or review.unconfirmed:
            return review
        try:
            waiting = self.ledger.next_waiting(review.recipient, self.clock.now(), review.task.task_id)
        except LedgerUnavailableError:  # the vote is recorded, whatever else is not shown
            return review
        return replace(review, waiting=tuple(waiting))

    def hand_over(self, click: Click) -> Review:
        """Delegate the task to a colleague, once the page has asked to confirm the address.

        The same write puts their message into the outbox: the workflow sleeps.

        Returns:
            The task after the click, with the reason if the click was refused.

        Raises:
            UnknownLinkError: No link has this token.
            InboxExpiredError: The token is of an inbox link that is too old.
            LedgerUnavailableError: The ledger or the directory did not answer; nothing was recorded.
        """
        link, colleague = self._link(click.token, click.task_id), normalise(click.colleague)
        more = (colleague,) if is_address(colleague) else ()
        return self._recorded(link, click, lambda task, now: _delegate(task, link, colleague, click, now), more)

    def take_back(self, click: Click) -> Review:
        """Take the task back from the colleague to whom the owner of the link delegated it.

        Returns:
            The task after the click, with the reason if the click was refused; `repeated` if nothing is delegated.

        Raises:
            UnknownLinkError: No link has this token.
            InboxExpiredError: The token is of an inbox link that is too old.
            LedgerUnavailableError: The ledger or the directory did not answer; nothing was recorded.
        """
        # Imported here: most cold starts are for the page of one review.
        from countersign.domain.replacements import take_back

        link = self._link(click.token, click.task_id)
        return self._recorded(link, click, lambda task, now: take_back(task, link.recipient, click.source, now))

    def _link(self, token: str, task_id: str) -> Link:
        return review_link(self.ledger, token, task_id, self.clock.now())

    @retried
    def _recorded(
        self,
        link: Link,
        click: Click,
        act: Callable[[Task, datetime], Change | None],
        more: tuple[str, ...] = (),
    ) -> Review:
        """Write the change of a click or its refusal, with the directory's current aliases.

        Args:
            link: The link that was used.
            click: The posted form.
            act: Returns the change of the task; None if the click repeats an earlier one.
            more: Addresses of people who join the task.
        """
        task, now = task_behind(self.ledger, link), self.clock.now()
        known = task
        try:
            if click.fetch_site in FOREIGN_SITES:
                raise CrossSiteError
            if task.takes_answers(now):
                # The workflow looks again, consistently, before it applies the decision.
                known = identified(self.directory, task, link.recipient, *more, consistent=False)
            change = act(known, now)
        except UnconfirmedError:
            return Review(known, link.recipient, unconfirmed=True)
        except ActionRefusedError as refusal:
            record = votes.refuse(known, link.recipient, _reason(refusal), click.source, now)
            after = record_refusal(self.ledger, _learnt(task, _through(link, record)))
            return Review(after, link.recipient, refusal=refusal)
        if change is None:
            return Review(known, link.recipient, repeated=True)
        return Review(self.ledger.commit(_learnt(task, _through(link, change))), link.recipient)


def _learnt(task: Task, change: Change) -> Change:
    """Add what the directory said about people, on which a change is based, if it differs from the task's own."""
    known = {name: getattr(change.before, name) for name in ("aliases", "newcomers")}
    learnt = {name: value for name, value in known.items() if value != getattr(task, name)}
    return replace(change, fields={**change.fields, **learnt}) if learnt else change


def _delegate(task: Task, link: Link, colleague: str, click: Click, now: datetime) -> Change:
    change = votes.delegate(task, link.recipient, colleague, click.source, now)
    if not click.confirmed:
        raise UnconfirmedError
    after = change.after
    return replace(change, outbox={f"delegated#{after.revision}": _envelope_to(colleague, after)})


def _through(link: Link, change: Change) -> Change:
    """Name the link in a change's audit entries: `audit verify` looks for the entry of its minting."""
    named = {"link": link.fingerprint} | ({"minted_for": link.minted_for} if link.minted_for else {})
    events = (replace(event, data={**event.data, **named}) for event in change.events)
    return replace(change, events=tuple(events))


def _envelope_to(colleague: str, task: Task) -> dict[str, Any]:
    # Imported here: loading the schemas would slow every cold start of the public function.
    from countersign.contracts import envelope

    return envelope.requested(task, (colleague,))


def _reason(refusal: ActionRefusedError) -> str:
    if isinstance(refusal, DelegationRefusedError):
        return f"{REASONS[DelegationRefusedError]}_{refusal.reason}"
    return REASONS[type(refusal)]


def _answer(task: Task, link: Link, click: Click, now: datetime) -> Change | None:
    if click.decision == RETURN:
        # Imported here: votes do not need it.
        from countersign.domain import rounds

        asked = (click.comment, click.shown)
        return rounds.send_back(task, link.recipient, *asked, click.source, now, exchanges=click.exchanges)
    said = (click.decision, click.comment, click.shown)
    return votes.answer(task, link.recipient, *said, click.source, now, confirmed=click.confirmed)
