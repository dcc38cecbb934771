"""Delivering a task to its recipients: each gets a review link of their own, once per hand-off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from countersign.channels.messages import INBOX, Message
from countersign.domain import tokens
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.clock import Clock, to_text
from countersign.domain.errors import LedgerConflictError, TransientError
from countersign.domain.links import Link, Purpose
from countersign.domain.proofs import may_write_to
from countersign.domain.tasks import Change, Task
from countersign.domain.trail import trail
from countersign.domain.votes import FIRST_RESEND
from countersign.retries import retried
from countersign.services.inboxes import MAX_INBOX_LINKS, PAUSE, inbox_links

if TYPE_CHECKING:
    from countersign.ports import LinkLedger

Send = Callable[[Message], Mapping[str, str]]
"""Sends a message, and returns what the audit records about it: the name of the `channel` that carried it, and what
else is known. Raises TransientError if the same message may be sent again."""

INBOX_LASTS = timedelta(hours=24)
"""How long a link to an inbox works; limited because it opens several tasks."""

INBOX_PAUSE = PAUSE - timedelta(minutes=1)
"""Minimum interval between two links to an inbox, for one person and task. A minute shorter than the page's pause, as
messages wait for different times in the queue, and the message that the page promised must go out. Also shorter than
the time after which the queue delivers a failed message again."""

ACTOR = "approver"
"""The audit's name for the part of the kit that sends links."""


@dataclass(frozen=True)
class Deliveries:
    """Sends review links.

    Attributes:
        base_url: The base of all links, without a slash at the end.
        stage: The stage's name in messages; empty for production.
    """

    ledger: LinkLedger
    send: Send
    clock: Clock
    base_url: str
    stage: str

    def deliver(self, envelope: Mapping[str, Any]) -> int:
        """Send an open task's hand-off to each recipient to whom no message is recorded.

        A task that waits for its requester is not sent: nobody can decide it. When the requester has acted, every
        approver without a vote gets a message.

        The token is minted here and exists only in the message; the audit has its SHA-256. Only a crash between sending
        and recording makes a second message. Both links then belong to the same recipient, who still has one vote.

        Returns:
            The number of messages sent.

        Raises:
            TransientError: The ledger or the channel did not answer; deliver the same envelope again.
        """
        return to_each(envelope["task"]["recipients"], lambda recipient: self._deliver_once(envelope, recipient))

    def deliver_inbox(self, envelope: Mapping[str, Any]) -> int:
        """Send people the links to their inboxes, and return the number of messages sent.

        Every principal that may put events on the bus can write such an envelope. So links go only to people whom the
        task concerns, to each at most once in `INBOX_PAUSE` and `MAX_INBOX_LINKS` times for one task.

        Raises:
            TransientError: The ledger or the channel did not answer; deliver the same envelope again.
        """
        task_id, recipients = envelope["task_id"], envelope["task"]["recipients"]
        return sum(self._send(self._inbox_message(task_id, person)) for person in recipients)

    @retried
    def _inbox_message(self, task_id: str, recipient: str) -> Message | None:
        """Return the message with a new link to an inbox; None if it must not be sent."""
        task, now = self.ledger.task(task_id), self.clock.now()
        if task is None or not (task.concerns(recipient) and may_write_to(recipient, task_id)):
            return None
        if self._has_inbox_link(task, recipient, now):
            return None
        token, fingerprint = tokens.mint()
        until = now + INBOX_LASTS
        message = Message(
            kind=INBOX,
            recipient=recipient,
            link=self.link("inbox", token),
            deadline=until,
            stage=self.stage,
            people=task.people,
            task_id=task.task_id,
        )
        link = Link(fingerprint, "", recipient, Purpose.INBOX, until, minted_for=task.task_id)
        self.mint(task, link, {"inbox": True}, until)
        return message

    def _has_inbox_link(self, task: Task, recipient: str, now: datetime) -> bool:
        """Tell whether the person got such a link just now, or too many; a link minted since is a conflict."""
        minted = inbox_links(self.ledger.audit(task.task_id), recipient)
        return len(minted) >= MAX_INBOX_LINKS or any(entry.at > to_text(now - INBOX_PAUSE) for entry in minted)

    def _deliver_once(self, envelope: Mapping[str, Any], recipient: str) -> bool:
        minted = self._minted(envelope, recipient)
        if minted is None:
            return False
        message, task = minted
        carried = self.send(message)
        self.record(task, "sent", {"recipient": recipient, "attempt": envelope["attempt"], **carried})
        return True

    @retried
    def _minted(self, envelope: Mapping[str, Any], recipient: str) -> tuple[Message, Task] | None:
        """Return the message of a hand-off with a new review link, and the task; None if it must not be sent."""
        task = self.ledger.task(envelope["task_id"])
        if task is None or task.returned or not task.takes_answers(self.clock.now()):
            return None
        # The first entry is that of the opening: there is nothing to read before the second one.
        attempt, entries = envelope["attempt"], self.ledger.audit(task.task_id) if task.audit_seq > 1 else []
        if not (recipient in task.audience and may_write_to(recipient, task.task_id)):
            return None
        if not _is_hand_off(task, attempt, entries):
            return None
        if _was_sent(entries, attempt, recipient):
            self._found_sent(task)
            return None
        token, fingerprint = tokens.mint()
        message = self._message_about(task, envelope["kind"], recipient, self.link("review", token))
        link = Link(fingerprint, task.task_id, recipient)
        return message, self.mint(task, link, {"attempt": attempt}, task.expires_at)

    def _message_about(self, task: Task, kind: str, recipient: str, link: str) -> Message:
        return Message(
            kind=kind,
            recipient=recipient,
            link=link,
            deadline=task.expires_at,
            stage=self.stage,
            question=task.question,
            people=task.people,
            instead_of=task.stands_in_for(recipient),
            others=tuple(person for person in task.voters if not task.aliases.same(person, recipient)),
            rule=task.question.rule,
            level=_level(task),
            left=task.expires_at - self.clock.now(),
            trail=tuple(step for step in trail(task) if step.what != "asked"),
            task_id=task.task_id,
        )

    def link(self, page: str, token: str) -> str:
        """Return the address of a page with a token."""
        return f"{self.base_url}/{page}?{urlencode({'t': token})}"

    def _found_sent(self, task: Task) -> None:
        """Set `sent_at` of a task that lacks it, for example after a restore; the audit has the entry."""
        if task.sent_at is None:
            now = self.clock.now()
            self.ledger.commit(Change(task, None, {"sent_at": now}, (), now))

    def mint(self, task: Task, link: Link, data: Mapping[str, Any], expires_at: datetime) -> Task:
        """Store a link with its audit entry `minted`, and return the task afterwards.

        Args:
            task: The task whose audit has the entry.
            link: The link.
            data: What the entry says besides the recipient and the fingerprint.
            expires_at: When the link ends.

        Raises:
            LedgerConflictError: The task has changed since it was read; the link opens nothing.
        """
        named = {"recipient": link.recipient, "fingerprint": link.fingerprint}
        event = AuditEvent("minted", ACTOR, data={**named, **data})
        return self.ledger.commit_link(Change(task, None, {}, (event,), self.clock.now()), link, expires_at)

    def _send(self, message: Message | None) -> bool:
        if message:
            self.send(message)
        return message is not None

    def record(self, task: Task, event: str, data: Mapping[str, Any]) -> None:
        """Record that a message was sent; read the task again only if it has changed since its link was minted."""
        sent = AuditEvent(event, ACTOR, data=data)
        try:
            self._commit_sent(task, sent)
        except LedgerConflictError:
            self._record_again(task.task_id, sent)

    @retried
    def _record_again(self, task_id: str, sent: AuditEvent) -> None:
        task = self.ledger.task(task_id)
        if task:
            self._commit_sent(task, sent)

    def _commit_sent(self, task: Task, sent: AuditEvent) -> None:
        now = self.clock.now()
        is_first_link = sent.event == "sent" and task.sent_at is None
        self.ledger.commit(Change(task, None, {"sent_at": now} if is_first_link else {}, (sent,), now))


