"""The interfaces that the use cases need; implemented in `countersign.adapters` on AWS and in memory for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the annotations alone need them: each function imports what it uses
    from countersign.domain.asks import Ask
    from countersign.domain.audit import AuditEntry, AuditEvent
    from countersign.domain.claims import TakeOver
    from countersign.domain.copies import Copy
    from countersign.domain.errors import HandOffRejectedError
    from countersign.domain.kept_events import KeptEvent
    from countersign.domain.links import Link
    from countersign.domain.people import Entry
    from countersign.domain.provider_events import EventRecord, Handling, ParkedEvent
    from countersign.domain.requests import Cancelling, Position, Raised, Request, RequestStatus
    from countersign.domain.tasks import Change, Ring, Task
    from countersign.providers.base import Verified, WebhookRequest


class TaskLedger(Protocol):
    """The tasks in the ledger. Every method may raise LedgerUnavailableError."""

    def task(self, task_id: str, *, consistent: bool = True) -> Task | None:
        """Return the task, or None; without `consistent`, it may lack what the last second changed."""
        ...

    def open(self, task: Task, events: tuple[AuditEvent, ...], at: datetime, takeover: TakeOver | None = None) -> None:
        """Put a new task with its first audit entries in one transaction, after its question.

        The task is OPEN, or CANCELLED so that it cannot open later, or APPLIED if a policy approved it. In a takeover,
        the same transaction writes the earlier task's audit entry and parks its later events for the new task. An
        irrevocable task is not opened if its request is marked as `cancelling`.

        Raises:
            LedgerConflictError: A task or an audit of this id exists, or another task has the correlation; or the task
                whose correlation is taken over has changed, or no longer has it.
        """
        ...

    def correlated(self, provider: str, external_id: str) -> str:
        """Return the id of the task with this external id, or an empty string."""
        ...

    def audit(self, task_id: str) -> list[AuditEntry]:
        """Return a task's audit chain, read consistently, in order."""
        ...

    def commit(self, change: Change) -> Task:
        """Write a change and its audit entries in one transaction, and return the task afterwards.

        Raises:
            LedgerConflictError: The task has changed since it was read, or the transition is not allowed now.
        """
        ...

    def count_refused(self, task_id: str) -> None:
        """Count a repetition of a refusal that the audit has already.

        Raises:
            LedgerConflictError: No task has this id, or a transaction held it.
        """
        ...

    def refresh(self, task_id: str, callback_id: str) -> bool:
        """Point an open task at a fresh callback; return whether it was open."""
        ...

    def overdue(self, before: datetime) -> Iterator[Task | Request | ParkedEvent]:
        """Yield what was due before a moment, read with eventual consistency.

        Tasks and requests come first, then tasks without a sent link, payments with reserved money, and parked events;
        of each kind, the longest overdue first. A task is due at the time of `upkeep.look_at`, a request from its
        submission until its start is recorded, a parked event from a day after its arrival until it is reported.
        """
        ...


class LinkLedger(TaskLedger, Protocol):
    """Links of people, and callbacks of machines."""

    def link(self, fingerprint: str) -> Link | None:
        """Return the review or inbox link of this fingerprint, or None. Neither callbacks nor requesters have one."""
        ...

    def status_link(self, fingerprint: str) -> Link | None:
        """Return the requester's link of this fingerprint, or None."""
        ...

    def callback(self, fingerprint: str) -> Link | None:
        """Return the callback whose token has this fingerprint, or None."""
        ...

    def put_link(self, link: Link, expires_at: datetime) -> None:
        """Store a new link without an audit entry: the one of a machine's callback."""
        ...

    def commit_link(self, change: Change, link: Link, expires_at: datetime) -> Task:
        """Store a new link, then its audit entry; otherwise as `commit`.

        After a conflict the link stays and opens nothing, because its token was not sent.
        """
        ...

    def waiting(self, recipient: str, now: datetime) -> list[Task]:
        """Return the open tasks that a recipient was sent links to and may answer.

        They are in the order of their deadlines, and at most `MOST_WAITING`: those that end first. The list of links is
        eventually consistent.
        """
        ...

    def next_waiting(self, recipient: str, now: datetime, besides: str) -> list[Task]:
        """Return the tasks that wait for a recipient's first answer, besides one, in the order of their deadlines.

        At most `MOST_NEXT`, and in at most two calls: those behind the links that end first. All is eventually
        consistent: a task that was decided just now may be among them.
        """
        ...

    def put_outbox(self, task_id: str, name: str, envelope: Mapping[str, Any], at: datetime, pause: timedelta) -> None:
        """Put an envelope into the outbox without a change, unless one of this name was put there within the pause."""
        ...

    def delete_outbox(self, pk: str, sk: str) -> None:
        """Delete a sent envelope from the outbox, by the keys of its record on the ledger's stream."""
        ...


