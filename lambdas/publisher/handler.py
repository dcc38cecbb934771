"""The publisher: publishes lifecycle events, sends the outbox, and copies the audit."""

from collections.abc import Mapping, Sequence
from typing import Any

from countersign.adapters.attributes import from_item
from countersign.adapters.keys import AUDIT, PARKED
from countersign.composition import current_ports
from countersign.functions.batches import Batch
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count, in_one_line
from publisher.copies import EntryToCopy, archive_entries, entry_of
from publisher.messages import Message, end_of, envelope_of, events_of_change

TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
"""The identity of items that TTL removed, in the stream's records
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html)."""


def publish(batch: Batch) -> None:
    """Handle a batch: copy its audit entries as one object, and send its messages in as few calls as possible."""
    entries: list[EntryToCopy] = []
    messages: list[Message] = []
    for record in batch.records:
        with batch.trying(record):
            if record["dynamodb"]["Keys"]["pk"]["S"].startswith(AUDIT):
                # A change of `ttl`, which would expire an entry early, is a record of its own.
                entries += [entry_of(record)] if record.get("userIdentity") != TTL else []
            else:
                messages += messages_of(record)
    if entries:
        with batch.trying(*(entry.record for entry in entries)):
            archive_entries(current_ports().archive, entries)
    send(batch, messages)


def messages_of(record: Mapping[str, Any]) -> list[Message]:
    """Return the messages of a record of a task, of a request's end, of the outbox, or of an event that TTL removed."""
    change = record["dynamodb"]
    if "NewImage" not in change:
        tell_of_forgotten(change)
        return []
    if change["NewImage"]["sk"]["S"] == "TASK":
        return list(events_of_change(record))
    document = from_item(change["NewImage"])
    return [end_of(record, document) if document["sk"] == "REQUEST" else envelope_of(record, document)]


def tell_of_forgotten(change: Mapping[str, Any]) -> None:
    """Report a parked event that TTL has removed: its provider received the answer that it is recorded.

    The sweeper has reported it days before, and one event raises one alarm.
    """
    waited_for, event = (change["Keys"][name]["S"] for name in ("pk", "sk"))
    if event.startswith(PARKED):
        count("EventsForgotten", "reported_at" not in change["OldImage"])
        logger.error("no task was opened for an event", about=waited_for, parked=event)


def send(batch: Batch, messages: Sequence[Message]) -> None:
    """Put the messages on the bus, in their order; the records of those that it refuses fail."""
    if not messages:
        return
    refusals = current_ports().bus.send_all([message.envelope for message in messages])
    for message, refusal in zip(messages, refusals, strict=True):
        with batch.trying(message.record):
            about(request_id=message.envelope["request_id"], task_id=message.envelope.get("task_id", ""))
            if refusal:
                raise refusal
            message.sent()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of stream records; failed ones are reported back for a retry."""
    batch = Batch(event)
    with in_one_line():
        publish(batch)
    return batch.response
