"""Publishes one lifecycle event for each new status, refund and dispute in the ledger's stream."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from countersign.adapters.task_items import task_of
from countersign.domain.tasks import Status
from countersign.functions.telemetry import about, count, took
from countersign.ports import HandOff
from countersign.services.lifecycle_events import EVENTS, events_of

logger = Logger()


def publish_change(bus: HandOff, change: Mapping[str, Any]) -> None:
    """Publish and count the events of a task's change, and record the time to a decision."""
    before = task_of(change["OldImage"]) if "OldImage" in change else None
    task = task_of(change["NewImage"])
    if before and before.ignored != task.ignored:
        count("EventsIgnoredForTasks")
        logger.warning("an event about an open task was ignored", reasons=task.ignored, task_id=task.task_id)
    for event in events_of(before, task):
        about(task_id=task.task_id)
        bus.send(event)
        count(event["kind"])
        if event["kind"] == EVENTS[Status.DECIDED] and task.opened_at and task.decided_at:
            took("TimeToDecision", task.decided_at - task.opened_at)
        logger.info("published", kind=event["kind"])
