"""The state machine: people, providers, workers, operators, time and faults, in any order."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition

from benchmarks.soak.asking import INPUTS, MOST_AT_ONCE, PAYMENTS
from benchmarks.soak.faults import Crash, Fault, Kind
from benchmarks.soak.organisation import OPERATOR, Organisation
from benchmarks.soak.scene import PICK, TROUBLE, Trouble, action
from benchmarks.soak.working import JUMPS, LONGEST_DELAY
from countersign.domain.clock import SystemClock
from countersign.domain.errors import CountersignError
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.services.operations import Operations
from countersign.testing.deliveries import any_payment
from operate.ledger import OperatorLedger
from tests.integration.conftest import TABLE

CONSOLE = b'{"decision":"approve","status":"paid","outcome":"approved"}'
BEGUN = st.tuples(st.booleans(), st.lists(TROUBLE, max_size=4), st.lists(PICK, max_size=20))
"""Whether a request was sent back at the beginning, the faults then, and the work done by then."""


class Soak(Organisation):
    """All rules, with those of operators, of the console and of faults."""

    @initialize(people=st.integers(1, 3), kind=PICK, which=PICK, begun=BEGUN)
    def it_has_begun(self, people: int, kind: int, which: int, begun: tuple[bool, list[Trouble], list[int]]) -> None:
        is_sent_back, troubles, picks = begun
        if is_sent_back:
            self.ask_people(people, 1 + kind % 3, 0, which % 2 == 0)
            self.world.settle(waiting=False)
            if people > 1:
                self.post_click(self.world.post.mails[0], "approve")
            self.post_click(self.world.post.mails[-1], "return")
            self.world.settle(waiting=False)
        self.arm(*troubles)
        self.ask_people(people, kind, which, which % 2 == 0)
        self.ask_for_a_payment(which, kind)
        self.ask_a_machine(which, sorted(INPUTS)[which % len(INPUTS)])
        for pick in picks:
            self.work(pick)

    @precondition(lambda self: self.world.durable.living())
    @action(pick=PICK, failed=st.booleans())
    def complete_a_callback_from_the_console(self, pick: int, failed: bool) -> None:
        """Complete a callback past the kit, with a payload that says approved."""
        found = [callback for run in self.world.durable.living() for callback in run.open_callbacks()]
        details = found[pick % len(found)].callback_details if found else None
        if details and failed:
            self.world.durable.fail(details.callback_id, {"ErrorType": "Console", "ErrorMessage": "no"})
        elif details:
            self.world.durable.succeed(details.callback_id, CONSOLE)

    @precondition(lambda self: len(self.world.durable.living()) > 2)
    @action(pick=PICK, status=st.sampled_from(["STOPPED", "TIMED_OUT", "FAILED"]))
    def end_an_execution_from_outside(self, pick: int, status: str) -> None:
        living = self.world.durable.living()
        self.world.durable.end(living[pick % len(living)], status)

    @precondition(lambda self: len(self.world.durable.living()) < MOST_AT_ONCE)
    @action(which=PICK, skip=st.integers(0, 5))
    def end_a_workflow_before_it_takes_what_came_early(self, which: int, skip: int) -> None:
        self.post_event(f"event-{self.number()}", any_payment(external_id=PAYMENTS[which % len(PAYMENTS)]))
        self.ask_for_a_payment(which, 0)
        run = self.world.durable.runs.get(self.asked[-1]["request_id"])
        if run is None or not run.due:
            return
        with self.world.faults.only(Fault(Kind.CRASH_AFTER, skip)):
            self.world.durable.run(run)
        if not run.ended:
            self.world.durable.end(run, "STOPPED")

    @precondition(lambda self: self.world.durable.runs)
    @action(pick=PICK, seconds=st.sampled_from([60, 7200]))
    def extend_a_deadline(self, pick: int, seconds: int) -> None:
        """Extend a task's deadline, as an operator does."""
        open_tasks = [task for task in self.tasks() if task.status is Status.OPEN]
        if not open_tasks:
            return
        operations = Operations(OperatorLedger(client("dynamodb"), TABLE), SystemClock(), OPERATOR)
        try:
            operations.extend(open_tasks[pick % len(open_tasks)].task_id, timedelta(seconds=seconds))
        except (CountersignError, Crash):
            return

    # Trouble

    @action(troubles=st.lists(TROUBLE, min_size=1, max_size=4))
    def trouble_comes(self, troubles: list[Trouble]) -> None:
        self.arm(*troubles)

    def somebody_is_faster(self, pick: int) -> None:
        """Do one thing that another process can do between two calls of a function."""
        rivals: tuple[Callable[[], None], ...] = (
            lambda: self.world.move_clock(min(self.to_the_next_timer(), LONGEST_DELAY)),
            lambda: self.world.move_clock(min(JUMPS[pick % len(JUMPS)], LONGEST_DELAY)),
            lambda: self.rival_clicks(pick),
            lambda: self.rival_clicks(pick + 1),
            lambda: self.post_event(f"event-{self.number()}", any_payment(external_id=PAYMENTS[pick % 8])),
            lambda: self.complete_a_callback_from_the_console(pick, bool(pick % 2)),
            lambda: self.extend_a_deadline(pick, 60),
            lambda: self.work(pick),
            self.invoke_all,
            self.world.sweep,
        )
        rivals[pick % len(rivals)]()

    def rival_clicks(self, pick: int) -> None:
        """Vote between two calls of a function."""
        if self.world.post.mails:
            self.post_click(self.mail(pick), ("approve", "reject")[pick % 2])