class EventLedger(TaskLedger, Protocol):
    """Events of providers, and their tasks."""

    def look_up(self, provider: str, event_id: str, external_id: str) -> tuple[EventRecord | None, str, Task | None]:
        """Return an event's record, or None; the id of the task with this external id, or an empty string; that task.

        The task is as it was opened, so it may have changed since; None if the ledger has no such copy.
        """
        ...

    def commit_event(self, change: Change, record: EventRecord) -> Task:
        """Write a change and the record of its event in one transaction; otherwise as `commit`.

        Raises:
            LedgerConflictError: As for `commit`, or the event is already recorded.
        """
        ...

    def park(self, parked: ParkedEvent, record: EventRecord, at: datetime) -> None:
        """Park an event for a task that is not open yet, and record the event, in one transaction.

        Raises:
            LedgerConflictError: The task is open by now, or the event is already recorded.
        """
        ...

    def put_aside(self, record: EventRecord, at: datetime) -> None:
        """Record an event that cannot act: its id has come with another body, or its task has been purged."""
        ...

    def parked(self, provider: str, external_id: str) -> list[ParkedEvent]:
        """Return the parked events of an external id, the oldest first."""
        ...

    def commit_parked(self, change: Change, parked: ParkedEvent, handling: Handling) -> Task:
        """Write the effect of a parked event and remove the event, in one transaction; otherwise as `commit`."""
        ...

    def look_once(self, provider: str, external_id: str, at: datetime, pause: timedelta) -> bool:
        """Record that a webhook causes a look; return whether it may: not within the pause after another."""
        ...

    def report_once(self, parked: ParkedEvent, at: datetime) -> bool:
        """Mark a parked event as reported, so that it is not overdue; return whether this call did. It stays parked."""
        ...


class AnswerLedger(TaskLedger, Protocol):
    """Heartbeats of machines, and collected answers."""

    def beat(self, task_id: str, at: datetime) -> bool:
        """Record a heartbeat of an open task; return whether it was open."""
        ...

    def responses(self, task_id: str) -> dict[str, str]:
        """Return the collected answers of a task, as JSON text by their keys."""
        ...


class RequestLedger(Protocol):
    """Requests and their results. Every method may raise LedgerUnavailableError."""

    def request(self, request_id: str, *, consistent: bool = True) -> Request | None:
        """Return the request, read consistently by default, or None."""
        ...

    def submit(self, request: Request, at: datetime, ask: Ask | None = None) -> Request:
        """Put a new request, or return the existing one of its id.

        Args:
            request: The request.
            at: The current time.
            ask: What an AI agent asks with it, of which it becomes the last request; None for other callers.

        Raises:
            LedgerConflictError: The last request of this ask is another one by now.
        """
        ...

    def last_asked(self, fingerprint: str) -> str:
        """Return the id of the last request of an ask, read consistently; empty for none."""
        ...

    def started(self, request_id: str, execution_arn: str) -> None:
        """Record that Lambda accepted the start; a request that has ended stays ended."""
        ...

    def finish(
        self,
        request_id: str,
        workflow: str,
        status: RequestStatus,
        result: Any,
        at: datetime,
        error: str = "",
        raised: Raised | None = None,
    ) -> None:
        """Record the end of a request; the first recorded end stays."""
        ...

    def listed(
        self, since: datetime | None, after: Position | None, most: int
    ) -> tuple[list[Request], Position | None]:
        """Return requests whose start is recorded, the newest first, with eventual consistency.

        Args:
            since: The earliest time of their submission; None for any.
            after: The position after which to begin; None for the newest.
            most: The most requests, at most 100.

        Returns:
            The requests, without input, result and tasks, and the position at which to go on; None at the end.
        """
        ...

    def cancel(self, request: Request, cancelling: Cancelling, withdrawals: Sequence[Change]) -> None:
        """Mark a request and withdraw tasks of it, in one transaction.

        A request whose start is not recorded ends with it: nobody starts it again. If it was started all the same, its
        workflow finds the mark.

        Args:
            request: The request as it was read, not ended.
            cancelling: The mark.
            withdrawals: The changes of its open tasks, at most `cancellations.AT_ONCE`.

        Raises:
            LedgerConflictError: The request or one of the tasks has changed since.
        """
        ...

    def task_ids(self, request_id: str) -> list[str]:
        """Return the ids of the request's tasks, in the order of their names."""
        ...

    def with_tasks(self, request_id: str) -> tuple[Request | None, list[Task]]:
        """Return the request, or None, and its tasks in the order of their names.

        They are read consistently until all has ended. Then tasks may lack what the last second changed: a refund.
        """
        ...

    def start_again(self, request_id: str, at: datetime) -> bool:
        """Record that the sweeper starts a request; return whether it may: only once, and only before it is started."""
        ...


