"""A request on the embedded cloud, and its people."""

import itertools
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from playwright.sync_api import ViewportSize

from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.client import Started
from operate.client import Page, open_page, press
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from operate.embedded.mailbox import Mail, Mailbox

PATIENCE_SECONDS = 45
LOOK_SECONDS = 0.1
APPROVER = "maria@example.com"
REQUESTER = "rita@example.com"
PHONE: ViewportSize = {"width": 320, "height": 568}

_numbers = itertools.count(1)
_run = time.strftime("%H%M%S")
Found = TypeVar("Found")


def until(condition: Callable[[], Found | None], what: str = "it") -> Found:
    """Wait until a condition is true, and return its value."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(LOOK_SECONDS)
    pytest.fail(f"{what} did not happen within {PATIENCE_SECONDS} seconds")


@dataclass
class Scene:
    """One order approval on the embedded cloud.

    Attributes:
        cloud: The embedded cloud.
        request_id: The request's id.
        workflow: The workflow's name.
    """

    cloud: Cloud
    request_id: str = field(default_factory=lambda: f"e2e-{_run}-{next(_numbers)}")
    workflow: str = "order-approval"

    @property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(aws.client("dynamodb", self.cloud.endpoint_url), self.cloud.table)

    @property
    def task_id(self) -> str:
        return f"{self.request_id}.approval"

    def ask(self, **overrides: Any) -> Started:
        """Send the request."""
        return self.cloud.client().request(self.workflow, self.request_id, self.document(**overrides))

    def document(self, **overrides: Any) -> dict[str, Any]:
        """Return the request's input."""
        return {
            "order_id": self.request_id,
            "amount": "250.00",
            "currency": "EUR",
            "description": "Twelve office chairs",
            "requester": REQUESTER,
            "approvers": [self.approver()],
            "deadline_seconds": 600,
        } | overrides

    def submit(self, **overrides: Any) -> None:
        assert self.ask(**overrides).is_new

    def approver(self, name: str = "maria") -> str:
        """Return a person's address that no other scene uses."""
        return f"{name}+{self.request_id}@example.com"

    def mails(self, recipient: str | None = None) -> list[Mail]:
        """Return the mails to a recipient, the oldest first."""
        return Mailbox(self.cloud.mailbox_url).mails(recipient or self.approver())

    def mail(self, recipient: str | None = None, about: str = "") -> Mail:
        """Wait for a mail to a recipient with a link and these words in its subject, and return the newest."""

        def newest() -> Mail | None:
            mails = [mail for mail in self.mails(recipient) if mail.review_link and about in mail.subject]
            return mails[-1] if mails else None

        return until(newest, f"a mail to {recipient or self.approver()}")

    def link(self, recipient: str | None = None) -> str:
        """Wait for a mail to a recipient, and return the newest one's link."""
        return self.mail(recipient).review_link or ""

    def reminder(self, recipient: str | None = None) -> tuple[str, str]:
        """Wait for a recipient's reminder, and return the first link and the reminder's."""
        links = until(
            lambda: found if len(found := [mail.review_link for mail in self.mails(recipient)]) == 2 else None,
            f"a reminder to {recipient or self.approver()}",
        )
        return links[0] or "", links[1] or ""

    def await_record_of_mail(self) -> None:
        """Wait until the ledger has the record of a sent mail, the last write about an open task."""
        until(lambda: "sent" in self.audit(), "the record of the mail")

    def page(self, recipient: str | None = None) -> Page:
        return open_page(self.link(recipient))

    def decide(self, decision: str, comment: str = "") -> Page:
        return press(self.page(), decision, comment=comment)

    def report(self) -> Mapping[str, Any]:
        return self.cloud.client().get(self.request_id).document

    def task(self) -> dict[str, Any]:
        return until(lambda: next(iter(self.report()["tasks"]), None), "an open task")

    def ended(self) -> Mapping[str, Any]:
        """Wait until the request has ended, and return its report."""
        return until(lambda: report if (report := self.report())["status"] != "running" else None, "the end")

    def items(self) -> dict[str, Any]:
        """Return the ledger's items of this scene, by key."""
        table = aws.client("dynamodb", self.cloud.endpoint_url)
        pages = table.get_paginator("scan").paginate(TableName=self.cloud.table, ConsistentRead=True)
        items = (item for page in pages for item in page["Items"])
        own = re.compile(rf"{re.escape(self.request_id)}(?!\d)")  # request 1 is not request 10
        return {f"{item['pk']['S']}/{item['sk']['S']}": item for item in items if own.search(str(item))}

    def audit(self) -> list[str]:
        """Return the events of the task's audit, in order."""
        return [document["event"] for document in self.ledger.audit_documents(self.task_id)]
