"""Links: from a token to its task."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from countersign.domain import proofs, tokens
from countersign.domain.errors import InboxExpiredError, UnknownLinkError
from countersign.domain.links import Link, Purpose
from countersign.domain.tasks import Task, is_task_id

if TYPE_CHECKING:
    from countersign.ports import LinkLedger


def review_link(ledger: LinkLedger, token: str, task_id: str, now: datetime) -> Link:
    """Return the review link of a token; the token of an inbox opens each of its tasks.

    Args:
        ledger: The ledger.
        token: The token; any text.
        task_id: The task of the inbox; any text. A review link's own task wins.
        now: The current time.

    Raises:
        UnknownLinkError: No link has this token.
        InboxExpiredError: The token is of an inbox link that is too old.
        LedgerUnavailableError: The ledger did not answer.
    """
    link = link_of(ledger, token, now)
    return link if link.purpose is Purpose.REVIEW else link._replace(task_id=task_id)


def link_of(ledger: LinkLedger, token: str, now: datetime) -> Link:
    """Return the link of a token; raises as `review_link` does."""
    fingerprint = tokens.fingerprint(token)
    link = ledger.link(fingerprint) if fingerprint else None
    if link is None or not proofs.may_open(link):
        raise UnknownLinkError
    if link.expires_at is not None and link.expires_at <= now:
        raise InboxExpiredError
    return link


def task_behind(ledger: LinkLedger, link: Link, *, consistent: bool = True) -> Task:
    """Return the task of a link.

    Raises:
        UnknownLinkError: The task is gone, or it does not concern the owner of the inbox.
        LedgerUnavailableError: The ledger did not answer.
    """
    task = ledger.task(link.task_id, consistent=consistent) if is_task_id(link.task_id) else None
    if task is None or (link.purpose is Purpose.INBOX and not task.concerns(link.recipient)):
        raise UnknownLinkError
    return task
