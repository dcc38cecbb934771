"""What the use cases need from outside; `countersign.adapters` has it on AWS, the tests have it in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from countersign.domain.audit import AuditEntry, AuditEvent, Copy
from countersign.domain.claims import TakeOver
from countersign.domain.links import Link
from countersign.domain.people import Entry
from countersign.domain.provider_events import EventRecord, Handling, ParkedEvent
from countersign.domain.requests import Request, RequestStatus
from countersign.domain.tasks import Change, Ring, Task


class TaskLedger(Protocol):
    """The tasks in the ledger. Every method may raise LedgerUnavailableError."""

    def task(self, task_id: str) -> Task | None:
        """Return the task as of now (a consistent read), or None."""
        ...

    def open(self, task: Task, events: tuple[AuditEvent, ...], at: datetime, takeover: TakeOver | None = None) -> None:
        """Put a task that is absent, its pointer under the request, and its first audit entries, in one transaction.

        The task is OPEN, or CANCELLED so that it cannot open later, or APPLIED when a policy approved it. Whose claim
        it takes over gets its audit entry, and gives up what was said of it since, in the same transaction.

        Raises:
            LedgerConflictError: A task of this id exists, or its audit, or one of the same correlation; or the task
                whose claim is taken over has changed, or has it no more.
        """
        ...

    def correlated(self, provider: str, external_id: str) -> str:
        """Return the id of the task that is called so outside; empty where there is none."""
        ...

    def audit(self, task_id: str) -> list[AuditEntry]:
        """Return a task's audit chain as of now, in order."""
        ...

    def commit(self, change: Change) -> Task:
        """Write a change and its audit entries in one transaction, and return the task as it is then.

        Raises:
            LedgerConflictError: The task is not as the change found it, or the transition is not allowed now.
        """
        ...

    def count_refused(self, task_id: str) -> None:
        """Count one more refusal, which is on record in the audit.

        Raises:
            LedgerConflictError: There is no such task, or a transaction held it.
        """
        ...

    def refresh(self, task_id: str, callback_id: str) -> bool:
        """Point an open task at a fresh callback; tell whether it was open still."""
        ...

    def overdue(self, before: datetime) -> Iterator[Task | Request | ParkedEvent]:
        """Yield what was due before a moment, as it stood a moment ago.

        First come tasks and requests, then the tasks that nobody was sent a link of, then parked events; of each, the
        longest overdue first. Tasks are due as `upkeep.look_at` says, requests that are not known to have started from
        when they came, parked events a day after they came, until they are reported.
        """
        ...


class LinkLedger(TaskLedger, Protocol):
    """Links of people, callbacks of machines, and which mails went out."""

    def link(self, fingerprint: str) -> Link | None:
        """Return the link of this fingerprint, or None. The tokens of callbacks are no links."""
        ...

    def callback(self, fingerprint: str) -> Link | None:
        """Return the callback that has the token of this fingerprint, or None."""
        ...

    def put_link(self, link: Link, expires_at: datetime) -> None:
        """Keep a new link without an audit entry: that of a machine's callback."""
        ...

    def commit_link(self, change: Change, link: Link, expires_at: datetime) -> Task:
        """Keep a new link together with its audit entry, in one transaction; otherwise as `commit`."""
        ...

    def waiting(self, recipient: str, now: datetime) -> list[Task]:
        """Return the open tasks that somebody may answer, of those that they were sent links of.

        They come in the order of their deadlines; of more than `MOST_WAITING`, those that end soonest. Which links
        there are may be a moment old.
        """
        ...

    def mailed(self, task_id: str, hand_off: int, recipient: str) -> bool:
        """Tell whether this hand-off's mail to this recipient is on record."""
        ...

    def put_outbox(self, task_id: str, name: str, envelope: Mapping[str, Any], at: datetime, pause: timedelta) -> None:
        """Have an envelope sent that no change goes with, unless one of this name was less than a pause ago."""
        ...

    def delete_outbox(self, pk: str, sk: str) -> None:
        """Take an envelope that was sent out of the outbox; its keys are those of its record on the ledger's stream."""
        ...

    def commit_mail(self, change: Change, hand_off: int, recipient: str) -> Task:
        """Put on record, with its audit entry, that a mail was accepted for delivery; otherwise as `commit`."""
        ...


class EventLedger(TaskLedger, Protocol):
    """Events of providers, and which task they are about."""

    def look_up(self, provider: str, event_id: str, external_id: str) -> tuple[EventRecord | None, str]:
        """Return what is on record of an event, and the id of the task that it is about; empty where there is none."""
        ...

    def commit_event(self, change: Change, record: EventRecord) -> Task:
        """Write a change and that its event came, in one transaction; otherwise as `commit`.

        Raises:
            LedgerConflictError: As `commit` does, or the event is on record.
        """
        ...

    def park(self, parked: ParkedEvent, record: EventRecord, at: datetime) -> None:
        """Keep an event for the task that will be opened, and that it came, in one transaction.

        Raises:
            LedgerConflictError: The task is there by now, or the event is on record.
        """
        ...

    def put_aside(self, record: EventRecord, at: datetime) -> None:
        """Put on record that an event came which cannot act: another body under its id, or a task long gone."""
        ...

    def parked(self, provider: str, external_id: str) -> list[ParkedEvent]:
        """Return the events that wait for a task, the oldest first."""
        ...

    def commit_parked(self, change: Change, parked: ParkedEvent, handling: Handling) -> Task:
        """Write what a parked event does, and take it out of the parking, in one transaction; otherwise as `commit`."""
        ...

    def report_once(self, parked: ParkedEvent, at: datetime) -> bool:
        """Take a parked event out of what is overdue; tell whether this call did. The event stays parked."""
        ...


