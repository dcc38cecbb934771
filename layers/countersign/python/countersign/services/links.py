"""Links: from the token in somebody's hand to the task behind it."""

from dataclasses import replace
from datetime import datetime

from countersign.domain import tokens
from countersign.domain.errors import InboxExpiredError, UnknownLinkError
from countersign.domain.links import Link, Purpose
from countersign.domain.tasks import Task, is_task_id
from countersign.ports import LinkLedger


def review_link(ledger: LinkLedger, token: str, task_id: str, now: datetime) -> Link:
    """Return the review that a token opens: the one it was made for, or with the token of an inbox, one of its tasks.

    Args:
        ledger: Where links are kept.
        token: The token.
        task_id: Which task of an inbox; any text.
        now: The current time.

    Raises:
        UnknownLinkError: None does, or the text is no token.
        InboxExpiredError: It is the token of an inbox, and too old.
        LedgerUnavailableError: The ledger did not answer.
    """
    link = link_of(ledger, token, now)
    return link if link.purpose is Purpose.REVIEW else replace(link, task_id=task_id)


def link_of(ledger: LinkLedger, token: str, now: datetime) -> Link:
    """Return what a token opens; raises as `review_link` does."""
    fingerprint = tokens.fingerprint(token)
    link = ledger.link(fingerprint) if fingerprint else None
    if link is None:
        raise UnknownLinkError
    if link.expires_at is not None and link.expires_at <= now:
        raise InboxExpiredError
    return link


def task_behind(ledger: LinkLedger, link: Link) -> Task:
    """Return the task that a link shows, as it stands.

    Raises:
        UnknownLinkError: It is gone, or an inbox names a task that its owner has nothing to do with.
        LedgerUnavailableError: The ledger did not answer.
    """
    task = ledger.task(link.task_id) if is_task_id(link.task_id) else None
    if task is None or (link.purpose is Purpose.INBOX and not task.concerns(link.recipient)):
        raise UnknownLinkError
    return task
