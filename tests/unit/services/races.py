"""Races and crashes between the reading and the writing of a use case."""

from collections.abc import Callable

from countersign.testing.fakes import MemoryLedger


def meanwhile(ledger: MemoryLedger, act: Callable[[], object], write: str = "") -> None:
    """Run an action once before the ledger's next write, or before its next write of this name."""

    def before(name: str) -> None:
        if write in ("", name):
            ledger.before_write = lambda _: None
            act()

    ledger.before_write = before


def crash(ledger: MemoryLedger, error: Exception, write: str = "", moment: str = "before_write") -> None:
    """Raise an error once before (or after) the ledger's next write, or its next write of this name."""

    def end(name: str) -> None:
        if write in ("", name):
            setattr(ledger, moment, lambda _: None)
            raise error

    setattr(ledger, moment, end)
