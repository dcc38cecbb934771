"""What every command works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from countersign.adapters.callbacks import CallbackDoorbell
from countersign.domain.clock import SystemClock
from countersign.services.operations import Operations
from countersign.services.rings import Rings
from operate.stage import EmbeddedCloud, Place, Where
from operate.terminal import Terminal


@dataclass
class Desk:
    """Where a command acts, and where it prints.

    Attributes:
        where: The options that say where.
        terminal: Where it prints to.
    """

    where: Where
    terminal: Terminal

    @cached_property
    def place(self) -> Place:
        """The stage; a person is told when it is the embedded cloud without having asked for it."""
        place = self.where.place()
        if isinstance(place, EmbeddedCloud) and not self.where.local:
            self.terminal.note(f"On {place.name}; --stage names a stage on AWS.")
        return place

    @property
    def now(self) -> datetime:
        """The time."""
        return SystemClock().now()

    @property
    def operations(self) -> Operations:
        """What may be done to tasks, in the name of whoever runs this."""
        return Operations(self.place.ledger, SystemClock(), self.place.operator)

    @property
    def rings(self) -> Rings:
        """What the relay does, in the name of whoever runs this."""
        doorbell = CallbackDoorbell(self.place.client("lambda", attempts=1))
        return Rings(self.place.ledger, doorbell, SystemClock(), operator=self.place.operator)
