"""What a stream record makes the publisher send: lifecycle events, or an envelope of the outbox."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from countersign.adapters.keys import ENVELOPE, TASK
from countersign.adapters.request_items import request_of
from countersign.adapters.task_items import task_of
from countersign.composition import current_ports
from countersign.domain.tasks import Status, Task
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count, took
from countersign.services.lifecycle_events import EVENTS, events_of, request_ended

_TOLD_BY_OTHERS = frozenset(EVENTS[status] for status in (Status.OPEN, Status.DECIDED, Status.APPLIED))
"""Events whose cause has a line in the log of another function. Their number is in the metrics."""


@dataclass(frozen=True)
class Message:
    """An event or an envelope for the bus.

    Attributes:
        record: The stream record that it comes from.
        envelope: Its content.
        sent: Called when the bus has it.
    """

    record: Mapping[str, Any]
    envelope: Mapping[str, Any]
    sent: Callable[[], None]


def events_of_change(record: Mapping[str, Any]) -> Iterator[Message]:
    """Yield the lifecycle events of a task's change."""
    change = record["dynamodb"]
    before = task_of(change["OldImage"]) if "OldImage" in change else None
    task = task_of(change["NewImage"])
    if before and before.ignored != task.ignored:
        about(task_id=task.task_id)
        count("EventsIgnoredForTasks")
        logger.warning("an event about an open task was ignored", reasons=task.ignored)
    for event in events_of(before, task):
        yield Message(record, event, partial(_count_event, event["kind"], task))


def _count_event(kind: str, task: Task) -> None:
    """Count an event, and record the time to a decision."""
    count(kind)
    if kind == EVENTS[Status.DECIDED] and task.opened_at and task.decided_at:
        took("TimeToDecision", task.decided_at - task.opened_at)
    if kind not in _TOLD_BY_OTHERS:
        logger.info("published", kind=kind)


def end_of(record: Mapping[str, Any], document: Mapping[str, Any]) -> Message:
    """Return the lifecycle event of a request that has ended."""
    return Message(record, request_ended(request_of(document)), lambda: None)


def envelope_of(record: Mapping[str, Any], document: Mapping[str, Any]) -> Message:
    """Return the envelope of an item of the outbox, which is deleted when the bus has it.

    Raises:
        ValueError: It names another task than the item's key: a role that may write items of some tasks only wrote it.
    """
    envelope, task_id = json.loads(document[ENVELOPE]), document["pk"].removeprefix(TASK)
    if (envelope["task_id"], envelope["request_id"]) != (task_id, task_id.partition(".")[0]):
        raise ValueError("the envelope names another task than its item")
    return Message(record, envelope, partial(_forget_envelope, envelope["kind"], document["pk"], document["sk"]))


def _forget_envelope(kind: str, pk: str, sk: str) -> None:
    """Delete a sent envelope from the outbox.

    Every held payment passes here, from every sender, whether its task was open or not; so it is counted here.
    """
    current_ports().ledger.delete_outbox(pk, sk)
    if kind.endswith(".held"):
        count("PaymentsHeld")
    logger.info("outbox sent", outbox=sk)
