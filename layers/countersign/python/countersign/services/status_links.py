"""Status links: a requester reads how their request stands, answers or revises it, or withdraws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from countersign.domain import proofs, rounds, tasks, telling, tokens
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import Clock
from countersign.domain.errors import (
    ActionRefusedError,
    CommentMissingError,
    CommentTooLongError,
    ContractError,
    CrossSiteError,
    DecidedOtherwiseError,
    DetailsChangedError,
    NotReturnedError,
    RevisionRefusedError,
    StatusExpiredError,
    TaskClosedError,
    UnknownDecisionError,
    UnknownLinkError,
)
from countersign.domain.links import Link
from countersign.domain.rules import Outcome
from countersign.domain.tasks import Change, Task
from countersign.retries import retried
from countersign.services.refusals import record_refusal
from countersign.services.reviews import FOREIGN_SITES

if TYPE_CHECKING:
    from countersign.ports import Ledger

ANSWER, REVISE, WITHDRAW = "answer", "revise", "withdraw"
"""What a requester may do, in the words of the form."""

_REASONS: Mapping[type[Exception], str] = {
    CrossSiteError: "cross_site",
    UnknownDecisionError: "unknown_action",
    CommentMissingError: "comment_missing",
    CommentTooLongError: "comment_too_long",
    DetailsChangedError: "details_changed",
    NotReturnedError: "not_returned",
    RevisionRefusedError: "revision",
    DecidedOtherwiseError: "decided",
    TaskClosedError: "closed",
}
"""The audit's word for each refusal."""


@dataclass(frozen=True)
class Act:
    """A posted form of a requester, unchecked: every field is any text, and empty if the form does not have it.

    Attributes:
        token: The token of the page.
        action: What the requester does.
        comment: The answer, the words to the approvers, or the reason.
        shown: The digest of the details that the page showed.
        revision: What a revision changes, as in the contract `revision`.
        fetch_site: The browser's `Sec-Fetch-Site`; empty if it sent none.
        source: The sender's network.
        exchanges: How many exchanges the page showed, in digits.
    """

    token: str
    action: str = ""
    comment: str = ""
    shown: str = ""
    revision: Mapping[str, Any] = field(default_factory=dict)
    fetch_site: str = ""
    source: str = ""
    exchanges: str = ""


@dataclass(frozen=True)
class Standing:
    """A request as its requester sees it.

    Attributes:
        task: The task, of several levels the current one.
        requester: The link's owner.
        refusal: Why an act was refused; None if it counted, or without an act.
    """

    task: Task
    requester: str
    refusal: ActionRefusedError | ContractError | None = None


@dataclass(frozen=True)
class StatusLinks:
    """Shows requests to the holders of status links, and records what they do."""

    ledger: Ledger
    clock: Clock

    def look(self, token: str) -> Standing:
        """Return how the request of a link stands. Changes nothing.

        Raises:
            UnknownLinkError: No status link has this token.
            StatusExpiredError: The request ended too long ago.
            LedgerUnavailableError: The ledger did not answer.
        """
        link = self._link(token)
        return Standing(self._task(link), link.recipient)

    def act(self, act: Act) -> Standing:
        """Answer, revise or withdraw the request.

        Returns:
            The task after the act, with the reason if the act was refused.

        Raises:
            UnknownLinkError: No status link has this token.
            StatusExpiredError: The request ended too long ago.
            LedgerUnavailableError: The ledger did not answer; nothing was recorded.
        """
        return self._recorded(self._link(act.token), act)

    @retried
    def _recorded(self, link: Link, act: Act) -> Standing:
        task, now = self._task(link), self.clock.now()
        try:
            change = _change(task, link.recipient, act, now)
        except (ActionRefusedError, ContractError) as refusal:
            data = {"reason": _reason(refusal), "link": link.fingerprint}
            event = AuditEvent("refused", link.recipient, rounds.BY_STATUS_LINK, act.source, data)
            after = record_refusal(self.ledger, tasks.refuse(task, event, now))
            return Standing(after, link.recipient, refusal)
        return Standing(self.ledger.commit(_through(link, change)) if change else task, link.recipient)

    def _link(self, token: str) -> Link:
        fingerprint = tokens.fingerprint(token)
        link = self.ledger.status_link(fingerprint) if fingerprint else None
        if link is None or not proofs.may_open(link):
            raise UnknownLinkError
        return link

    def _task(self, link: Link) -> Task:
        """Return the task of a link, or the level of its chain that is asked now."""
        task = self.ledger.task(link.task_id)
        if task is None:
            raise UnknownLinkError
        if task.question.continues and task.outcome is Outcome.APPROVED:
            task = self._current(task)
        ended_at = telling.ended_at(task)
        if ended_at and ended_at + telling.STATUS_LASTS <= self.clock.now():
            raise StatusExpiredError
        return task

    def _current(self, earlier: Task) -> Task:
        """Return the last opened level of a chain, whose tasks are named `<name>-<level>`."""
        _, found = self.ledger.with_tasks(earlier.request_id)
        levels = [task for task in found if _chain_of(task) == _chain_of(earlier) and task.opened_at]
        return max((earlier, *levels), key=lambda task: task.opened_at or self.clock.now())


def _chain_of(task: Task) -> str:
    return task.task_id.rpartition("-")[0]


def _reason(refusal: ActionRefusedError | ContractError) -> str:
    return "contract" if isinstance(refusal, ContractError) else _REASONS[type(refusal)]


def _change(task: Task, requester: str, act: Act, now: datetime) -> Change | None:
    """Return the effect of an act; None if it repeats the one before."""
    if act.fetch_site in FOREIGN_SITES:
        raise CrossSiteError
    do = _ACTS.get(act.action)
    if do is None:
        raise UnknownDecisionError
    return do(task, requester, act, now)


def _answer(task: Task, requester: str, act: Act, now: datetime) -> Change | None:
    # Imported here, as below: a page that is only read needs no schemas.
    from countersign.services.rounds import answered

    return answered(task, requester, act.comment, act.shown, act.source, now, exchanges=act.exchanges)


def _revise(task: Task, requester: str, act: Act, now: datetime) -> Change | None:
    from countersign.services.rounds import revised

    said = (act.revision, act.comment, act.shown)
    return revised(task, requester, *said, act.source, now, exchanges=act.exchanges)


def _withdraw(task: Task, requester: str, act: Act, now: datetime) -> Change | None:
    return rounds.withdraw(task, requester, act.comment, act.shown, act.source, now)


_ACTS: Mapping[str, Callable[[Task, str, Act, datetime], Change | None]] = {
    ANSWER: _answer,
    REVISE: _revise,
    WITHDRAW: _withdraw,
}


def _through(link: Link, change: Change) -> Change:
    """Name the link in a change's audit entries: `audit verify` looks for the entry of its minting."""
    named = {"link": link.fingerprint}
    if link.task_id != change.before.task_id:  # the link of an earlier level of the chain
        named["minted_for"] = link.task_id
    events = (replace(event, data={**event.data, **named}) for event in change.events)
    return replace(change, events=tuple(events))
