"""The copies of audit entries in the archive, and how they differ from the ledger."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from countersign.domain.audit import has_expired
from countersign.domain.clock import to_text

COPY_DELAY = timedelta(minutes=10)
"""How late the copy of an entry may be. It takes seconds; an alarm is raised if the publisher is minutes behind."""


@dataclass(frozen=True)
class Copy:
    """The archive's copy of one entry.

    Attributes:
        content: The first version, which nobody can change.
        rewritten: Whether somebody wrote a later version, or deleted the copy, which only hides the first version.
    """

    content: bytes
    rewritten: bool = False

    @property
    def ttl(self) -> int:
        """When the ledger may remove the entry, in epoch seconds; 0 for never."""
        try:
            return int(json.loads(self.content)["ttl"])
        except (KeyError, TypeError, ValueError):
            return 0


def differences(entries: Mapping[str, bytes], copies: Mapping[str, Copy], now: datetime) -> Iterator[str]:
    """Yield each difference between the ledger and the archive, in words.

    Args:
        entries: The ledger's entries in the archive's form, by place in the chain.
        copies: The archive's entries, by place.
        now: The time; the ledger may lack an entry whose copy says that it was kept until an earlier one.
    """
    for place in sorted(entries.keys() | copies.keys()):
        yield from _differences_at(place.lstrip("0"), entries.get(place), copies.get(place), now)


def _differences_at(seq: str, entry: bytes | None, copy: Copy | None, now: datetime) -> Iterator[str]:
    if copy is None:
        yield f"entry {seq} is missing in the copy"
        return
    if copy.rewritten:
        yield f"the copy of entry {seq} was written over or deleted; its first version counts"
    if entry is None:
        if not has_expired(copy.ttl, now):
            yield f"entry {seq} is in the copy, and missing in the ledger"
    elif entry != copy.content:
        yield f"entry {seq} is not what was copied when it was written"


def awaits_copy(at: str, read_at: datetime, now: datetime) -> bool:
    """Tell whether an entry may still lack its copy: the stream brings it a little later.

    Args:
        at: The time in the entry.
        read_at: When the copies began to be read.
        now: When the entry was read.
    """
    return to_text(read_at - COPY_DELAY) < at < to_text(now + COPY_DELAY)
