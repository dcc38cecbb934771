"""DynamoDB's units and sizes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html; of sizes,
CapacityUnitCalculations.html there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

Item = Mapping[str, Any]

WRITE_BYTES, READ_BYTES = 1024, 4096
STORED_WITH_AN_ITEM = 100
"""Bytes that DynamoDB adds to each stored item, and to each entry of an index."""


@dataclass(frozen=True)
class Index:
    """A global secondary index: the names of its keys, and of the attributes in it; None for all."""

    keys: tuple[str, ...]
    attributes: frozenset[str] | None = None

    def entry(self, item: Item) -> Item:
        """Return an item's entry in the index; empty for an item that is not in it."""
        if not set(self.keys) <= set(item):
            return {}
        return {name: item[name] for name in item if self.attributes is None or name in self.attributes}

    def write_units(self, before: Item, after: Item) -> int:
        """Return the units of an item's change: none if its entry stays, two writes if the entry's key changes."""
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old and new and any(old[key] != new[key] for key in self.keys):
            return write_units(old) + write_units(new)
        return write_units(old, new)


def size(item: Item) -> int:
    """Return an item's size in bytes."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def write_units(*images: Item) -> int:
    """Return the units of a write: by the larger image of the item, before or after, and at least one."""
    return max(1, *(ceil(size(image) / WRITE_BYTES) for image in images))


def read_units(items: Iterable[Item], *, consistent: bool = True) -> float:
    """Return the units of one read of these items; half of them where it is eventually consistent."""
    return max(1, ceil(sum(map(size, items)) / READ_BYTES)) * (1 if consistent else 0.5)


def _size(attribute: Mapping[str, Any]) -> int:
    kind: str
    value: Any
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(str(value).encode())
        case "N":
            return ceil(len(value.strip("-0.").replace(".", "")) / 2) + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(member) for name, member in value.items())
        case "L":
            return 3 + sum(1 + _size(member) for member in value)
        case "BOOL" | "NULL":
            return 1
        case _:
            return len(bytes(value))
