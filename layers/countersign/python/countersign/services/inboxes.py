"""Inboxes: one link to the list of all tasks that wait for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from countersign.domain.audit import AuditEntry
from countersign.domain.clock import Clock
from countersign.domain.errors import CrossSiteError, TooManyListsError, UnknownLinkError
from countersign.domain.links import Purpose
from countersign.domain.questions import Person
from countersign.domain.tasks import Task
from countersign.services.links import link_of, review_link, task_behind
from countersign.services.reviews import FOREIGN_SITES, Click

if TYPE_CHECKING:
    from countersign.ports import LinkLedger

PAUSE = timedelta(minutes=5)
"""Minimum interval between inbox e-mails requested from one link."""

MAX_INBOX_LINKS = 20
"""How many inbox links one person receives for one task; each is in the task's audit."""

_FINGERPRINT_CHARACTERS = 16


@dataclass(frozen=True)
class Inbox:
    """The tasks that wait for a person.

    Attributes:
        recipient: The person's address.
        tasks: The open tasks that they may answer, the most urgent first, at most `MOST_WAITING`.
    """

    recipient: str
    tasks: tuple[Task, ...]

    @property
    def people(self) -> Mapping[str, Person]:
        """What the directory said about the people of these tasks."""
        return {address: person for task in self.tasks for address, person in task.people.items()}


@dataclass(frozen=True)
class Inboxes:
    """Shows inboxes, and requests e-mails with links to them."""

    ledger: LinkLedger
    clock: Clock

    def look(self, token: str) -> Inbox:
        """Return the inbox of a link. Changes nothing.

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
        """Request an e-mail with the inbox link to the recipient of a review link, and return the recipient.

        The link goes by e-mail, not onto the page: a person to whom one review was forwarded must not see the inbox.
        One review link sends at most one e-mail in `PAUSE`.

        Raises:
            CrossSiteError: Another site's page posted the form.
            UnknownLinkError: No link has this token.
            InboxExpiredError: The token is of an inbox link that is too old.
            TooManyListsError: The recipient has received `MAX_INBOX_LINKS` links for this task.
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
    """Return the audit entries that minted a link to a recipient's inbox."""
    minted = (entry for entry in entries if entry.event.event == "minted")
    return [entry for entry in minted if entry.event.data["recipient"] == recipient and "inbox" in entry.event.data]


def _envelope(task: Task, recipient: str) -> Mapping[str, Any]:
    # Imported here: loading the schemas would slow every cold start of the public function.
    from countersign.contracts import envelope

    return envelope.inbox(task, recipient)
