"""The keys of the ledger's items and of its index: the one place that spells them."""

from datetime import datetime

from countersign.domain.clock import to_text
from countersign.domain.identity import normalise
from countersign.domain.provider_events import ParkedEvent

INDEX = "gsi1"
"""The ledger's index: what is due, and links, by their time."""

INDEX_PK, INDEX_SK = f"{INDEX}pk", f"{INDEX}sk"

TASK, AUDIT, REQUEST = "TASK#", "AUDIT#", "REQUEST#"
EXTERNAL, EVENT = "EXTERNAL#", "EVENT#"
LINK, TOKEN = "LINK#", "TOKEN#"
"""What partition keys begin with. A machine's token has a prefix of its own: workflows may write tokens, and must not
make links of people."""

OUTBOX, SENT, MAIL, RESPONSE, INBOX, PARKED = "OUTBOX#", "SENT#", "MAIL#", "RESPONSE#", "INBOX#", "PARKED#"
"""What sort keys begin with; partitions of the index, `INBOX` and `PARKED` too."""

DUE_SHARDS = tuple(f"DUE#{shard}" for shard in range(8))
"""Partitions of the index of what is due, so that no single one is hot."""

UNSENT_SHARDS = tuple(f"UNSENT#{shard}" for shard in range(8))
"""Partitions of the index of tasks that nobody was sent a link of: when no mail goes out, they delay no decision."""

PARKED_SHARDS = tuple(f"{PARKED}{shard}" for shard in range(8))
"""Partitions of the index of parked events: however many there are, they delay no sweep of tasks and requests."""

Key = dict[str, str]


def task_key(task_id: str) -> Key:
    """Return the key of a task."""
    return {"pk": f"{TASK}{task_id}", "sk": "TASK"}


def part_key(task_id: str, kind: str, name: str) -> Key:
    """Return the key of an item that belongs to a task, of a kind such as `OUTBOX`."""
    return {"pk": f"{TASK}{task_id}", "sk": f"{kind}{name}"}


def mail_key(task_id: str, hand_off: int, recipient: str) -> Key:
    """Return the key of the record that a mail was accepted for delivery."""
    return part_key(task_id, MAIL, f"{hand_off:04d}#{normalise(recipient)}")


def audit_key(task_id: str, seq: int) -> Key:
    """Return the key of an audit entry."""
    return {"pk": f"{AUDIT}{task_id}", "sk": f"{seq:010d}"}


def request_key(request_id: str) -> Key:
    """Return the key of a request."""
    return {"pk": f"{REQUEST}{request_id}", "sk": "REQUEST"}


def task_of_request_key(request_id: str, task_id: str) -> Key:
    """Return the key of the pointer from a request to one of its tasks."""
    return {"pk": f"{REQUEST}{request_id}", "sk": f"{TASK}{task_id}"}


def claim_key(provider: str, external_id: str) -> Key:
    """Return the key of the item that says which task is called so outside."""
    return {"pk": f"{EXTERNAL}{provider}#{external_id}", "sk": "EXTERNAL"}


def parked_key(parked: ParkedEvent) -> Key:
    """Return the key of an event that waits for its task."""
    return claim_key(parked.provider, parked.event.external_id) | {"sk": f"{PARKED}{parked.event.event_id}"}


def event_key(provider: str, event_id: str) -> Key:
    """Return the key of the record that an event came."""
    return {"pk": f"{EVENT}{provider}#{event_id}", "sk": "EVENT"}


def link_key(fingerprint: str) -> Key:
    """Return the key of somebody's link."""
    return {"pk": f"{LINK}{fingerprint}", "sk": "LINK"}


def token_key(fingerprint: str) -> Key:
    """Return the key of a machine's token."""
    return {"pk": f"{TOKEN}{fingerprint}", "sk": "TOKEN"}


def inbox_key(recipient: str, expires_at: datetime) -> Key:
    """Return the key in the index under which somebody's inbox has a task until its deadline."""
    return {INDEX_PK: inbox_of(recipient), INDEX_SK: to_text(expires_at)}


def inbox_of(recipient: str) -> str:
    """Return the partition of the index that is somebody's inbox."""
    return f"{INBOX}{normalise(recipient)}"
