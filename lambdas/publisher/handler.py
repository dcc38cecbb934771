"""The publisher: publishes lifecycle events, sends the outbox, and copies the audit."""

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

TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
"""The identity of items that TTL removed, in the stream's records
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html)."""


def publish(record: DynamoDBRecord) -> None:
    """Handle one stream record."""
    change = record.raw_event["dynamodb"]
    if change["Keys"]["pk"]["S"].startswith(AUDIT):
        # A change of `ttl`, which would expire an entry early, is a record of its own.
        if record.raw_event.get("userIdentity") != TTL:
            archive_entry(current_ports().archive, change)
    elif "NewImage" not in change:
        tell_of_forgotten(change)
    elif change["NewImage"]["sk"]["S"] == "TASK":
        publish_change(current_ports().hand_off, change)
    else:
        send_outbox(from_item(change["NewImage"]))


def tell_of_forgotten(change: dict[str, Any]) -> None:
    """Report a parked event that TTL has removed: its provider received the answer that it is recorded.

    The sweeper has reported it days before, and one event raises one alarm.
    """
    waited_for, event = (change["Keys"][name]["S"] for name in ("pk", "sk"))
    if event.startswith(PARKED):
        count("EventsForgotten", "reported_at" not in change["OldImage"])
        logger.error("no task was opened for an event", about=waited_for, parked=event)


def send_outbox(document: dict[str, Any]) -> None:
    """Send an envelope of the outbox, then delete it there.

    Every held payment passes here, from every sender, whether its task was open or not; so it is counted here.
    """
    envelope = json.loads(document["envelope"])
    about(task_id=envelope["task_id"])
    current_ports().hand_off.send(envelope)
    current_ports().ledger.delete_outbox(document["pk"], document["sk"])
    if envelope["kind"].endswith(".held"):
        count("PaymentsHeld")
    logger.info("outbox sent", outbox=document["sk"])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of stream records; failed ones are reported back for a retry."""
    return run_batch(EventType.DynamoDBStreams, publish, event, context, logger)
