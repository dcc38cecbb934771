"""Reviewing: what a review link shows, what a click on it does, and handing the task to a colleague."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from countersign.domain import votes
from countersign.domain.clock import Clock
from countersign.domain.errors import (
    ActionRefusedError,
    CommentTooLongError,
    CountersignError,
    CrossSiteError,
    DecidedOtherwiseError,
    DecidesElsewhereError,
    DelegationRefusedError,
    DetailsChangedError,
    HandedOnError,
    OwnRequestError,
    TaskClosedError,
    TooManyAnswersError,
    UnknownDecisionError,
)
from countersign.domain.identity import is_address, normalise
from countersign.domain.links import Link
from countersign.domain.tasks import Change, Task
from countersign.ports import Directory, LinkLedger
from countersign.retries import retried
from countersign.services.assignments import identified
from countersign.services.links import review_link, task_behind
from countersign.services.refusals import record_refusal

FOREIGN_SITES = frozenset({"cross-site", "same-site"})

REASONS: dict[type[CountersignError], str] = {
    CrossSiteError: "cross_site",
    OwnRequestError: "own_request",
    DecidesElsewhereError: "decides_elsewhere",
    UnknownDecisionError: "unknown_decision",
    CommentTooLongError: "comment_too_long",
    DecidedOtherwiseError: "decided_otherwise",
    TooManyAnswersError: "too_many_answers",
    TaskClosedError: "closed",
    HandedOnError: "handed_on",
    DelegationRefusedError: "delegation",
    DetailsChangedError: "details_changed",
}
"""How the audit names each refusal."""


@dataclass(frozen=True)
class Click:
    """One post of a page's form, as it was received. Every field of a form is any text; empty where the form has none.

    Attributes:
        token: The token of the page.
        decision: The word for the decision.
        comment: The comment.
        shown: The digest of the details that the page showed.
        fetch_site: The browser's `Sec-Fetch-Site`; empty when it sent none.
        source: Network that it came from.
        task_id: Which task of an inbox it is about; empty for a review link of its own.
        colleague: The address of the colleague to whom the task is handed.
    """

    token: str
    decision: str = ""
    comment: str = ""
    shown: str = ""
    fetch_site: str = ""
    source: str = ""
    task_id: str = ""
    colleague: str = ""


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
    refusal: ActionRefusedError | None = None


@dataclass(frozen=True)
class Reviews:
    """Shows tasks to the holders of links, and records what they do with them."""

    ledger: LinkLedger
    directory: Directory
    clock: Clock

    def look(self, token: str, task_id: str = "") -> Review:
        """Return what a link shows. Changes nothing.

        Args:
            token: The link's token.
            task_id: Which task, if it is the link of an inbox; any text.

        Raises:
            UnknownLinkError: No link has this token.
            InboxExpiredError: It is the link of an inbox, and too old.
            LedgerUnavailableError: The ledger did not answer.
        """
        link = self._link(token, task_id)
        return Review(task_behind(self.ledger, link), link.recipient)

    def decide(self, click: Click) -> Review:
        """Record what a click says.

        Returns:
            The task as it stands after the click, with the refusal when the click decided nothing.

        Raises:
            UnknownLinkError: No link has this token.
            InboxExpiredError: It is the link of an inbox, and too old.
            LedgerUnavailableError: The ledger or the directory did not answer; nothing was recorded.
        """
        link = self._link(click.token, click.task_id)
        return self._recorded(link, click, lambda task, now: _answer(task, link, click, now))

    def hand_over(self, click: Click) -> Review:
        """Hand the task to a colleague, who is written to in the same write: the workflow sleeps.

        Returns:
            The task as it stands then, with the refusal when it stays where it is.

        Raises:
            UnknownLinkError: No link has this token.
            InboxExpiredError: It is the link of an inbox, and too old.
            LedgerUnavailableError: The ledger or the directory did not answer; nothing was recorded.
        """
        link, colleague = self._link(click.token, click.task_id), normalise(click.colleague)
        more = (colleague,) if is_address(colleague) else ()
        return self._recorded(link, click, lambda task, now: _delegate(task, link, colleague, click.source, now), more)

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
        """Write what an act does to the task, or that it was refused, and what is known by now of its people.

        Args:
            link: The link that was used.
            click: What was posted.
            act: What it does to the task, with all aliases of now.
            more: Addresses that get a part in the task.
        """
        task, now = task_behind(self.ledger, link), self.clock.now()
        known = task
        try:
            if click.fetch_site in FOREIGN_SITES:
                raise CrossSiteError
            if task.takes_answers(now):
                known = identified(self.directory, task, link.recipient, *more)
            change = act(known, now)
        except ActionRefusedError as refusal:
            record = votes.refuse(known, link.recipient, _reason(refusal), click.source, now)
            after = record_refusal(self.ledger, _learnt(task, _through(link, record)))
            return Review(after, link.recipient, refusal=refusal)
        if change is None:
            return Review(known, link.recipient, repeated=True)
        return Review(self.ledger.commit(_learnt(task, _through(link, change))), link.recipient)


def _learnt(task: Task, change: Change) -> Change:
    """Return a change with the aliases that it was made with, where the task as it was read lacks any."""
    aliases = change.before.aliases
    return change if aliases == task.aliases else replace(change, fields={**change.fields, "aliases": aliases})


def _delegate(task: Task, link: Link, colleague: str, source: str, now: datetime) -> Change:
    change = votes.delegate(task, link.recipient, colleague, source, now)
    after = change.after
    return replace(change, outbox={f"delegated#{after.revision}": _envelope_to(colleague, after)})


def _through(link: Link, change: Change) -> Change:
    """Return a change whose audit entries name the link: `verify` looks for the entry of its minting."""
    named = {"link": link.fingerprint} | ({"minted_for": link.minted_for} if link.minted_for else {})
    events = (replace(event, data={**event.data, **named}) for event in change.events)
    return replace(change, events=tuple(events))


def _envelope_to(colleague: str, task: Task) -> dict[str, Any]:
    # Imported where it is needed: the schemas behind it would cost every cold start of the public function.
    from countersign.contracts import envelope

    return envelope.requested(task, (colleague,))


def _reason(refusal: ActionRefusedError) -> str:
    if isinstance(refusal, DelegationRefusedError):
        return f"{REASONS[DelegationRefusedError]}_{refusal.reason}"
    return REASONS[type(refusal)]


def _answer(task: Task, link: Link, click: Click, now: datetime) -> Change | None:
    return votes.answer(task, link.recipient, click.decision, click.comment, click.shown, click.source, now)
