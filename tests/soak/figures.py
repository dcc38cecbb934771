"""The numbers of a soak."""

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
        rules: The runs of each rule.
        faults: The injected faults of each kind.
        answers: The responses, by client and status.
        statuses: The tasks, by their last status.
        sweeps: The sweeper's metrics.
        executions: The executions, by their end.
        outcomes: The results of workflows.
        tasks: All tasks.
        decisions: The decided tasks.
        alarmed: The decisions that no workflow applied, with an alarm.
        redriven: The redriven messages and stream records.
        restored: The restored tasks.
        promises: The responses that confirmed a record.
        violations: The violated invariants.
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
        """The number of rules that ran."""
        return self.rules.total()

    def never(self, actions: set[str]) -> list[str]:
        """Return the states that the soak has not reached."""
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
        """Return the figures in one line."""
        parts = {
            "steps": self.steps,
            "rules": _listed(self.rules),
            "faults": f"{self.faults.total()} {_listed(self.faults)}",
            "tasks": self.tasks,
            "decisions": self.decisions,
            "applied": self.statuses["APPLIED"],
            "alarmed": self.alarmed,
            "restored": self.restored,
            "expired": self.statuses["EXPIRED"],
            "cancelled": self.statuses["CANCELLED"],
            "promises kept": self.promises,
            "sweeps": _listed(self.sweeps),
            "limited": sum(number for answer, number in self.answers.items() if answer.endswith(" 429")),
            "executions": _listed(self.executions),
            "violations": len(self.violations),
        }
        return " · ".join(f"{name} {value}" for name, value in parts.items())


def _listed(counts: Mapping[str, int] | Mapping[Kind, int]) -> str:
    return "(" + ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) + ")"
