"""Inboxes: the list of all tasks that wait for somebody, behind a link of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from countersign.domain.audit import AuditEntry
from countersign.domain.clock import Clock
from countersign.domain.errors import CrossSiteError, TooManyListsError, UnknownLinkError
from countersign.domain.links import Purpose
from countersign.domain.tasks import Task
from countersign.ports import LinkLedger
from countersign.services.links import link_of, review_link, task_behind
from countersign.services.reviews import FOREIGN_SITES, Click

PAUSE = timedelta(minutes=5)
"""How long after one mail the next goes out that is asked for from the same link."""

MAX_INBOX_LINKS = 20
"""How many links to their inbox one person is sent from the pages of one task: each is in its audit."""

_FINGERPRINT_CHARACTERS = 16


@dataclass(frozen=True)
class Inbox:
    """What waits for somebody.

    Attributes:
        recipient: For whom.
        tasks: The open tasks that they may answer, the most urgent first, and at most `MOST_WAITING`.
    """

    recipient: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Inboxes:
    """Shows inboxes, and has their links mailed to those whom they belong to."""

    ledger: LinkLedger
    clock: Clock

    def look(self, token: str) -> Inbox:
        """Return what waits for the owner of an inbox. Changes nothing.

        Raises:
            UnknownLinkError: No inbox has this token.
            InboxExpiredError: The link is too old.
            LedgerUnavailableError: The ledger did not answer.
        """
        now = self.clock.now()
        link = link_of(self.ledger, token, now)
        if link.purpose is not Purpose.INBOX:  # the link of one review, which may have been forwarded
            raise UnknownLinkError
        return Inbox(link.recipient, tuple(self.ledger.waiting(link.recipient, now)))

    def send(self, click: Click) -> str:
        """Have the link to their inbox mailed to the recipient of a review link, and return the recipient.

        It goes by mail, not onto the page: who was forwarded one review gets no list of all of them. From one link,
        one mail goes out in `PAUSE`, however often it is asked for.

        Raises:
            CrossSiteError: Another site's page asked.
            UnknownLinkError: No link has this token.
            InboxExpiredError: It is the link of an inbox, and too old.
            TooManyListsError: This task has sent the recipient `MAX_INBOX_LINKS` lists.
            LedgerUnavailableError: The ledger did not answer; nothing is sent.
        """
        if click.fetch_site in FOREIGN_SITES:
            raise CrossSiteError
        now = self.clock.now()
        link = review_link(self.ledger, click.token, click.task_id, now)
        task = task_behind(self.ledger, link)
        if len(inbox_links(self.ledger.audit(task.task_id), link.recipient)) >= MAX_INBOX_LINKS:
            raise TooManyListsError
        name = f"inbox#{link.fingerprint[:_FINGERPRINT_CHARACTERS]}"
        self.ledger.put_outbox(task.task_id, name, _envelope(task, link.recipient), now, PAUSE)
        return link.recipient


def inbox_links(entries: Iterable[AuditEntry], recipient: str) -> list[AuditEntry]:
    """Return the entries of a task's audit that minted a link to somebody's inbox."""
    minted = (entry for entry in entries if entry.event.event == "minted")
    return [entry for entry in minted if entry.event.data["recipient"] == recipient and "inbox" in entry.event.data]


def _envelope(task: Task, recipient: str) -> Mapping[str, Any]:
    # Imported where it is needed: the schemas behind it would cost every cold start of the public function.
    from countersign.contracts import envelope

    return envelope.inbox(task, recipient)