def _level(task: Task) -> tuple[int, int]:
    """Return the place of a task in its chain, and the number of the chain's levels; (1, 1) without a chain.

    A chain's tasks are named `<name>-<level>`. Their question names the people of all other levels, and those who have
    voted on earlier ones once more.
    """
    number = task.task_id.rpartition("-")[2]
    if not (task.question.elsewhere and number.isdecimal()):
        return 1, 1
    return int(number), len(task.question.elsewhere) - int(number) + 2


def to_each(recipients: Iterable[str], act: Callable[[str], bool]) -> int:
    """Act for each recipient, and return for how many a message was sent.

    Raises:
        TransientError: It failed for one of them; all were tried.
    """
    failures: list[TransientError] = []
    sent = 0
    for recipient in recipients:
        try:
            sent += act(recipient)
        except TransientError as error:  # one mailbox that refuses must not block the others
            failures.append(error)
    if failures:
        raise failures[0]
    return sent


def _is_hand_off(task: Task, attempt: int, entries: Sequence[AuditEntry]) -> bool:
    """Tell whether a task has a hand-off of this number: of its workflow, an operator, or its requester.

    Every principal that may put events on the bus can write any number. The ledger has a hand-off's number before
    its envelope is sent.
    """
    if attempt < FIRST_RESEND:
        return attempt <= task.hand_off
    later = ("resent", "reassigned", "answered_back", "revised")
    return any(entry.event.event in later and entry.event.data["attempt"] == attempt for entry in entries)


def _was_sent(entries: Sequence[AuditEntry], attempt: int, recipient: str) -> bool:
    """Tell whether the audit has the message of a hand-off to a recipient."""
    sent = (entry.event.data for entry in entries if entry.event.event == "sent")
    return any((data["attempt"], data["recipient"]) == (attempt, recipient) for data in sent)
