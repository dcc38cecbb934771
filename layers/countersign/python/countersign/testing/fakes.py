"""The ports in memory, with the conditions of the real ones, and a clock for tests to move."""

import dataclasses
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.adapters.event_items import WAITS
from countersign.adapters.executions import PAUSED
from countersign.adapters.kms import MAX_BYTES
from countersign.channels.messages import Message
from countersign.domain import upkeep
from countersign.domain.asks import Ask
from countersign.domain.audit import AuditEntry, AuditEvent, append
from countersign.domain.claims import TakeOver
from countersign.domain.clock import to_text
from countersign.domain.errors import (
    BodyTooLargeError,
    HandOffRejectedError,
    LedgerConflictError,
    LookFailedError,
    WrongContextError,
)
from countersign.domain.links import MOST_NEXT, MOST_WAITING, Link, Purpose
from countersign.domain.people import Entry
from countersign.domain.provider_events import EventRecord, Handling, ParkedEvent
from countersign.domain.requests import WITHDRAWN, Cancelling, Position, Raised, Request, RequestStatus
from countersign.domain.tasks import Change, Deadline, Ring, RingState, Status, Task


class FixedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


class MemoryLedger:
    """Every ledger port in memory. `before_write` runs before each write: there a test causes a race or a failure."""

    def __init__(self) -> None:
        self.standing: dict[str, Task] = {}
        self.as_opened: dict[str, Task] = {}
        self.restored: dict[str, Task] = {}
        self.entries: list[AuditEntry] = []
        self.links: dict[str, Link] = {}
        self.inboxes: set[tuple[str, str]] = set()
        self.asked: dict[str, Request] = {}
        self.asks: dict[str, str] = {}
        self.claims: dict[Any, str] = {}
        self.event_records: dict[tuple[str, str], EventRecord] = {}
        self.parking: dict[tuple[str, str], list[ParkedEvent]] = {}
        self.answers: dict[str, dict[str, str]] = {}
        self.aside: list[EventRecord] = []
        self.outbox: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.sent: dict[tuple[str, str], datetime] = {}
        self.due: dict[Any, datetime] = {}
        self.looks: dict[tuple[str, str], datetime] = {}
        self.before_write: Callable[[str], None] = lambda _: None
        self.after_write: Callable[[str], None] = lambda _: None
        self._lock = threading.RLock()

    # Tasks

    def task(self, task_id: str, *, consistent: bool = True) -> Task | None:
        return self.standing.get(task_id)

    def open(self, task: Task, events: tuple[AuditEvent, ...], at: datetime, takeover: TakeOver | None = None) -> None:
        self.before_write("open")
        with self._lock:
            named = task.question.correlation and (
                task.question.correlation.provider,
                task.question.correlation.external_id,
            )
            holder = takeover and takeover.holder
            if task.task_id in self.standing or self.audit(task.task_id) or self.claims.get(named) != holder:
                raise LedgerConflictError(task.task_id)
            if task.question.irrevocable and (request := self.asked.get(task.request_id)) and request.cancelling:
                raise LedgerConflictError(task.request_id)
            if named and takeover:
                self._release(takeover, named, task.task_id, at)
            if named:
                self.claims[named] = task.task_id
            opened = self._put(task, events, at)
            self.as_opened[task.task_id] = dataclasses.replace(opened, callback_id="")
        self.after_write("open")

    def _release(self, takeover: TakeOver, named: tuple[str, str], task_id: str, at: datetime) -> None:
        if change := takeover.released:
            self._check(change)
            self._put(self.standing[change.before.task_id], change.events, change.at)
        for parked in takeover.events:
            key = (named[0], parked.event.event_id)
            known = self.event_records.get(key, EventRecord(*key, "", Handling.PARKED))
            self.event_records[key] = dataclasses.replace(known, handling=Handling.PARKED, task_id=task_id)
            self.parking.setdefault(named, []).append(parked)
            self.due[(*named, parked.event.event_id)] = at + WAITS

    def commit(self, change: Change) -> Task:
        return self._commit(change, lambda: None)

    def _commit(self, change: Change, together: Callable[[], object], name: str = "commit") -> Task:
        """Write a change together with another write, which may raise like a failed condition of a transaction."""
        self.before_write(name)
        with self._lock:
            self._check(change)
            together()
            now_standing = self.standing[change.before.task_id]
            after = self._put(
                dataclasses.replace(now_standing, status=change.after.status, **change.fields), change.events, change.at
            )
            self.answers.setdefault(after.task_id, {}).update(change.responses)
            if "expires_at" in change.fields:
                self.inboxes |= {(recipient, after.task_id) for recipient in after.audience}
            self.outbox |= {(after.task_id, name): envelope for name, envelope in change.outbox.items()}
        self.after_write(name)
        return after

    def lost(self, task_id: str, table: str) -> Task | None:
        assert table
        return self.restored.get(task_id)

    def bring_back(self, task: Task, events: tuple[AuditEvent, ...], at: datetime) -> Task:
        self.before_write("bring_back")
        with self._lock:
            if task.task_id in self.standing or task.audit_seq != len(self.audit(task.task_id)):
                raise LedgerConflictError(task.task_id)
            return self._put(task, events, at)

    def correlated(self, provider: str, external_id: str) -> str:
        return self.claims.get((provider, external_id), "")

    def audit(self, task_id: str) -> list[AuditEntry]:
        return [entry for entry in self.entries if entry.task_id == task_id]

    def count_refused(self, task_id: str) -> None:
        self.before_write("count_refused")
        with self._lock:
            task = self.standing.get(task_id)
            if task is None:
                raise LedgerConflictError(task_id)
            self.standing[task_id] = dataclasses.replace(task, refused_answers=task.refused_answers + 1)

    def refresh(self, task_id: str, callback_id: str) -> bool:
        self.before_write("refresh")
        with self._lock:
            task = self.standing.get(task_id)
            if task is None or task.status is not Status.OPEN:
                return False
            self.standing[task_id] = dataclasses.replace(task, callback_id=callback_id)
        self.after_write("refresh")
        return True

    def _check(self, change: Change) -> None:
        task, transition = self.standing.get(change.before.task_id), change.transition
        if task is None or (task.audit_seq, task.revision) != (change.before.audit_seq, change.before.revision):
            raise LedgerConflictError(change.before.task_id)
        if transition is None:
            return
        on_time = {
            Deadline.ANY: True,
            Deadline.BEFORE: not task.expired_by(change.at),
            Deadline.PASSED: task.expired_by(change.at),
        }[transition.deadline]
        if task.status is not transition.source or not on_time:
            raise LedgerConflictError(task.task_id)

    def _put(self, task: Task, events: Iterable[AuditEvent], at: datetime) -> Task:
        for event in events:
            policy, ttl = task.question.policy, task.audit_ttl
            entry = append(task.task_id, task.audit_seq, task.audit_head, task.shown, event, at, policy, ttl)
            self.entries.append(entry)
            task = dataclasses.replace(task, audit_seq=entry.seq, audit_head=entry.hash)
        self.standing[task.task_id] = task
        return task

    # Links and e-mails

    def link(self, fingerprint: str) -> Link | None:
        link = self.links.get(fingerprint)
        return link if link and link.purpose in (Purpose.REVIEW, Purpose.INBOX) else None

    def status_link(self, fingerprint: str) -> Link | None:
        link = self.links.get(fingerprint)
        return link if link and link.purpose is Purpose.REQUESTER else None

    def callback(self, fingerprint: str) -> Link | None:
        link = self.links.get(fingerprint)
        return link if link and link.purpose is Purpose.CALLBACK else None

    def put_link(self, link: Link, expires_at: datetime) -> None:
        assert expires_at.tzinfo
        self._keep(link)

    def commit_link(self, change: Change, link: Link, expires_at: datetime) -> Task:
        assert expires_at.tzinfo
        self._keep(link)
        return self._commit(change, lambda: None, "commit_link")

    def _keep(self, link: Link) -> None:
        self.links[link.fingerprint] = link
        if link.purpose is Purpose.REVIEW:
            self.inboxes.add((link.recipient, link.task_id))

    def waiting(self, recipient: str, now: datetime) -> list[Task]:
        linked = (task for task in self.standing.values() if (recipient, task.task_id) in self.inboxes)
        waiting = (task for task in linked if task.waits_for(recipient, now))
        return sorted(waiting, key=lambda task: task.expires_at)[:MOST_WAITING]

    def next_waiting(self, recipient: str, now: datetime, besides: str) -> list[Task]:
        waiting = self.waiting(recipient, now)
        return [task for task in waiting if task.task_id != besides and task.needs(recipient, now)][:MOST_NEXT]

    def delete_outbox(self, pk: str, sk: str) -> None:
        raise NotImplementedError("only the publisher calls it, with keys of the ledger's stream")

    def put_outbox(self, task_id: str, name: str, envelope: Mapping[str, Any], at: datetime, pause: timedelta) -> None:
        key = (task_id, name)
        if key not in self.sent or self.sent[key] <= at - pause:
            self.sent[key] = at
            self.outbox[key] = envelope

    # Events of providers

    def look_up(self, provider: str, event_id: str, external_id: str) -> tuple[EventRecord | None, str, Task | None]:
        task_id = self.correlated(provider, external_id)
        return self.event_records.get((provider, event_id)), task_id, self.as_opened.get(task_id)

    def responses(self, task_id: str) -> dict[str, str]:
        return dict(self.answers.get(task_id, {}))

    def beat(self, task_id: str, at: datetime) -> bool:
        self.before_write("beat")
        with self._lock:
            task = self.standing.get(task_id)
            if task is None or task.status is not Status.OPEN:
                return False
            self.standing[task_id] = dataclasses.replace(task, heartbeat_at=at)
        return True

    def commit_event(self, change: Change, record: EventRecord) -> Task:
        return self._commit(change, lambda: self._put_record(record), "commit_event")

    def park(self, parked: ParkedEvent, record: EventRecord, at: datetime) -> None:
        assert at.tzinfo
        event = parked.event
        self.before_write("park")
        with self._lock:
            if (record.provider, event.external_id) in self.claims:
                raise LedgerConflictError(event.event_id)
            self._put_record(record)
            self.parking.setdefault((record.provider, event.external_id), []).append(parked)
            self.due[(record.provider, event.external_id, event.event_id)] = at + WAITS
        self.after_write("park")

    def put_aside(self, record: EventRecord, at: datetime) -> None:
        assert at.tzinfo
        self.aside.append(record)

    def parked(self, provider: str, external_id: str) -> list[ParkedEvent]:
        return list(self.parking.get((provider, external_id), []))

    def commit_parked(self, change: Change, parked: ParkedEvent, handling: Handling) -> Task:
        provider, event = parked.provider, parked.event

        def unpark() -> None:
            waiting = self.parking.get((provider, event.external_id), [])
            if parked not in waiting:
                raise LedgerConflictError(event.event_id)
            waiting.remove(parked)
            self.due.pop((provider, event.external_id, event.event_id), None)
            key, task_id = (provider, event.event_id), change.before.task_id
            known = self.event_records.get(key, EventRecord(*key, "", handling))
            self.event_records[key] = dataclasses.replace(known, handling=handling, task_id=task_id)

        return self._commit(change, unpark, "commit_parked")

    def _put_record(self, record: EventRecord) -> None:
        if (record.provider, record.event_id) in self.event_records:
            raise LedgerConflictError(record.event_id)
        self.event_records[(record.provider, record.event_id)] = record

    # Requests

    def request(self, request_id: str, *, consistent: bool = True) -> Request | None:
        return self.asked.get(request_id)

    def last_asked(self, fingerprint: str) -> str:
        return self.asks.get(fingerprint, "")

    def submit(self, request: Request, at: datetime, ask: Ask | None = None) -> Request:
        if ask and request.request_id not in self.asked:
            if self.last_asked(ask.fingerprint) != ask.earlier:
                raise LedgerConflictError(ask.fingerprint)
            self.asks[ask.fingerprint] = request.request_id
        self.due.setdefault(request.request_id, at)
        return self.asked.setdefault(request.request_id, request)

    def started(self, request_id: str, execution_arn: str) -> None:
        request = self.asked.get(request_id)
        if request and request.status is RequestStatus.SUBMITTED:
            self.asked[request_id] = dataclasses.replace(
                request, status=RequestStatus.RUNNING, execution_arn=execution_arn, input=None
            )

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
        request = self.asked.get(request_id) or Request(request_id, workflow)
        if not request.ended:
            self.asked[request_id] = dataclasses.replace(
                request, status=status, result=result, input=None, error=error, raised=raised, ended_at=at
            )

    def listed(
        self, since: datetime | None, after: Position | None, most: int
    ) -> tuple[list[Request], Position | None]:
        places = {
            Position(to_text(request.created_at), request.request_id): request
            for request in self.asked.values()
            if request.created_at and request.status is not RequestStatus.SUBMITTED
        }
        wanted = [
            place
            for place in sorted(places, reverse=True)
            if (not since or place.at >= to_text(since)) and (not after or place < after)
        ]
        page = wanted[:most]
        return [places[place] for place in page], page[-1] if len(wanted) > most else None

    def cancel(self, request: Request, cancelling: Cancelling, withdrawals: Sequence[Change]) -> None:
        self.before_write("cancel")
        with self._lock:
            standing = self.asked[request.request_id]
            if standing.status is not request.status or standing.cancelling:
                raise LedgerConflictError(request.request_id)
            for change in withdrawals:
                self._check(change)
            ended = standing.status is RequestStatus.SUBMITTED
            self.asked[request.request_id] = dataclasses.replace(standing, cancelling=cancelling)
            for change in withdrawals:
                self._put(change.after, change.events, change.at)
        if ended:
            self.finish(request.request_id, request.workflow, RequestStatus.CANCELLED, None, cancelling.at, WITHDRAWN)
        self.after_write("cancel")

    def task_ids(self, request_id: str) -> list[str]:
        return sorted(task.task_id for task in self.standing.values() if task.request_id == request_id)

    def with_tasks(self, request_id: str) -> tuple[Request | None, list[Task]]:
        return self.asked.get(request_id), [self.standing[task_id] for task_id in self.task_ids(request_id)]

    def start_again(self, request_id: str, at: datetime) -> bool:
        with self._lock:
            request = self.asked[request_id]
            if request.status is not RequestStatus.SUBMITTED or request.swept_at:
                return False
            self.asked[request_id] = dataclasses.replace(request, swept_at=at)
        return True

    # Overdue work

    def overdue(self, before: datetime) -> Iterator[Task | Request | ParkedEvent]:
        found: list[tuple[datetime, Task | Request | ParkedEvent]] = []
        unsent: list[tuple[datetime, Task]] = []
        reserved: list[tuple[datetime, Task]] = []
        for task in self.standing.values():
            if at := upkeep.look_at(task):
                is_unsent = task.status is Status.OPEN and task.is_unsent
                kind = unsent if is_unsent else reserved if task.status is Status.APPLIED else found
                kind.append((at, task))
        found += [
            (self.due[key], request) for key, request in self.asked.items() if request.status is RequestStatus.SUBMITTED
        ]
        parked = [
            (self.due[key], parked)
            for (provider, external_id), waiting in self.parking.items()
            for parked in waiting
            if (key := (provider, external_id, parked.event.event_id)) in self.due
        ]
        for each in (found, unsent, reserved, parked):
            yield from (due for at, due in sorted(each, key=lambda one: one[0]) if at <= before)

    def look_once(self, provider: str, external_id: str, at: datetime, pause: timedelta) -> bool:
        key = (provider, external_id)
        with self._lock:
            may = key not in self.looks or self.looks[key] <= at - pause
            self.looks |= {key: at} if may else {}
            return may

    def report_once(self, parked: ParkedEvent, at: datetime) -> bool:
        assert at.tzinfo
        event = parked.event
        with self._lock:
            return self.due.pop((parked.provider, event.external_id, event.event_id), None) is not None


