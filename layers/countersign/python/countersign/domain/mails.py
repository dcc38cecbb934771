"""Reports of a mail service about a message to a person: it bounced, was delayed, or was marked as spam."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from countersign.domain.answers import ON_BUS
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.tasks import Change, Task

HARD = "permanent"
"""The kind of a permanent bounce."""


@dataclass(frozen=True)
class MailReport:
    """A report about one message.

    Attributes:
        event: The name of its audit entry: `bounced`, `complained`, `mail_rejected` or `delayed`.
        task_id: The task that the message is about.
        recipient: The address to which the kit sent it, normalised.
        message_id: The service's id of the message.
        kind: The service's kind of event, for a bounce `permanent`, `transient` or `undetermined`; may be empty.
        reason: The service's code, such as `General 5.1.1`; never a mail server's text, which can quote the link.
    """

    event: str
    task_id: str
    recipient: str
    message_id: str
    kind: str = ""
    reason: str = ""

    @property
    def is_hard(self) -> bool:
        """Whether the recipient's mail server refused the message permanently."""
        return (self.event, self.kind) == ("bounced", HARD)


def reported(
    task: Task, report: MailReport, source: str, entries: Iterable[AuditEntry], now: datetime
) -> Change | None:
    """Return the record of a report; None if the audit has it already.

    A hard bounce of a message to a person who is asked also counts on the task; the first one brings the next
    escalation forward.

    Args:
        task: The task.
        report: The report.
        source: The sender of the report, as the event bus identifies it.
        entries: The task's audit.
        now: The current time.
    """
    data = {name: getattr(report, name) for name in ("recipient", "kind", "reason", "message_id")}
    told = (entry.event for entry in entries if entry.event.data.get("message_id") == report.message_id)
    if any((known.event, known.data["kind"]) == (report.event, report.kind) for known in told):
        return None
    event = AuditEvent(report.event, source, ON_BUS, data=data)
    counts = report.is_hard and task.asks(report.recipient)
    return Change(task, None, {"bounced": task.bounced + 1} if counts else {}, (event,), now)
