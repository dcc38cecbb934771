"""The messages that the embedded cloud has sent, by mail and over other channels."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from countersign.domain.tasks import Status
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud
from operate.ledger import OperatorLedger

_LINK = re.compile(r"https?://\S+/(review|inbox|request)\?t=[A-Za-z0-9_%-]+")


@dataclass(frozen=True)
class Mail:
    """One mail.

    Attributes:
        message_id: SES's id.
        sender: The From address.
        recipients: The recipients' addresses.
        subject: The subject.
        text: The body as plain text.
        html: The body as HTML.
    """

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str

    @property
    def review_link(self) -> str | None:
        """The link to the review page; None without one."""
        return self._link("review")

    @property
    def inbox_link(self) -> str | None:
        """The link to the recipient's inbox; None without one."""
        return self._link("inbox")

    @property
    def status_link(self) -> str | None:
        """The link to the requester's page; None without one."""
        return self._link("request")

    def _link(self, page: str) -> str | None:
        found = _LINK.search(self.text)
        return found.group() if found and found.group(1) == page else None


@dataclass(frozen=True)
class Mailbox:
    """All sent mail, oldest first.

    Attributes:
        url: The emulator's URL of it.
    """

    url: str

    def mails(self, recipient: str | None = None) -> list[Mail]:
        """Return all mail, or the mail to one address in any case."""
        answer = http.get(self.url)
        accounts = json.loads(answer.text)["messages"].values()
        mails = [_mail(message) for messages in accounts for message in messages]
        wanted = recipient.casefold() if recipient else None
        return [mail for mail in mails if wanted is None or wanted in map(str.casefold, mail.recipients)]


@dataclass(frozen=True)
class Sent:
    """A message over another channel than mail, without its link, which the audit does not have.

    Attributes:
        at: When it was sent, in UTC.
        channel: The channel.
        recipient: The recipient's address.
        title: The question of its task.
    """

    at: str
    channel: str
    recipient: str
    title: str


def sent_elsewhere(cloud: Cloud) -> list[Sent]:
    """Return the messages over other channels than mail, oldest first, from the audits of the tasks."""
    ledger = OperatorLedger(aws.client("dynamodb", cloud.endpoint_url), cloud.table)
    sent = (
        Sent(entry.at, entry.event.data["channel"], entry.event.data["recipient"], task.question.title)
        for task in ledger.in_status(frozenset(Status))
        for entry in ledger.audit(task.task_id)
        if entry.event.event == "sent" and entry.event.data["channel"] != "email"
    )
    return sorted(sent, key=lambda message: message.at)


def _mail(message: dict[str, Any]) -> Mail:
    return Mail(
        message_id=message["MessageId"],
        sender=message["Source"],
        recipients=tuple(message["To"]),
        subject=message["Subject"],
        text=message["BodyText"] or "",
        html=message["BodyHtml"] or "",
    )
