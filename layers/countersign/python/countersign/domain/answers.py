"""Answers of machines: what is asked of a service, a worker or a partner, and what its answer or failure does."""

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
"""The largest answer or failure, as the canonical JSON that a durable checkpoint holds; it takes 256 KB."""

MAX_DETAIL_CHARACTERS = 500
"""How much the audit keeps of what is wrong with an answer: a JSON pointer is as long as the sender likes."""


SIGNED = "webhook signature"
"""How the audit says that a provider was identified."""

ON_PARTNER_BUS = "partner event bus"
"""How the audit says that a partner was identified: AWS knows it, as the owner of the event source."""

WORKER_LOST = "worker_lost"
"""Why a task was withdrawn whose machine has fallen silent."""


@dataclass(frozen=True)
class Sender:
    """Who sent an answer.

    Attributes:
        actor: Their name: a provider, a partner, `worker`.
        identified_by: How they were identified: `callback token`, `webhook signature`, `event bus`.
        source: Network that it came from; empty when there was none.
        token: What only they know, and what is kept nowhere; empty when there is no such thing.
    """

    actor: str
    identified_by: str
    source: str = ""
    token: str = field(default="", repr=False)

    @property
    def is_provider(self) -> bool:
        """Whether a provider speaks itself, under ids of events that nobody else can make up."""
        return self.identified_by in (SIGNED, ON_PARTNER_BUS)

    def event(self, event: str, data: Mapping[str, Any]) -> AuditEvent:
        """Return an audit entry of theirs."""
        return AuditEvent(event, self.actor, self.identified_by, self.source, data)


def succeed(task: Task, document: Mapping[str, Any], sender: Sender, now: datetime) -> Change | None:
    """Return what a machine's answer does to the task.

    Args:
        task: The task as it stands.
        document: The answer; keeps the task's contract.
        sender: Who sent it.
        now: The current time.

    Returns:
        The change to write, or None when the same machine has answered the same before.

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
    """Return what it does to the task that a machine could not do what was asked; as `succeed` does otherwise.

    Where the answer would have been encrypted, only the code is kept: the rest may tell of the secret.
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
    """Return what one of several answers does to the task: the last that was missing decides.

    Args:
        task: The task as it stands.
        collecting: What it collects.
        document: The answer; keeps the task's contract, and its key is one of those required.
        standing: The answers that are there, as JSON text by their keys.
        sender: Who sent it.
        now: The current time.

    Returns:
        The change to write, or None when the same stands there and all is as it was, or all answers are there.

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
    """Return the withdrawal of a task whose machine was silent for that long; None while it was not."""
    if not task.takes_answers(now) or now < heard_at(task) + silence:
        return None
    return cancel(task, task.workflow, WORKER_LOST, now)


def heard_at(task: Task) -> datetime:
    """Return when a task's machine was last heard of: its last heartbeat, or else the hand-off."""
    return max(moment for moment in (task.opened_at, task.heartbeat_at) if moment is not None)


def check_size(content: Any) -> None:
    """Refuse what a durable checkpoint may not hold.

    Raises:
        BodyTooLargeError: It is larger than an answer may be.
    """
    _text_of(content, MAX_ANSWER_BYTES)


def check_open(task: Task, now: datetime) -> None:
    """Refuse a task that takes no answer any more.

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
    """Return a task's answer as plain values; empty before there is one."""
    document: dict[str, Any] = json.loads(task.answer) if task.answer else {}
    return document
