"""What every command works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from countersign.adapters.callbacks import CallbackDoorbell
from countersign.domain.clock import SystemClock
from countersign.services.operations import Operations
from countersign.services.rings import Rings
from operate.stage import EmbeddedCloud, Stage, Target
from operate.terminal import Terminal


@dataclass
class Context:
    """Where a command acts, and where it prints.

    Attributes:
        target: The options that say where.
        terminal: Where it prints to.
    """

    target: Target
    terminal: Terminal

    @cached_property
    def stage(self) -> Stage:
        """The stage; a person is told when it is the embedded cloud without having asked for it."""
        stage = self.target.find()
        if isinstance(stage, EmbeddedCloud) and not self.target.local:
            self.terminal.note(f"On {stage.label}; --stage names a stage on AWS.")
        return stage

    @property
    def now(self) -> datetime:
        """The time."""
        return SystemClock().now()

    @property
    def operations(self) -> Operations:
        """What may be done to tasks, in the name of whoever runs this."""
        return Operations(self.stage.ledger, SystemClock(), self.stage.operator)

    @property
    def rings(self) -> Rings:
        """What the relay does, in the name of whoever runs this."""
        doorbell = CallbackDoorbell(self.stage.client("lambda", attempts=1))
        return Rings(self.stage.ledger, doorbell, SystemClock(), operator=self.stage.operator)
