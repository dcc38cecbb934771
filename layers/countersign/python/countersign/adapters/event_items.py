"""Events of providers as items of the ledger: writes and reads their documents."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from countersign.adapters.keys import INDEX_PK, INDEX_SK, PARKED_SHARDS, claim_key, event_key, parked_key, task_key
from countersign.adapters.task_items import due, epoch_after, question_document, task_document, task_of_documents
from countersign.domain.clock import to_text
from countersign.domain.strict_json import canonical

if TYPE_CHECKING:
    from countersign.domain.provider_events import EventRecord, Handling, ParkedEvent
    from countersign.domain.questions import Correlation
    from countersign.domain.tasks import Task

DEDUPE = timedelta(days=7)
"""How long a repeated event is recognised, and a parked event is kept: providers retry for 3 days, those of Standard
Webhooks for 75 hours."""

WAITS = timedelta(days=1)
"""How long an event is parked before the sweeper reports it, once; it is deleted `DEDUPE` after its arrival."""

_MOST_PACKED = 800
"""Characters of a task's copy in its claim, which so stays below 1 KB, one write unit. The copy saves a read."""

_NOT_COPIED = frozenset({"pk", "sk", INDEX_PK, INDEX_SK, "ttl", "callback_id"})
"""Attributes that no event needs; only the task's own item has callback ids."""


def claim_document(task: Task, correlation: Correlation) -> dict[str, Any]:
    """Return the item that maps an external id to its task, with a copy of the task as it is opened, and its amount."""
    return claim_key(correlation.provider, correlation.external_id) | {
        "task_id": task.task_id,
        "amount": None if correlation.amount is None else f"{correlation.amount:f}",
        "currency": correlation.currency or None,
        "ttl": epoch_after(task.max_expires_at or task.expires_at),
        "as_opened": _packed(task),
    }


def as_opened(claim: Mapping[str, Any]) -> Task | None:
    """Return the task of a claim as it was opened, without its callback; None if the claim has no copy of it."""
    packed = claim.get("as_opened")
    if not packed:
        return None
    return task_of_documents(task_key(claim["task_id"]) | json.loads(zlib.decompress(b64decode(packed))), {})


def _packed(task: Task) -> str | None:
    """Return a task as a short text; None if it is too long for a copy."""
    both = question_document(task) | task_document(task)
    document = {name: value for name, value in both.items() if name not in _NOT_COPIED}
    packed = b64encode(zlib.compress(canonical(document))).decode()
    return packed if len(packed) <= _MOST_PACKED else None


def event_document(record: EventRecord, at: datetime) -> dict[str, Any]:
    """Return the document of an event's record."""
    return event_key(record.provider, record.event_id) | {
        "provider": record.provider,
        "event_id": record.event_id,
        "body_digest": record.body_digest,
        "handling": record.handling.value,
        "task_id": record.task_id or None,
        "at": to_text(at),
        "ttl": _forgotten(at),
    }


def applied_fields(parked: ParkedEvent, handling: Handling, task_id: str, at: datetime) -> dict[str, Any]:
    """Return the changes to a parked event's record when the event is applied.

    They are a complete record, because TTL deletes items in no order and the record may be gone.
    """
    return {
        "provider": parked.provider,
        "event_id": parked.event.event_id,
        "handling": handling.value,
        "task_id": task_id,
        "ttl": _forgotten(at),
    }


def event_record_of(document: Mapping[str, Any]) -> EventRecord:
    """Read a document of `event_document`."""
    # Imported here, as below: the review page reads no events, and it would slow its cold start.
    from countersign.domain.provider_events import EventRecord, Handling

    return EventRecord(
        document["provider"],
        document["event_id"],
        document.get("body_digest", ""),
        Handling(document["handling"]),
        document.get("task_id", ""),
    )


def parked_of(document: Mapping[str, Any]) -> ParkedEvent:
    """Read a document of `parked_document`."""
    from countersign.domain.payments import event_of
    from countersign.domain.provider_events import ParkedEvent

    return ParkedEvent(document["provider"], event_of(document), document.get("identified_by", ""))


def parked_document(parked: ParkedEvent, at: datetime) -> dict[str, Any]:
    """Return the document of a parked event, with how its sender was identified."""
    from countersign.domain.payments import said_by

    key = parked_key(parked)
    return {
        **key,
        **said_by(parked.event),
        "provider": parked.provider,
        "identified_by": parked.identified_by or None,
        "at": to_text(at),
        "ttl": _forgotten(at),
        **due(key["pk"], at + WAITS, PARKED_SHARDS),
    }


def _forgotten(at: datetime) -> int:
    return int((at + DEDUPE).timestamp())
