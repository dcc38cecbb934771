"""What the use cases need from outside; `countersign.adapters` has it on AWS, the tests have it in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from countersign.domain.audit import AuditEvent
from countersign.domain.tasks import Change, Ring, Task


@dataclass(frozen=True)
class Link:
    """A review link.

    Attributes:
        fingerprint: SHA-256 of its token, in hex.
        task_id: The task that it shows.
        recipient: Whose link it is, normalised; an answer through it is theirs.
    """

    fingerprint: str
    task_id: str
    recipient: str


@dataclass(frozen=True)
class Request:
    """What somebody asked a workflow to do.

    Attributes:
        request_id: Chosen by the caller; the name of the execution.
        workflow: Name of the workflow.
        input_digest: SHA-256 of the canonical input, in hex.
        submitted_by: IAM ARN of the caller.
        deadline_seconds: The workflow's default deadline when the request first came.
        status: `submitted` (not known to have reached Lambda), `running`, `succeeded` or `failed`.
        execution_arn: The durable execution, once Lambda has told.
        result: What the workflow returned.
    """

    request_id: str
    workflow: str
    input_digest: str = ""
    submitted_by: str = ""
    deadline_seconds: int = 0
    status: str = "submitted"
    execution_arn: str = ""
    result: Any = None


class TaskLedger(Protocol):
    """The tasks in the ledger. Every method may raise LedgerUnavailableError."""

    def task(self, task_id: str) -> Task | None:
        """Return the task as of now (a consistent read), or None."""
        ...

    def open(self, task: Task, events: tuple[AuditEvent, ...], at: datetime) -> None:
        """Put a task that is absent, its pointer under the request, and its first audit entries, in one transaction.

        The task is OPEN, or CANCELLED so that it cannot open later, or APPLIED when a policy approved it.

        Raises:
            LedgerConflictError: A task of this id exists.
        """
        ...

    def commit(self, change: Change) -> Task:
        """Write a change and its audit entries in one transaction, and return the task as it is then.

        Raises:
            LedgerConflictError: The task is not as the change found it, or the transition is not allowed now.
        """
        ...

    def refresh(self, task_id: str, callback_id: str) -> bool:
        """Point an open task at a fresh callback; tell whether it was open still."""
        ...


class LinkLedger(Protocol):
    """Review links, and which mails went out."""

    def link(self, fingerprint: str) -> Link | None:
        """Return the link of this fingerprint, or None."""
        ...

    def put_link(self, link: Link, expires_at: datetime) -> None:
        """Keep a new link."""
        ...

    def mailed(self, task_id: str, hand_off: int, recipient: str) -> bool:
        """Tell whether this hand-off's mail to this recipient is on record."""
        ...

    def commit_mail(self, change: Change, hand_off: int, recipient: str) -> Task:
        """Put on record, with its audit entry, that a mail was accepted for delivery; otherwise as `commit`."""
        ...


class ReviewLedger(TaskLedger, LinkLedger, Protocol):
    """What reviewing and mailing need."""


class RequestLedger(Protocol):
    """Requests and their results. Every method may raise LedgerUnavailableError."""

    def request(self, request_id: str) -> Request | None:
        """Return the request as of now, or None."""
        ...

    def submit(self, request: Request, at: datetime) -> Request:
        """Put a new request, or return the one of that id that stands there."""
        ...

    def started(self, request_id: str, execution_arn: str) -> None:
        """Put on record that Lambda took the start; a request that has ended meanwhile stays ended."""
        ...

    def finish(self, request_id: str, workflow: str, status: str, result: Any, at: datetime) -> None:
        """Put the end of a request on record; the first end stays."""
        ...

    def task_ids(self, request_id: str) -> list[str]:
        """Return the ids of the request's tasks, in the order of their names."""
        ...

    def tasks(self, task_ids: Iterable[str]) -> list[Task]:
        """Return these tasks."""
        ...


class HandOff(Protocol):
    """A channel that carries envelopes to whoever should do something."""

    def send(self, envelope: Mapping[str, Any]) -> None:
        """Send one envelope.

        Raises:
            HandOffRejectedError: The channel did not take it; the same envelope may be sent again.
        """
        ...


class Doorbell(Protocol):
    """The callback API of durable executions."""

    def ring(self, callback_id: str, at: datetime) -> Ring:
        """Wake the execution that waits on this callback, and return how that went.

        Raises:
            TransientError: Lambda did not answer or was throttled, after bounded retries.
        """
        ...


class WorkflowStarter(Protocol):
    """Starts durable executions."""

    def start(self, workflow: str, request_id: str, payload: Mapping[str, Any]) -> str:
        """Start the workflow under the request's id, at most once, and return the execution's ARN.

        Raises:
            UnknownWorkflowError: No such workflow is deployed.
            RequestConflictError: An execution of that name has another payload.
            StartFailedError: Lambda did not take it; the same start may be tried again.
        """
        ...


class Channel(Protocol):
    """Carries messages to people, such as mail does."""

    def send(self, recipient: str, subject: str, text: str, html: str) -> None:
        """Send one message to one recipient.

        The message holds the recipient's own link: it must reach nobody else.

        Args:
            recipient: Their e-mail address, normalised: how the channel knows people.
            subject: One line.
            text: The whole message as plain text.
            html: The same as HTML, for channels that show it.

        Raises:
            TransientError: The service did not take it; the same message may be sent again.
        """
        ...
