"""What a soak has done, in numbers: without them nobody knows that it did anything."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.soak.faults import Kind

SWEPT = ("Mended", "DecisionsOverdue", "DeadlinesOverdue", "StartsOverdue", "EventsOverdue")
"""The metrics of the sweeper."""


@dataclass
class Figures:
    """The sums of all examples.

    Attributes:
        rules: How often each rule ran.
        faults: How often each kind of fault was injected.
        answers: How often each status was answered, by who asked.
        statuses: How many tasks came to each status in the end.
        tasks: How many tasks there were.
        decisions: How many of them were decided.
        alarmed: How many decisions no workflow applied, and an alarm rang for.
        sweeps: What the sweeper has counted.
        executions: How many executions ended how.
        outcomes: How many workflows returned what.
        redriven: How many messages and records were sent back from dead letters.
        restored: How many lost tasks were brought back.
        promises: How many answers said that something is on record.
        violations: What should never be.
    """

    rules: Counter[str] = field(default_factory=Counter)
    faults: Counter[Kind] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    sweeps: Counter[str] = field(default_factory=Counter)
    executions: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    decisions: int = 0
    alarmed: int = 0
    redriven: int = 0
    restored: int = 0
    promises: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """How many rules ran."""
        return self.rules.total()

    def never(self, actions: set[str]) -> list[str]:
        """Return what should have been reached, and was not."""
        reached = {
            **{action: self.rules[action] for action in actions},
            **{kind.value: self.faults[kind] for kind in Kind},
            **{status: self.statuses[status] for status in ("APPLIED", "EXPIRED", "CANCELLED")},
            **{ended: self.executions[ended] for ended in ("SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT")},
            "a decision that was alarmed": self.alarmed,
            "a redrive": self.redriven,
            "a restored task": self.restored,
            "a request too many": self.answers["click 429"],
            **{name: self.sweeps[name] for name in SWEPT},
        }
        return sorted(name for name, number in reached.items() if not number)

    def line(self) -> str:
        """Return all of it in one line."""
        parts = {
            "steps": self.steps,
            "rules": _told(self.rules),
            "faults": f"{self.faults.total()} {_told(self.faults)}",
            "tasks": self.tasks,
            "decisions": self.decisions,
            "applied": self.statuses["APPLIED"],
            "alarmed": self.alarmed,
            "restored": self.restored,
            "expired": self.statuses["EXPIRED"],
            "cancelled": self.statuses["CANCELLED"],
            "promises kept": self.promises,
            "sweeps": _told(self.sweeps),
            "limited": sum(number for answer, number in self.answers.items() if answer.endswith(" 429")),
            "executions": _told(self.executions),
            "violations": len(self.violations),
        }
        return " · ".join(f"{name} {value}" for name, value in parts.items())


def _told(counts: Mapping[str, int] | Mapping[Kind, int]) -> str:
    return "(" + ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) + ")"
