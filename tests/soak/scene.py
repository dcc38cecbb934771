"""A scene: one world, what is said and promised in it, and how it ends. Rules are in the classes that build on it."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies._internal.featureflags import FeatureFlags

from countersign.adapters.event_items import WAITS
from countersign.domain.tasks import Status, Task
from countersign.functions.clients import client
from tests.integration.conftest import Page
from tests.soak.faults import Fault, Kind
from tests.soak.figures import SWEPT, Figures
from tests.soak.invariants import Invariants, ViolationError
from tests.soak.runs import result_of
from tests.soak.table import MemoryTables
from tests.soak.world import GRACE, World

PICK = st.integers(0, 63)
"""Which of those that there are: counted round, so that it means something however many there are."""

Trouble = tuple[Kind, int, int, int]
TROUBLE: st.SearchStrategy[Trouble] = st.tuples(
    st.sampled_from([*Kind, Kind.MEANWHILE, Kind.MEANWHILE]),
    st.integers(0, 9),
    st.sampled_from([1, 1, 1, 2, 5, 15]),
    PICK,
)
"""A kind of fault, how many calls go well before, how many calls it hits, and what happens meanwhile."""

NEAR: st.SearchStrategy[Trouble | None] = st.one_of(
    st.none(), st.tuples(st.sampled_from(list(Kind)), st.integers(0, 3), st.just(1), PICK)
)
"""Trouble for the call that somebody is about to make, or none."""

Thing = TypeVar("Thing")


def action(**drawn: Any) -> Callable[[Any], Any]:
    """Make a method a rule that is counted under its name; arguments as those of Hypothesis' `rule`."""

    def decorate(method: Any) -> Any:
        name = method.__name__.replace("_", " ")
        ACTIONS.add(name)

        @wraps(method)
        def counted(self: Scene, *arguments: Any, **more: Any) -> None:
            self.figures.rules[name] += 1
            method(self, *arguments, **more)

        make_rule: Any = rule(**drawn)
        return make_rule(counted)

    return decorate


ACTIONS: set[str] = set()
"""The names of all rules."""


class Scene(RuleBasedStateMachine):
    """What all that happens has in common.

    Attributes:
        figures: Where it is counted.
        tables: What makes the tables.
        steps: How many steps an example has.
        tell: Is told of the figures at the end.
    """

    figures: ClassVar[Figures] = Figures()
    tables: ClassVar[Callable[[], Any]] = MemoryTables
    steps: ClassVar[int] = 50
    tell: ClassVar[Callable[[Figures], None]] = staticmethod(lambda _: None)

    def __init__(self) -> None:
        super().__init__()
        # Hypothesis leaves out half of the rules in an example; a request needs most of them to come to its end.
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
        """Count an answer; one that nobody expects is a violation."""
        self.figures.answers[f"{who} {page.status}"] += 1
        if page.status == 500:
            raise ViolationError(f"{who} was answered 500: {page.body}")
        return page.status

    def promised(self, words: str, holds: Callable[[], bool]) -> None:
        """Remember what somebody was told is on record."""
        self.figures.promises += 1
        self.watch.promises.append((words, holds))

    def arm(self, *troubles: Trouble | None) -> None:
        """Let calls fail from now on, before those that were to fail already."""
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
        """Let everything come to rest, check what must hold then, and count."""
        try:
            self._come_to_rest()
            tasks, alarmed = self.watch.at_rest()
            self._count(tasks, alarmed)
        finally:
            self.capturing.__exit__(None, None, None)
            self.patch.undo()
            client.cache_clear()
        type(self).tell(self.figures)

    def _come_to_rest(self) -> None:
        """Leave what the sweeper mends to the sweeper first: a deadline would mend much of it days later."""
        self.world.settle(waiting=False)
        for _ in range(2):  # it mends what is overdue, and a grace later it tells of what that did not help
            self.world.sweep_after(GRACE)
        self.watch.after_sweeps()
        self.world.settle()
        self.world.sweep_after(WAITS + GRACE)
        self.world.settle()

    def _count(self, tasks: list[Task], alarmed: int) -> None:
        figures = self.figures
        figures.tasks += len(tasks)
        figures.alarmed += alarmed
        figures.decisions += sum(task.decided_at is not None for task in tasks)
        figures.statuses.update(task.status.value for task in tasks)
        figures.faults.update(self.world.faults.injected)
        figures.sweeps.update({name: self.world.output.counts[name] for name in SWEPT})
        for run in self.world.durable.runs.values():
            figures.executions[run.ended] += 1
            figures.outcomes[f"{run.workflow} {result_of(run).get('status', run.ended)}"] += 1


def is_open(task: Task | None) -> bool:
    """Tell whether a task waits for an answer."""
    return task is not None and task.status is Status.OPEN


def chosen(things: list[Thing], pick: int) -> Thing:
    """Return one of these."""
    return things[pick // 4 % len(things)]