class Ledger(LinkLedger, EventLedger, AnswerLedger, RequestLedger, Protocol):
    """The whole ledger, for use cases that touch several of its aggregates."""


class OperationsLedger(TaskLedger, RequestLedger, Protocol):
    """The ledger for recovery by operators; no function may use it."""

    def commit_link(self, change: Change, link: Link, expires_at: datetime) -> Task:
        """See `LinkLedger.commit_link`."""
        ...

    def lost(self, task_id: str, table: str) -> Task | None:
        """Return a task from a restored table, or None."""
        ...

    def bring_back(self, task: Task, events: tuple[AuditEvent, ...], at: datetime) -> Task:
        """Put a lost task with the next entries of its audit, and return the task afterwards.

        Raises:
            LedgerConflictError: The task exists, or its audit has more entries than it counts.
        """
        ...


class Counters(Protocol):
    """Counters that all containers share."""

    def count(self, key: str, added: Mapping[int, int], ends: int) -> tuple[int, Mapping[int, int]]:
        """Add to a counter and its parts, and return the counter and these parts afterwards.

        Args:
            key: The counter.
            added: What to add to each part, by its number, 0 to 255.
            ends: When the counter may be deleted, in epoch seconds.

        Raises:
            LedgerUnavailableError: The table did not answer.
        """
        ...


class Places(Protocol):
    """The places of the callers who wait for the end of a request; all containers share them."""

    def take(self, now: datetime, until: datetime) -> int | None:
        """Take a free place until a time, and return its number; None if none is free, or the table did not answer."""
        ...

    def leave(self, place: int, until: datetime) -> None:
        """Give up a place that was taken until this time."""
        ...


class Directory(Protocol):
    """The directory of people: aliases and absences."""

    def entries(self, addresses: Iterable[str], *, consistent: bool = True) -> Mapping[str, Entry]:
        """Return the entry of each normalised address; without one, a person has no alias and is not away.

        Args:
            addresses: The addresses.
            consistent: Whether changes of the last second must be known. Leave it out where identity counts.

        Raises:
            LedgerUnavailableError: The directory did not answer.
        """
        ...


class Secrets(Protocol):
    """The secrets with which providers sign."""

    def active(self, name: str) -> Sequence[str]:
        """Return a provider's active secrets, which may be cached.

        Raises:
            SecretError: The stored secrets are missing or malformed.
            TransientError: The secrets could not be read.
        """
        ...

    def reread(self, name: str) -> Sequence[str] | None:
        """Return the current active secrets, or None if they were read just now; raises as `active` does."""
        ...


class ProviderApi(Protocol):
    """The APIs of providers."""

    def at(self, host: str) -> Callable[[str, Mapping[str, str], bytes | None], bytes]:
        """Return a function that calls paths of a host with headers, by GET or, with a body, by POST.

        All of its calls together take at most `SECONDS`. It returns the body of an answer with status 200, and raises
        LookFailedError otherwise.
        """
        ...


class PaymentLooks(Protocol):
    """The function that asks providers for payments."""

    def look(self, provider: str, external_id: str, lookup_id: str = "") -> Mapping[str, str]:
        """Ask a provider for a payment, and return the fields of `countersign.services.looks.Looked`.

        Raises:
            LookFailedError: The provider did not say how the payment stands, or the function did not run.
        """
        ...

    def start(self, provider: str, external_id: str) -> None:
        """Ask a provider for a payment, without waiting for the answer.

        Raises:
            StartFailedError: Lambda did not accept the call; try again.
        """
        ...


