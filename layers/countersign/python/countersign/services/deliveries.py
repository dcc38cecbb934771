"""Delivering a task to its recipients: each gets a review link of their own, once per hand-off."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from countersign.domain import tokens
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import Clock
from countersign.domain.errors import TransientError
from countersign.domain.tasks import Change, Status, Task
from countersign.ports import Channel, Link, Purpose, ReviewLedger
from countersign.services.contention import settle


@dataclass(frozen=True)
class Message:
    """A message to one person, written.

    Attributes:
        subject: One line.
        text: The plain text.
        html: The same as HTML.
    """

    subject: str
    text: str
    html: str


Writer = Callable[[str, Task, str, str], Message]
"""Writes the mail of a hand-off: kind, task, recipient, token."""


InboxWriter = Callable[[str, str, datetime], Message]
"""Writes the mail with the link to an inbox: recipient, token, until when the link works."""

INBOX_LASTS = timedelta(days=7)
"""How long the link to an inbox works: it opens more than one task."""


class Deliveries:
    """Sends review links over one channel."""

    def __init__(
        self, ledger: ReviewLedger, channel: Channel, clock: Clock, write: Writer, write_inbox: InboxWriter
    ) -> None:
        self._ledger = ledger
        self._channel = channel
        self._clock = clock
        self._write = write
        self._write_inbox = write_inbox

    def deliver(self, envelope: Mapping[str, Any]) -> int:
        """Mail a hand-off to each recipient whose mail is not on record, while the task is open.

        The token is minted here, goes into the mail, and stays nowhere else. Only a crash between sending and recording
        makes a second mail; both links are the recipient's own and their votes are one.

        Args:
            envelope: The hand-off's envelope.

        Returns:
            How many mails were sent.

        Raises:
            TransientError: The ledger or the channel did not answer; deliver the same envelope again.
        """
        failures: list[TransientError] = []
        sent = 0
        for recipient in envelope["task"]["recipients"]:
            try:
                sent += self._deliver_once(envelope, recipient)
            except TransientError as error:  # one mailbox that refuses must not keep the mail from the others
                failures.append(error)
        if failures:
            raise failures[0]
        return sent

    def deliver_inbox(self, envelope: Mapping[str, Any]) -> int:
        """Mail the link to their inbox to who asked for it, and return how many mails were sent.

        Args:
            envelope: The envelope of kind `approval.inbox`.

        Raises:
            TransientError: The ledger or the channel did not answer; deliver the same envelope again.
        """
        recipients = envelope["task"]["recipients"]
        for recipient in recipients:
            token, fingerprint = tokens.mint()
            until = self._clock.now() + INBOX_LASTS
            message = self._write_inbox(recipient, token, until)
            self._ledger.put_link(Link(fingerprint, "", recipient, Purpose.INBOX, until), until)
            self._channel.send(recipient, message.subject, message.text, message.html)
        return len(recipients)

    def _deliver_once(self, envelope: Mapping[str, Any], recipient: str) -> bool:
        task = self._ledger.task(envelope["task_id"])
        if task is None or task.status is not Status.OPEN or task.expired_by(self._clock.now()):
            return False
        if recipient not in task.audience or self._ledger.mailed(task.task_id, envelope["attempt"], recipient):
            return False
        self._deliver(envelope, task, recipient)
        return True

    def _deliver(self, envelope: Mapping[str, Any], task: Task, recipient: str) -> None:
        token, fingerprint = tokens.mint()
        message = self._write(envelope["kind"], task, recipient, token)
        self._ledger.put_link(Link(fingerprint, task.task_id, recipient), task.expires_at)
        self._channel.send(recipient, message.subject, message.text, message.html)
        settle(lambda: self._record(task.task_id, recipient, envelope["attempt"]))

    def _record(self, task_id: str, recipient: str, attempt: int) -> None:
        task = self._ledger.task(task_id)
        if task:
            event = AuditEvent("mailed", "approver", data={"recipient": recipient, "attempt": attempt})
            change = Change(task, None, {}, (event,), self._clock.now())
            self._ledger.commit_mail(change, attempt, recipient)
