"""Invocations, deliveries and the clock: in any order, late, twice and backwards."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from benchmarks.soak.asking import Asking
from benchmarks.soak.clients import Source
from benchmarks.soak.runs import Run
from benchmarks.soak.scene import NEAR, PICK, Trouble, action
from benchmarks.soak.world import QUEUES

JUMPS = (1, 2, 10, 45, 45, 400, 3700, 90_000)
LONGEST_DELAY = 600
"""In seconds: the longest delay of a workflow's invocation; longer ones would break its deadlines."""


class Working(Asking):
    """Lambda, the queues, the stream and the clock."""

    @precondition(lambda self: self.due())
    @action(pick=PICK)
    def invoke_a_workflow(self, pick: int) -> None:
        due = self.due()
        self.world.durable.run(due[pick % len(due)])

    def invoke_all(self) -> None:
        """Invoke every due workflow."""
        for run in self.due():
            self.world.durable.run(run)

    def due(self) -> list[Run]:
        """Return the executions that are due."""
        return [run for run in self.world.durable.living() if run.due and not run.running]

    @precondition(lambda self: self.jobs())
    @action(picks=st.lists(PICK, min_size=2, max_size=16))
    def the_kit_works(self, picks: list[int]) -> None:
        for pick in picks:
            self.work(pick)

    def work(self, pick: int) -> None:
        """Do one pending job."""
        jobs = self.jobs()
        if jobs:
            jobs[pick % len(jobs)]()

    def jobs(self) -> list[Callable[[], None]]:
        """Return every pending job, in its normal form."""
        world = self.world
        invocations = [partial(world.durable.run, run) for run in self.due()]
        deliveries = [
            partial(source.deliver, source.waiting[:3]) for source in world.sources.values() if source.waiting
        ]
        return [*invocations, *deliveries]

    @precondition(lambda self: self.busy_queues())
    @action(pick=PICK, start=PICK, count=st.integers(1, 3), again=st.booleans())
    def deliver_messages(self, pick: int, start: int, count: int, again: bool) -> None:
        queues = self.busy_queues()
        queue = queues[pick % len(queues)]
        start %= len(queue.waiting)
        queue.deliver(queue.waiting[start : start + count], again=again)

    def busy_queues(self) -> list[Source]:
        """Return the queues that have messages."""
        return [source for name in QUEUES if (source := self.world.sources[name]).waiting]

    @precondition(lambda self: self.world.sources["relay"].waiting)
    @action(pick=PICK, backwards=st.booleans(), again=st.booleans())
    def relay_decisions(self, pick: int, backwards: bool, again: bool) -> None:
        self.stream_to("relay", pick, backwards, again)

    @precondition(lambda self: self.world.sources["publisher"].waiting)
    @action(pick=PICK, backwards=st.booleans(), again=st.booleans())
    def publish(self, pick: int, backwards: bool, again: bool) -> None:
        self.stream_to("publisher", pick, backwards, again)

    def stream_to(self, name: str, pick: int, backwards: bool, again: bool) -> None:
        """Invoke a function on the stream with some of its records, in any order."""
        source = self.world.sources[name]
        start = pick % len(source.waiting)
        records = source.waiting[start : start + 3]
        source.deliver(records[::-1] if backwards else records, again=again)

    @precondition(lambda self: any(source.dead for source in self.world.sources.values()))
    @action()
    def redrive(self) -> None:
        for source in self.world.sources.values():
            source.redrive()

    @action(late=st.sampled_from([0, 300, 300, 600]), times=st.integers(1, 2), near=NEAR)
    def the_sweeper_runs(self, late: int, times: int, near: Trouble | None) -> None:
        self.pass_time(late)
        self.arm(near)
        for _ in range(times):
            self.world.sweep()

    @action(jump=PICK)
    def time_passes(self, jump: int) -> None:
        self.pass_time(JUMPS[jump % len(JUMPS)])

    @action()
    def the_next_timer_fires(self) -> None:
        self.pass_time(self.to_the_next_timer())

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and invoke due workflows within `LONGEST_DELAY`."""
        end = self.world.clock.now() + timedelta(seconds=seconds)
        while (left := (end - self.world.clock.now()).total_seconds()) > LONGEST_DELAY:
            self.invoke_all()
            quiet = 0 if self.due() else self.to_the_next_timer()
            self.world.move_clock(min(left, max(quiet, LONGEST_DELAY)))
        self.world.move_clock(left)

    def to_the_next_timer(self) -> float:
        """Return the seconds until the next timer."""
        when = self.world.durable.next_timer()
        return max(0.0, (when - self.world.clock.now()).total_seconds()) if when else 0
