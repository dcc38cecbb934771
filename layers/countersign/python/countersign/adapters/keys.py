"""The keys of the ledger's items and of its index, all in one place."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from countersign.domain.clock import to_text
from countersign.domain.identity import normalise

if TYPE_CHECKING:
    from countersign.domain.provider_events import ParkedEvent

INDEX = "gsi1"
"""The ledger's index: items that are due, and links, by their time. It holds their keys and `PROJECTED`."""

INDEX_PK, INDEX_SK = f"{INDEX}pk", f"{INDEX}sk"

PROJECTED = ("task_id",)
"""The attributes in the index besides keys. An item's other changes cost nothing there."""

TASK, AUDIT, QUESTION, REQUEST = "TASK#", "AUDIT#", "QUESTION#", "REQUEST#"
ASK = "ASK#"
EXTERNAL, EVENT = "EXTERNAL#", "EVENT#"
LINK, STATUS_LINK, TOKEN = "LINK#", "STATUS#", "TOKEN#"
"""Prefixes of partition keys. A requester's link has its own prefix: no route for approvers finds it. So has a token of
a machine: workflows may write tokens, but must not write links of people. Questions have their own too: a role that
records requests must not change what people are asked."""

OUTBOX, SENT, RESPONSE, INBOX, PARKED = "OUTBOX#", "SENT#", "RESPONSE#", "INBOX#", "PARKED#"
"""Prefixes of sort keys; `INBOX` and `PARKED` are also prefixes of partitions of the index."""

ENVELOPE = "envelope"
"""The attribute with the envelope of an item of the outbox."""

DUE_SHARDS = tuple(f"DUE#{shard}" for shard in range(8))
"""Partitions of the index for items that are due; several, so that none is hot."""

UNSENT_SHARDS = tuple(f"UNSENT#{shard}" for shard in range(8))
"""Partitions of the index for tasks without a sent link: when no message goes out, they delay no decision."""

PARKED_SHARDS = tuple(f"{PARKED}{shard}" for shard in range(8))
"""Partitions of the index for parked events: however many there are, they delay no sweep of tasks and requests."""

RESERVED_SHARDS = ("RESERVED#0",)
"""The partition of the index for payments with money that is reserved for refunds. There are few."""

LISTED = "REQUESTS"
"""Partition of the index for requests whose start is recorded, by the time of their submission."""

Key = dict[str, str]


def task_key(task_id: str) -> Key:
    """Return the key of a task."""
    return {"pk": f"{TASK}{task_id}", "sk": "TASK"}


def part_key(task_id: str, kind: str, name: str) -> Key:
    """Return the key of a task's item of a kind, such as `OUTBOX`."""
    return {"pk": f"{TASK}{task_id}", "sk": f"{kind}{name}"}


def audit_key(task_id: str, seq: int) -> Key:
    """Return the key of an audit entry."""
    return {"pk": f"{AUDIT}{task_id}", "sk": f"{seq:010d}"}


def request_key(request_id: str) -> Key:
    """Return the key of a request."""
    return {"pk": f"{REQUEST}{request_id}", "sk": "REQUEST"}


def ask_key(fingerprint: str) -> Key:
    """Return the key of the item that names the request by which an AI agent last asked something."""
    return {"pk": f"{ASK}{fingerprint}", "sk": "ASK"}


def questions_of(request_id: str) -> str:
    """Return the partition of a request's questions."""
    return f"{QUESTION}{request_id}"


def question_key(task_id: str) -> Key:
    """Return the key of a task's question, which leads from the task's request to the task."""
    return {"pk": questions_of(task_id.partition(".")[0]), "sk": f"{TASK}{task_id}"}


def claim_key(provider: str, external_id: str) -> Key:
    """Return the key of the item that maps an external id to its task."""
    return {"pk": f"{EXTERNAL}{provider}#{external_id}", "sk": "EXTERNAL"}


def parked_key(parked: ParkedEvent) -> Key:
    """Return the key of a parked event."""
    return claim_key(parked.provider, parked.event.external_id) | {"sk": f"{PARKED}{parked.event.event_id}"}


def look_key(provider: str, external_id: str) -> Key:
    """Return the key of the item with the time at which an unsigned webhook last caused a look."""
    return claim_key(provider, external_id) | {"sk": "LOOK"}


def event_key(provider: str, event_id: str) -> Key:
    """Return the key of an event's record."""
    return {"pk": f"{EVENT}{provider}#{event_id}", "sk": "EVENT"}


def link_key(fingerprint: str) -> Key:
    """Return the key of a person's link."""
    return {"pk": f"{LINK}{fingerprint}", "sk": "LINK"}


def status_key(fingerprint: str) -> Key:
    """Return the key of a requester's link."""
    return {"pk": f"{STATUS_LINK}{fingerprint}", "sk": "STATUS"}


def token_key(fingerprint: str) -> Key:
    """Return the key of a machine's token."""
    return {"pk": f"{TOKEN}{fingerprint}", "sk": "TOKEN"}


def inbox_key(recipient: str, expires_at: datetime) -> Key:
    """Return the index key of a task in a person's inbox."""
    return {INDEX_PK: inbox_of(recipient), INDEX_SK: to_text(expires_at)}


def inbox_of(recipient: str) -> str:
    """Return the partition of the index for a person's inbox."""
    return f"{INBOX}{normalise(recipient)}"
