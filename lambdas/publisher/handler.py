"""The publisher: tells the bus what becomes of tasks, sends what clicks left in the outbox, and copies the audit."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from countersign.adapters.attributes import from_item
from countersign.adapters.keys import AUDIT, PARKED
from countersign.composition import current_ports
from countersign.functions.batches import run_batch
from countersign.functions.telemetry import about, count
from publisher.changes import publish_change
from publisher.copies import archive_entry

logger = Logger()


def publish(record: DynamoDBRecord) -> None:
    """Do what one stream record calls for."""
    change = record.raw_event["dynamodb"]
    if change["Keys"]["pk"]["S"].startswith(AUDIT):
        archive_entry(current_ports().archive, change)
    elif "NewImage" not in change:
        tell_of_forgotten(change)
    elif change["NewImage"]["sk"]["S"] == "TASK":
        publish_change(current_ports().hand_off, change)
    else:
        send_outbox(from_item(change["NewImage"]))


def tell_of_forgotten(change: dict[str, Any]) -> None:
    """Tell of an event that TTL has removed from where it waited: its provider was told that it is on record."""
    waited_for, event = (change["Keys"][name]["S"] for name in ("pk", "sk"))
    if event.startswith(PARKED):
        count("EventsForgotten")
        logger.error("no task was opened for an event", about=waited_for, parked=event)


def send_outbox(document: dict[str, Any]) -> None:
    """Send a hand-off that a click or an event caused, then take it out of the outbox.

    Every payment that is held comes by here, whoever said what of it, and whether or not its task was open by then.
    """
    envelope = json.loads(document["envelope"])
    about(task_id=envelope["task_id"])
    current_ports().hand_off.send(envelope)
    current_ports().ledger.delete_outbox(document["pk"], document["sk"])
    if envelope["kind"].endswith(".held"):
        count("PaymentsHeld")
    logger.info("outbox sent", outbox=document["sk"])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of stream records; those that must be tried again are reported back."""
    return run_batch(EventType.DynamoDBStreams, publish, event, context, logger)
