"""Answers of machines: the effect of an answer or a failure of a service, a worker or a partner."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from countersign.domain import tasks
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import BodyTooLargeError, DecidedOtherwiseError, TaskClosedError, TooManyAnswersError
from countersign.domain.questions import Collecting
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import canonical, digest
from countersign.domain.tasks import DECIDING, MAX_ANSWERS, STAYING, Change, Failure, Status, Task, cancel

MAX_ANSWER_BYTES = 200_000
"""The largest answer or failure, in bytes of canonical JSON; a durable checkpoint, at most 256 KB, must hold it."""

MAX_DETAIL_CHARACTERS = 500
"""How much of a contract problem the audit keeps: the sender decides how long a JSON pointer is."""

SIGNED = "webhook signature"
"""The audit's word for a provider that was identified by its signature."""

ASKED = "provider API"
"""The audit's word for a provider that the kit asked, at its host."""

ON_BUS = "event bus"
"""The audit's word for a sender whom the event bus has identified by the source of its event."""

ON_PARTNER_BUS = "partner event bus"
"""The audit's word for a partner that AWS identified as the owner of the event source."""

WORKER_LOST = "worker_lost"
"""The reason of a task whose machine stopped sending heartbeats."""


@dataclass(frozen=True)
class Sender:
    """The sender of an answer.

    Attributes:
        actor: Its name: a provider, a partner, `worker`.
        identified_by: How it was identified: `callback token`, `webhook signature`, `provider API`, `event bus`.
        source: Network of the sender; empty without one.
        token: The sender's token, which is stored nowhere; empty without one.
    """

    actor: str
    identified_by: str
    source: str = ""
    token: str = field(default="", repr=False)

    @property
    def is_provider(self) -> bool:
        """Whether the sender is the provider itself, whose event ids nobody else can invent."""
        return self.identified_by in (SIGNED, ON_PARTNER_BUS, ASKED)

    def event(self, event: str, data: Mapping[str, Any]) -> AuditEvent:
        """Return an audit event with this sender as the actor."""
        return AuditEvent(event, self.actor, self.identified_by, self.source, data)


def succeed(task: Task, document: Mapping[str, Any], sender: Sender, now: datetime) -> Change | None:
    """Return the effect of a machine's answer.

    Args:
        task: The task.
        document: The answer; keeps the task's contract.
        sender: Who sent it.
        now: The current time.

    Returns:
        The change to write, or None if the machine repeats its answer.

    Raises:
        BodyTooLargeError: It is larger than an answer may be.
        DecidedOtherwiseError: The task has another answer.
        TaskClosedError: The task expired or was cancelled.
    """
    text = _text_of(document, MAX_ANSWER_BYTES)
    if (task.outcome, task.answer, task.decided_by) == (Outcome.ANSWERED, text, (sender.actor,)):
        return None
    check_open(task, now)
    answered = sender.event("answered", {"sha256": digest(document)})
    return decide(task, Outcome.ANSWERED, {"answer": text}, (answered,), sender, now)


def fail(task: Task, failure: Failure, sender: Sender, now: datetime) -> Change | None:
    """Return the effect of a machine's failure; otherwise as `succeed`.

    For encrypted tasks only the code is kept, because the rest may reveal the secret.
    """
    failure = Failure(failure.code) if task.question.encrypted else failure
    check_size([failure.code, failure.message, failure.data])
    if (task.outcome, task.failure, task.decided_by) == (Outcome.FAILED, failure, (sender.actor,)):
        return None
    check_open(task, now)
    answered = sender.event("failed", {"code": failure.code})
    return decide(task, Outcome.FAILED, {"failure": failure}, (answered,), sender, now)


