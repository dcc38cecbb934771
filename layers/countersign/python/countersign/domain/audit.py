"""The audit chain: each entry holds the hash of the one before, so that no entry can be changed or dropped unseen."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from countersign.domain.clock import to_text
from countersign.domain.strict_json import digest

GENESIS = "0" * 64
"""The previous hash in the first entry."""

_IPV4_NETWORK_BITS = 24
_IPV6_NETWORK_BITS = 48


@dataclass(frozen=True)
class AuditEvent:
    """An event, before it has a place in the chain.

    Attributes:
        event: Its name: `opened`, `minted`, `sent`, `voted`, `decided`, `refused`, `rung`, `applied`, ….
        actor: A recipient's address, an IAM ARN, or the name of a part of the kit.
        identified_by: How the actor was identified: `review link`, `iam`, `kit`.
        source: Network of the caller; empty without one.
        data: Details for auditors; plain JSON values, nothing secret.
    """

    event: str
    actor: str
    identified_by: str = "kit"
    source: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditEntry:
    """One entry of a task's chain, as it is stored.

    Attributes:
        task_id: The task.
        seq: Its number, from 1.
        at: Its time, in UTC, as `countersign.domain.clock` writes it.
        event: The event.
        shown: SHA-256 of what the page showed at that time.
        previous: Hash of the entry before.
        policy: Version of the policy under which the task was opened; empty without one.
        ttl: When the ledger may remove the chain, in epoch seconds; 0 for never.
    """

    task_id: str
    seq: int
    at: str
    event: AuditEvent
    shown: str
    previous: str
    policy: str = ""
    ttl: int = 0

    @property
    def hash(self) -> str:
        """SHA-256 in hex over everything else in the entry, the hash before included."""
        return digest(self.to_document())

    def to_document(self) -> dict[str, Any]:
        """Return the hashed content as plain JSON values."""
        return {
            "task_id": self.task_id,
            "seq": self.seq,
            "at": self.at,
            "event": self.event.event,
            "actor": self.event.actor,
            "identified_by": self.event.identified_by,
            "source": self.event.source,
            "data": dict(self.event.data),
            "shown": self.shown,
            "policy": self.policy,
            "previous": self.previous,
            **({"ttl": self.ttl} if self.ttl else {}),
        }


def append(
    task_id: str,
    seq: int,
    head: str,
    shown: str,
    event: AuditEvent,
    at: datetime,
    policy: str = "",
    ttl: int = 0,
) -> AuditEntry:
    """Return the entry that follows a chain of `seq` entries whose last hash is `head`."""
    return AuditEntry(task_id, seq + 1, to_text(at), event, shown, head, policy, ttl)


def has_expired(ttl: int, now: datetime) -> bool:
    """Tell whether the ledger may have removed entries with this time to live."""
    return 0 < ttl <= now.timestamp()


def breaks(
    entries: Iterable[AuditEntry], hashes: Iterable[str], length: int, head: str, *, expired: bool = False
) -> Iterator[str]:
    """Yield each fault of a chain, in words.

    Args:
        entries: The stored entries, in the order of their numbers.
        hashes: The hash that is stored with each entry.
        length: How many entries the task says there are.
        head: What the task says the last one's hash is.
        expired: Whether the ledger may have removed entries; then the faults of those that are left.
    """
    last, previous = 0, GENESIS
    for entry, stored in zip(entries, hashes, strict=True):
        if expired and entry.seq > last + 1:
            last, previous = entry.seq - 1, entry.previous
        yield from _breaks_at(entry, stored, last, previous)
        last, previous = entry.seq, entry.hash
    if last > length or (last < length and not expired):
        yield f"the task counts {length} entries, the chain ends with entry {last}"
    elif last == length and previous != head:
        yield "the last entry is not the one that the task names"


def removed(entries: Iterable[AuditEntry], length: int, ttl: int) -> str:
    """Return, in words, which entries of an expired chain the ledger has removed; empty for none."""
    # By ranges, because a forged number can be of any size.
    known = [0, *(entry.seq for entry in entries), length + 1]
    gone = [(before + 1, after - 1) for before, after in pairwise(known) if after > before + 1]
    if not gone:
        return ""
    is_head = len(gone) == 1 and gone[0][0] == 1
    names = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in gone)
    until = to_text(datetime.fromtimestamp(ttl, UTC))
    return f"expired {'head' if is_head else 'entries'}: {names}; kept until {until}"


def _breaks_at(entry: AuditEntry, stored: str, last: int, previous: str) -> Iterator[str]:
    if entry.seq != last + 1:
        yield f"entry {last + 1} is missing, entry {entry.seq} follows"
    if entry.previous != previous:
        yield f"entry {entry.seq} does not follow from the one before"
    if entry.hash != stored:
        yield f"entry {entry.seq} was changed"


def network_of(address: str) -> str:
    """Return the network of a source address, /24 of IPv4 or /48 of IPv6; empty for any other text.

    An auditor needs where a click came from, not a person's exact line.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = _IPV4_NETWORK_BITS if parsed.version == 4 else _IPV6_NETWORK_BITS
    return str(ipaddress.ip_network((parsed, bits), strict=False))
