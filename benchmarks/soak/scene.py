"""A scene: one world with its promises and its end. Subclasses add the rules."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies._internal.featureflags import FeatureFlags

from benchmarks.soak.faults import Fault, Kind
from benchmarks.soak.invariants import Invariants, ViolationError
from benchmarks.soak.table import MemoryTables
from benchmarks.soak.world import GRACE, World
from countersign.adapters.event_items import WAITS
from countersign.domain.tasks import Status, Task
from countersign.functions.clients import client
from tests.integration.conftest import Page

SWEPT = ("Mended", "DecisionsOverdue", "DeadlinesOverdue", "StartsOverdue", "EventsOverdue")
"""The metrics of the sweeper."""

PICK = st.integers(0, 63)
"""An index, taken modulo the number of choices."""

Trouble = tuple[Kind, int, int, int]
TROUBLE: st.SearchStrategy[Trouble] = st.tuples(
    st.sampled_from([*Kind, Kind.MEANWHILE, Kind.MEANWHILE]),
    st.integers(0, 9),
    st.sampled_from([1, 1, 1, 2, 5, 15]),
    PICK,
)
"""A fault: its kind, the calls that it skips, the calls that it hits, and the action of another process."""

NEAR: st.SearchStrategy[Trouble | None] = st.one_of(
    st.none(), st.tuples(st.sampled_from(list(Kind)), st.integers(0, 3), st.just(1), PICK)
)
"""A fault of the next calls, or none."""

Thing = TypeVar("Thing")


def action(**drawn: Any) -> Callable[[Any], Any]:
    """Make a method a counted rule; the arguments are those of Hypothesis' `rule`."""

    def decorate(method: Any) -> Any:
        name = method.__name__.replace("_", " ")
        ACTIONS.add(name)

        @wraps(method)
        def counted(self: Scene, *arguments: Any, **more: Any) -> None:
            self.figures.update([name, "steps"])
            method(self, *arguments, **more)

        make_rule: Any = rule(**drawn)
        return make_rule(counted)

    return decorate


ACTIONS: set[str] = set()
"""The names of all rules."""


class Scene(RuleBasedStateMachine):
    """The base of all rules.

    Attributes:
        figures: The counts of rules, faults, responses, tasks, executions and metrics in all examples.
        tables: Makes the tables.
        steps: The number of steps of an example.
    """

    figures: ClassVar[Counter[str]] = Counter()
    tables: ClassVar[Callable[[], Any]] = MemoryTables
    steps: ClassVar[int] = 50

    def __init__(self) -> None:
        super().__init__()
        # Hypothesis omits half of the rules in an example; a request needs most of them to reach its end.
        self._rules_strategy.enabled_rules_strategy = st.just(FeatureFlags())
        self.patch = pytest.MonkeyPatch()
        self.world = World(self.patch, type(self).tables())
        self.watch = Invariants(self.world)
        self.capturing = self.world.output.captured()
        self.capturing.__enter__()
        self.asked: list[dict[str, Any]] = []
        self.events: list[tuple[str, bytes]] = []
        self.count = 0

    def answered(self, who: str, page: Page) -> int:
        """Count a response; a 500 is a violation."""
        self.figures[f"{who} {page.status}"] += 1
        if page.status == 500:
            raise ViolationError(f"{who} was answered 500: {page.body}")
        return page.status

    def promised(self, words: str, holds: Callable[[], bool]) -> None:
        """Add a promise: a record that a response confirmed."""
        self.figures["promises"] += 1
        self.watch.promises.append((words, holds))

    def arm(self, *troubles: Trouble | None) -> None:
        """Arm faults before those that are armed already."""
        for trouble in troubles:
            if trouble:
                kind, skip, times, pick = trouble
                fault = Fault(kind, skip, times, partial(self.somebody_is_faster, pick))
                self.world.faults.armed.insert(0, fault)

    @abstractmethod
    def somebody_is_faster(self, pick: int) -> None:
        """Do what another process might do between two calls of a function."""

    def number(self) -> int:
        """Return a new number."""
        self.count += 1
        return self.count

    @invariant()
    def what_must_hold_holds(self) -> None:
        self.watch.after_step()

    def teardown(self) -> None:
        """Come to rest, check the invariants at rest, and count."""
        try:
            self._come_to_rest()
            tasks, alarmed = self.watch.at_rest()
            self.figures.update({"tasks": len(tasks), "alarmed": alarmed})
            self.figures.update(task.status.value for task in tasks)
            self.figures["decided in a later round"] += sum(bool(task.round > 1 and task.decided_at) for task in tasks)
            last = (task.exchanges[-1] for task in tasks if task.exchanges)
            self.figures["ended while sent back"] += sum(exchange.answered_at is None for exchange in last)
            self.figures.update(run.ended for run in self.world.durable.runs.values())
            self.figures.update({name: self.world.output.counts[name] for name in SWEPT})
            self.figures.update(self.world.faults.injected)
        finally:
            self.capturing.__exit__(None, None, None)
            self.patch.undo()
            client.cache_clear()

    def _come_to_rest(self) -> None:
        """Let the sweeper repair first: deadlines would repair much of it days later."""
        self.world.settle(waiting=False)
        for _ in range(2):  # the second sweep reports what the first could not repair
            self.world.sweep_after(GRACE)
        self.watch.after_sweeps()
        self.world.settle()
        self.world.sweep_after(WAITS + GRACE)
        self.world.settle()


def is_open(task: Task | None) -> bool:
    """Whether a task is open."""
    return task is not None and task.status is Status.OPEN


def chosen(things: list[Thing], pick: int) -> Thing:
    """Return one of these by an index."""
    return things[pick // 4 % len(things)]