def collect(
    task: Task,
    collecting: Collecting,
    document: Mapping[str, Any],
    standing: Mapping[str, str],
    sender: Sender,
    now: datetime,
) -> Change | None:
    """Return the effect of one of several collected answers; the last missing one decides the task.

    Args:
        task: The task.
        collecting: What it collects.
        document: The answer; keeps the task's contract, and its key is one of those required.
        standing: The answers that are there, as JSON text by their keys.
        sender: Who sent it.
        now: The current time.

    Returns:
        The change to write, or None if the answer is repeated.

    Raises:
        BodyTooLargeError: It is larger than its share of an answer may be.
        DecidedOtherwiseError: All answers are there.
        TaskClosedError: The task expired or was cancelled.
        TooManyAnswersError: Answers were replaced too often; those that are missing are still taken.
    """
    key = str(document[collecting.key])
    text = _text_of(document, MAX_ANSWER_BYTES // len(collecting.required))
    repeated = key in task.received and standing.get(key) == text
    if not (repeated and task.outcome is Outcome.ANSWERED):
        check_open(task, now)
    if repeated:
        return None
    if key in task.received and task.revision >= MAX_ANSWERS * len(collecting.required):
        raise TooManyAnswersError
    received = tuple(name for name in collecting.required if name == key or name in task.received)
    entry = sender.event("answered", {"key": key, "sha256": digest(document)})
    if collecting.missing(received):
        fields = {"received": received, "revision": task.revision + 1}
        return Change(task, STAYING, fields, (entry,), now, responses={key: text})
    complete = decide(task, Outcome.ANSWERED, {"received": received}, (entry,), sender, now)
    return replace(complete, responses={key: text})


def refuse(task: Task, reason: str, sender: Sender, now: datetime) -> Change:
    """Return the record of an answer that breaks the task's contract, as `tasks.refuse` does.

    The reason has the JSON pointer of what is wrong, without the value.
    """
    data = {"reason": "contract", "detail": reason[:MAX_DETAIL_CHARACTERS]}
    return tasks.refuse(task, sender.event("refused", data), now)


def lost(task: Task, silence: timedelta, now: datetime) -> Change | None:
    """Return the withdrawal of a task whose machine was silent for that long; None if it was not."""
    if not task.takes_answers(now) or now < heard_at(task) + silence:
        return None
    return cancel(task, task.workflow, WORKER_LOST, now)


def heard_at(task: Task) -> datetime:
    """Return the time of a machine's last heartbeat, or else of the hand-off."""
    return max(moment for moment in (task.opened_at, task.heartbeat_at) if moment is not None)


def check_size(content: Any) -> None:
    """Refuse content that is too large for a durable checkpoint.

    Raises:
        BodyTooLargeError: It is larger than an answer may be.
    """
    _text_of(content, MAX_ANSWER_BYTES)


def check_open(task: Task, now: datetime) -> None:
    """Refuse a task that no longer takes answers.

    Raises:
        DecidedOtherwiseError: It has one.
        TaskClosedError: It expired or was cancelled.
    """
    if task.status in (Status.DECIDED, Status.APPLIED):
        raise DecidedOtherwiseError
    if not task.takes_answers(now):
        raise TaskClosedError


def decide(
    task: Task,
    outcome: Outcome,
    fields: Mapping[str, Any],
    events: tuple[AuditEvent, ...],
    sender: Sender,
    now: datetime,
) -> Change:
    """Return the decision of an open task by one answer."""
    decided = sender.event("decided", {"outcome": outcome, "decided_by": [sender.actor]})
    decision = {"outcome": outcome, "decided_by": (sender.actor,), "decided_at": now, "revision": task.revision + 1}
    return Change(task, DECIDING, {**fields, **decision}, (*events, decided), now)


def _text_of(document: Any, limit: int) -> str:
    text = canonical(document)
    if len(text) > limit:
        raise BodyTooLargeError(limit)
    return text.decode()


def document_of(task: Task) -> dict[str, Any]:
    """Return a task's answer as plain values; empty without one."""
    document: dict[str, Any] = json.loads(task.answer) if task.answer else {}
    return document
