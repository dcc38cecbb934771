"""The ports in memory, with the conditions of the real ones, and a clock that tests move."""

import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.domain.audit import AuditEntry, AuditEvent, append
from countersign.domain.errors import HandOffRejectedError, LedgerConflictError
from countersign.domain.identity import normalise
from countersign.domain.tasks import Change, Deadline, Ring, Status, Task
from countersign.ports import Link, Request


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


class MemoryLedger:
    """Every ledger port in memory. `before_write` runs before each write: where tests let others be faster, or fail."""

    def __init__(self) -> None:
        self.standing: dict[str, Task] = {}
        self.entries: list[AuditEntry] = []
        self.links: dict[str, Link] = {}
        self.mails: set[tuple[str, int, str]] = set()
        self.asked: dict[str, Request] = {}
        self.before_write: Callable[[str], None] = lambda _: None
        self.after_write: Callable[[str], None] = lambda _: None
        self._lock = threading.RLock()

    # Tasks

    def task(self, task_id: str) -> Task | None:
        return self.standing.get(task_id)

    def open(self, task: Task, events: tuple[AuditEvent, ...], at: datetime) -> None:
        self.before_write("open")
        with self._lock:
            if task.task_id in self.standing:
                raise LedgerConflictError(task.task_id)
            self._put(task, events, at)
        self.after_write("open")

    def commit(self, change: Change) -> Task:
        self.before_write("commit")
        with self._lock:
            self._check(change)
            status = change.transition.target if change.transition else change.before.status
            now_standing = self.standing[change.before.task_id]
            after = self._put(
                dataclasses.replace(now_standing, status=status, **change.fields), change.events, change.at
            )
        self.after_write("commit")
        return after

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
            entry = append(task.task_id, task.audit_seq, task.audit_head, task.shown, event, at, task.policy)
            self.entries.append(entry)
            task = dataclasses.replace(task, audit_seq=entry.seq, audit_head=entry.hash)
        self.standing[task.task_id] = task
        return task

    # Links and mails

    def link(self, fingerprint: str) -> Link | None:
        return self.links.get(fingerprint)

    def put_link(self, link: Link, expires_at: datetime) -> None:
        assert expires_at.tzinfo
        self.links[link.fingerprint] = link

    def mailed(self, task_id: str, hand_off: int, recipient: str) -> bool:
        return (task_id, hand_off, normalise(recipient)) in self.mails

    def commit_mail(self, change: Change, hand_off: int, recipient: str) -> Task:
        after = self.commit(change)
        self.mails.add((change.before.task_id, hand_off, normalise(recipient)))
        return after

    # Requests

    def request(self, request_id: str) -> Request | None:
        return self.asked.get(request_id)

    def submit(self, request: Request, at: datetime) -> Request:
        assert at.tzinfo
        return self.asked.setdefault(request.request_id, request)

    def started(self, request_id: str, execution_arn: str) -> None:
        request = self.asked.get(request_id)
        if request and request.status == "submitted":
            self.asked[request_id] = dataclasses.replace(request, status="running", execution_arn=execution_arn)

    def finish(self, request_id: str, workflow: str, status: str, result: Any, at: datetime) -> None:
        assert at.tzinfo
        request = self.asked.get(request_id) or Request(request_id, workflow)
        if request.status in ("submitted", "running"):
            self.asked[request_id] = dataclasses.replace(request, status=status, result=result)

    def task_ids(self, request_id: str) -> list[str]:
        return sorted(task.task_id for task in self.standing.values() if task.request_id == request_id)

    def tasks(self, task_ids: Iterable[str]) -> list[Task]:
        return [self.standing[task_id] for task_id in task_ids if task_id in self.standing]


class MemoryHandOff:
    """Keeps what was handed off; refuses as long as `refusals` last."""

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


class MemoryChannel:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, str]] = []
        self.failing: dict[str, Exception] = {}

    def send(self, recipient: str, subject: str, text: str, html: str) -> None:
        if recipient in self.failing:
            raise self.failing[recipient]
        self.sent.append((recipient, subject, text, html))


class MemoryDoorbell:
    """Keeps which callbacks were rung, and answers as told."""

    def __init__(self, answers: Iterable[Ring | Exception] = ()) -> None:
        self.rung: list[str] = []
        self.answers = list(answers)

    def ring(self, callback_id: str, at: datetime) -> Ring:
        self.rung.append(callback_id)
        answer = self.answers.pop(0) if self.answers else Ring("delivered", at)
        if isinstance(answer, Exception):
            raise answer
        return answer


class MemoryStarter:
    """Keeps what was started, and fails as told."""

    def __init__(self, failures: Iterable[Exception] = ()) -> None:
        self.started: list[tuple[str, str, Mapping[str, Any]]] = []
        self.failures = list(failures)

    def start(self, workflow: str, request_id: str, payload: Mapping[str, Any]) -> str:
        if self.failures:
            raise self.failures.pop(0)
        self.started.append((workflow, request_id, payload))
        return f"arn:aws:lambda:eu-central-1:111122223333:function:{workflow}:1/durable-execution/{request_id}/1"
