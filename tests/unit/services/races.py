"""Races: what happens between a use case's reading and its writing."""

from collections.abc import Callable

from countersign.testing.fakes import MemoryLedger


def meanwhile(ledger: MemoryLedger, act: Callable[[], object], write: str = "") -> None:
    """Let something happen, once, before the ledger's next write, or its next one of this name."""

    def before(name: str) -> None:
        if write in ("", name):
            ledger.before_write = lambda _: None
            act()

    ledger.before_write = before
