"""The context of every command: its target and its terminal."""

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
    """The target and the terminal of a command.

    Attributes:
        target: The options that select the stage.
        terminal: The terminal that it prints to.
    """

    target: Target
    terminal: Terminal

    @cached_property
    def stage(self) -> Stage:
        """The stage. Prints a note if it is the embedded cloud and no option asks for it."""
        stage = self.target.find()
        if stage.cloud and not self.target.local:
            self.terminal.note(f"On {stage.label}; --stage names a stage on AWS.")
        return stage

    @property
    def now(self) -> datetime:
        """The current time, in UTC."""
        return SystemClock().now()

    @property
    def operations(self) -> Operations:
        """An operator's actions on tasks, under the IAM identity of the person who runs the command."""
        return Operations(self.stage.ledger, SystemClock(), self.stage.operator)

    @property
    def rings(self) -> Rings:
        """The relay's rings, under the IAM identity of the person who runs the command."""
        doorbell = CallbackDoorbell(self.stage.client("lambda", attempts=1))
        return Rings(self.stage.ledger, doorbell, SystemClock(), operator=self.stage.operator)