class AnswerLedger(TaskLedger, Protocol):
    """Heartbeats of machines, and answers that are collected."""

    def beat(self, task_id: str, at: datetime) -> bool:
        """Put on record that a task is worked on; tell whether it was open still."""
        ...

    def responses(self, task_id: str) -> dict[str, str]:
        """Return the answers of a task that are there, as JSON text by their keys."""
        ...


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

    def finish(self, request_id: str, workflow: str, status: RequestStatus, result: Any, at: datetime) -> None:
        """Put the end of a request on record; the first end stays."""
        ...

    def task_ids(self, request_id: str) -> list[str]:
        """Return the ids of the request's tasks, in the order of their names."""
        ...

    def tasks(self, task_ids: Iterable[str]) -> list[Task]:
        """Return these tasks."""
        ...

    def start_again(self, request_id: str, at: datetime) -> bool:
        """Put on record that the sweeper starts a request; tell whether it may: once, and only until it is started."""
        ...


class Ledger(LinkLedger, EventLedger, AnswerLedger, RequestLedger, Protocol):
    """The whole ledger, for use cases that touch several of its aggregates."""


class OperationsLedger(TaskLedger, RequestLedger, Protocol):
    """What recovery by operators needs besides; functions have no right to it."""

    def lost(self, task_id: str, table: str) -> Task | None:
        """Return a task as it stands in a restored table, or None."""
        ...

    def bring_back(self, task: Task, events: tuple[AuditEvent, ...], at: datetime) -> Task:
        """Put a task that is absent, with the next entries of its audit, and return it as it is then.

        Raises:
            LedgerConflictError: The task is there, or its audit is longer than it says.
        """
        ...


class Counters(Protocol):
    """Counters that all containers share, for as long as they are needed."""

    def count(self, key: str, slot: int, ends: int) -> tuple[int, int]:
        """Add one to a counter and to one of its parts, and return both as they are then.

        Args:
            key: The counter.
            slot: Which part, 0 to 255.
            ends: Until when it is needed, in epoch seconds.

        Raises:
            LedgerUnavailableError: They did not answer.
        """
        ...


class Directory(Protocol):
    """What is known of people."""

    def entries(self, addresses: Iterable[str]) -> Mapping[str, Entry]:
        """Return the entry of each of these normalised addresses; whoever is not listed is themselves and there.

        Raises:
            LedgerUnavailableError: The directory did not answer.
        """
        ...


class Secrets(Protocol):
    """The secrets that providers sign with."""

    def active(self, name: str) -> Sequence[str]:
        """Return the active secrets of a provider; a moment old, perhaps.

        Raises:
            SecretError: What is kept for it cannot be read as secrets, or it has none.
            TransientError: The secrets could not be read.
        """
        ...

    def reread(self, name: str) -> Sequence[str] | None:
        """Return the active secrets as of now, or None when they were read only just now; raises as `active` does."""
        ...


class Cipher(Protocol):
    """Encrypts small secrets, each bound to what it belongs to."""

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> str:
        """Return the ciphertext as base64.

        Args:
            plain: At most 4,096 bytes, what KMS encrypts by itself.
            context: What it belongs to; whoever names another cannot decrypt it.

        Raises:
            BodyTooLargeError: It is larger than that.
            TransientError: KMS did not answer or was throttled.
        """
        ...

    def decrypt(self, ciphertext: str, context: Mapping[str, str]) -> bytes:
        """Return the plain bytes.

        Raises:
            WrongContextError: It belongs to something else, was made with another key, or is no ciphertext.
            TransientError: KMS did not answer or was throttled.
        """
        ...


class Heartbeats(Protocol):
    """Keeps callbacks that have a heartbeat timeout alive."""

    def beat(self, callback_id: str) -> None:
        """Tell the execution that waits on this callback that it is worked on.

        Raises:
            TaskClosedError: Nobody waits on it any more.
            TransientError: Lambda did not answer or was throttled; tell it again.
        """
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

    def ring(self, callback_id: str, at: datetime, *, failed: bool = False) -> Ring:
        """Wake the execution that waits on this callback, by a success or a failure, and return how that went.

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


class AuditArchive(Protocol):
    """A copy of the audit that grows and never changes. Every method may raise ArchiveRefusedError."""

    def keep(self, task_id: str, place: str, content: bytes) -> bool:
        """Keep an entry, once: keeping the same again changes nothing.

        Args:
            task_id: Whose chain.
            place: Its place in the chain, as the ledger's sort key has it.
            content: The entry, as `countersign.adapters.task_items.archived_entry` writes it.

        Returns:
            Whether the archive holds this entry now; False where another one stands in its place.
        """
        ...

    def copies(self, task_id: str) -> Mapping[str, Copy]:
        """Return what is kept of a task's chain, by place."""
        ...

    def every_task_id(self) -> set[str]:
        """Return the ids of all tasks of which anything is kept. Reads the whole archive: for operators."""
        ...