class Cipher(Protocol):
    """Encrypts small secrets, each bound to its context."""

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> str:
        """Return the ciphertext as base64.

        Args:
            plain: At most 4,096 bytes, the limit of KMS.
            context: The encryption context; only the same context decrypts it.

        Raises:
            BodyTooLargeError: The plain bytes are over the limit.
            TransientError: KMS did not answer or was throttled.
        """
        ...

    def decrypt(self, ciphertext: str, context: Mapping[str, str]) -> bytes:
        """Return the plain bytes.

        Raises:
            WrongContextError: The ciphertext has another context or key, or is malformed.
            TransientError: KMS did not answer or was throttled.
        """
        ...


class Heartbeats(Protocol):
    """Keeps callbacks that have a heartbeat timeout alive."""

    def beat(self, callback_id: str) -> None:
        """Send a heartbeat to a callback.

        Raises:
            TaskClosedError: No execution waits on the callback any more.
            TransientError: Lambda throttled the call or did not answer; send it again.
        """
        ...


class HandOff(Protocol):
    """The bus that carries envelopes to channels and machines."""

    def send(self, envelope: Mapping[str, Any]) -> None:
        """Send one envelope.

        Raises:
            HandOffRejectedError: The bus did not accept the envelope; send it again.
        """
        ...


class Bus(HandOff, Protocol):
    """The bus, for a sender of many envelopes and events."""

    def send_all(self, envelopes: Sequence[Mapping[str, Any]]) -> Sequence[HandOffRejectedError | None]:
        """Send envelopes in their order, in as few calls as possible.

        Returns:
            For each envelope None, or why the bus did not accept it; send it again.
        """
        ...


class Doorbell(Protocol):
    """The callback API of durable executions."""

    def ring(self, callback_id: str, at: datetime, *, failed: bool = False) -> Ring:
        """Complete a callback with a success or a failure, which wakes its execution, and return Lambda's answer.

        Raises:
            TransientError: Lambda throttled the call or did not answer, after bounded retries.
        """
        ...


class ExecutionStates(Protocol):
    """The states of durable executions."""

    def is_paused(self, execution_arn: str) -> bool:
        """Tell whether somebody has paused an execution; False if Lambda does not know it or does not answer.

        A paused execution takes callbacks, and acts on them when somebody resumes it.
        """
        ...

    def raised(self, execution_arn: str) -> Raised | None:
        """Return the error of a failed execution; None if Lambda knows none or does not answer."""
        ...


class WorkflowStarter(Protocol):
    """Starts durable executions."""

    def start(self, workflow: str, request_id: str, payload: Mapping[str, Any]) -> str:
        """Start the workflow under the request's id, at most once, and return the execution's ARN.

        Raises:
            UnknownWorkflowError: No workflow of this name is deployed.
            RequestConflictError: An execution of this name has another payload.
            StartFailedError: Lambda did not accept the start; try again.
        """
        ...


class AuditArchive(Protocol):
    """An append-only copy of the audit. Every method may raise ArchiveRefusedError."""

    def keep(self, day: date, entries: Sequence[tuple[str, bytes]]) -> bool:
        """Store the entries of a batch, at most 100; storing the same batch again changes nothing.

        Args:
            day: The day on which the first one was written; the same when the batch is tried again.
            entries: The task of each entry, and the entry as `countersign.adapters.task_items.archived_entry` writes
                it. An entry may be stored in several batches.

        Returns:
            Whether the archive has these entries now; False if it has something else in their place.
        """
        ...

    def copies(self, task_ids: Collection[str] = ()) -> Mapping[str, Mapping[str, Copy]]:
        """Return the archived entries of the chains of these tasks, or of all, by task and place in the chain.

        For operators: looks at the name of every object in the archive, and reads those of these tasks.
        """
        ...


class KeptEvents(Protocol):
    """Verified posts of providers, kept for some days. Every method may raise KeptEventsUnavailableError."""

    def put(self, event: KeptEvent, *, replace: bool) -> None:
        """Keep an event under its key; unless it replaces one there, the one there stays."""
        ...

    def read(self, key: str) -> KeptEvent:
        """Return the event of a key.

        Raises:
            KeptEventError: There is none, another stage received it, or it was altered.
        """
        ...


class KeepEvent(Protocol):
    """Keeps a verified post."""

    def __call__(
        self, name: str, scheme: str, request: WebhookRequest, verified: Verified, at: datetime, became: str
    ) -> None:
        """Keep it; never raise.

        Args:
            name: The provider's name.
            scheme: Its scheme.
            request: The post.
            verified: The post, verified.
            at: Time of receipt.
            became: How it was handled.
        """
        ...
