"""What every command works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from countersign.adapters.callbacks import CallbackDoorbell
from countersign.domain.clock import SystemClock
from countersign.services.operations import Operations
from countersign.services.rings import Rings
from operate.stage import Stage, Target
from operate.terminal import Terminal


@dataclass
class Context:
    """Where a command acts, and where it prints.

    Attributes:
        target: The options that say where it acts.
        terminal: Where it prints.
    """

    target: Target
    terminal: Terminal

    @cached_property
    def stage(self) -> Stage:
        """The stage. Says so if it is the embedded cloud and no option asks for that."""
        stage = self.target.find()
        if stage.cloud and not self.target.local:
            self.terminal.note(f"On {stage.label}; --stage names a stage on AWS.")
        return stage

    @property
    def now(self) -> datetime:
        """The time."""
        return SystemClock().now()

    @property
    def operations(self) -> Operations:
        """An operator's actions on tasks, in the name of the person who runs this."""
        return Operations(self.stage.ledger, SystemClock(), self.stage.operator)

    @property
    def rings(self) -> Rings:
        """The relay's rings, in the name of the person who runs this."""
        doorbell = CallbackDoorbell(self.stage.client("lambda", attempts=1))
        return Rings(self.stage.ledger, doorbell, SystemClock(), operator=self.stage.operator)
