"""Samples of what the kit writes: ledgers and envelopes of a soak, with every kind of item that the soak meets."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from benchmarks.soak.__main__ import soak
from benchmarks.soak.machine import Soak

Kind = tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """What was written in one example of a soak.

    Attributes:
        items: The ledger's items, as DynamoDB has them.
        envelopes: The envelopes and lifecycle events on the bus.
    """

    items: list[dict[str, Any]]
    envelopes: list[dict[str, Any]]

    @property
    def kinds(self) -> set[Kind]:
        """The kinds of its items and envelopes."""
        return {kind_of(item) for item in self.items} | {("envelope", each["kind"]) for each in self.envelopes}


def kind_of(item: Mapping[str, Any]) -> Kind:
    """Return the kind of an item: the prefixes of its keys, and its status, event or handling."""
    prefixes = (item[name]["S"].partition("#")[0] for name in ("pk", "sk"))
    details = (item[name].get("S", "") for name in ("status", "event", "handling") if name in item)
    return tuple("sequence" if part.isdigit() else part for part in (*prefixes, *details))


class _Sampled(Soak):
    """A soak that keeps what each example has written before it comes to rest, when some tasks are still open."""

    found: ClassVar[list[Sample]] = []

    def teardown(self) -> None:
        self.found.append(Sample(self.world.tables.everything(), list(self.world.bus.envelopes)))
        super().teardown()


@cache
def sampled(steps: int = 900, chance: int = 64) -> tuple[list[Sample], Counter[str]]:
    """Return few examples of a soak that have every kind of item and envelope in it, and the soak's figures.

    By default it is long enough to meet every kind of item. The same chance gives the same samples.
    """
    _Sampled.found = []
    figures = soak(_Sampled, steps, chance)
    return list(_covering(_Sampled.found)), figures


def _covering(found: list[Sample]) -> Iterator[Sample]:
    missing = set().union(*(sample.kinds for sample in found))
    while missing:
        best = max(found, key=lambda sample: len(sample.kinds & missing))
        missing -= best.kinds
        yield best