class MemoryDirectory:
    """The aliases and absences that a test adds; unknown people have neither."""

    def __init__(self, known: Mapping[str, Entry] | None = None) -> None:
        self.known = dict(known or {})

    def entries(self, addresses: Iterable[str], *, consistent: bool = True) -> Mapping[str, Entry]:
        return {address: self.known.get(address, Entry(address)) for address in addresses}


class MemoryProviderApi:
    """The APIs of providers: answers a path with a body, JSON or an error. A path without an answer is not found."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, Mapping[str, str], bytes | None]] = []

    def at(self, host: str) -> Callable[[str, Mapping[str, str], bytes | None], bytes]:
        def call(path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
            self.asked.append((host + path, headers, body))
            answer = self.answers.get(path, LookFailedError("not_found"))
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

        return call


class MemoryHandOff:
    """Keeps the envelopes; refuses the first `refusals` of them."""

    def __init__(self, refusals: int = 0) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self.refusals = refusals

    def send(self, envelope: Mapping[str, Any]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise HandOffRejectedError("refused")
        self.sent.append(envelope)

    @property
    def kinds(self) -> list[str]:
        return [envelope["kind"] for envelope in self.sent]


class MemoryCipher:
    """Encodes reversibly, bound to the context; raises `failures` first."""

    def __init__(self, failures: Iterable[Exception] = ()) -> None:
        self.failures = list(failures)
        self._number = 0

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> str:
        self._fail()
        if len(plain) > MAX_BYTES:
            raise BodyTooLargeError(MAX_BYTES)
        self._number += 1
        sealed = {"number": self._number, "context": dict(context), "hidden": b64encode(plain).decode()}
        return b64encode(json.dumps(sealed).encode()).decode()

    def decrypt(self, ciphertext: str, context: Mapping[str, str]) -> bytes:
        self._fail()
        sealed = json.loads(b64decode(ciphertext))
        if sealed["context"] != dict(context):
            raise WrongContextError
        return b64decode(sealed["hidden"])

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


class MemoryHeartbeats:
    """Keeps the callbacks that received a heartbeat; raises `failures` first."""

    def __init__(self, failures: Iterable[Exception] = ()) -> None:
        self.beaten: list[str] = []
        self.failures = list(failures)

    def beat(self, callback_id: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.beaten.append(callback_id)


class MemoryChannel:
    """Keeps the messages that were sent."""

    def __init__(self) -> None:
        self.tried: list[Message] = []
        self.sent: list[Message] = []
        self.failing: dict[str, Exception] = {}

    def send(self, message: Message) -> Mapping[str, str]:
        self.tried.append(message)
        if message.recipient in self.failing:
            raise self.failing[message.recipient]
        self.sent.append(message)
        return {"channel": "email"}


class MemoryDoorbell:
    """Keeps the callbacks that were rung; returns or raises `answers` first."""

    def __init__(self, answers: Iterable[Ring | Exception] = ()) -> None:
        self.rung: list[str] = []
        self.failed = False
        self.answers = list(answers)

    def ring(self, callback_id: str, at: datetime, *, failed: bool = False) -> Ring:
        self.rung.append(callback_id)
        self.failed = failed
        answer = self.answers.pop(0) if self.answers else Ring(RingState.DELIVERED, at)
        if isinstance(answer, Exception):
            raise answer
        return answer


class MemoryExecutions:
    """The executions that a test has paused, and the errors of those that failed."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.errors: dict[str, Raised] = {}

    def is_paused(self, execution_arn: str) -> bool:
        return self.statuses.get(execution_arn) in PAUSED

    def raised(self, execution_arn: str) -> Raised | None:
        return self.errors.get(execution_arn)


class MemoryStarter:
    """Keeps the executions that were started; raises `failures` first."""

    def __init__(self, failures: Iterable[Exception] = ()) -> None:
        self.started: list[tuple[str, str, Mapping[str, Any]]] = []
        self.failures = list(failures)

    def start(self, workflow: str, request_id: str, payload: Mapping[str, Any]) -> str:
        if self.failures:
            raise self.failures.pop(0)
        self.started.append((workflow, request_id, payload))
        return f"arn:aws:lambda:eu-central-1:111122223333:function:{workflow}:1/durable-execution/{request_id}/1"
