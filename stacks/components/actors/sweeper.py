"""The sweeper: corrects overdue work, on a schedule."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from stacks.components.flow.hand_off import watch_rule
from stacks.components.flow.workflow_function import COMPLETE, LOOK, WorkflowFunction
from stacks.components.flow.workflow_rights import WorkflowRights
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue, retry_invocations
from stacks.components.state.ledger import Ledger

_TIMEOUT = Duration.minutes(5)
_AT_MOST = Duration.minutes(4)
"""When a sweep stops starting new work. The rest of the timeout is enough for the longest correction, a ring that gets
no answer."""

_OVERDUE = {
    "DecisionsOverdue": "A workflow has not applied a decision, although the sweeper rang it again. First find the"
    " task in the log of sweeper",
    "DeadlinesOverdue": "A deadline has passed, and the workflow has not closed its task. First find the task in the"
    " log of sweeper",
    "HandOffsOverdue": "A task is open, and nobody has received a link to it. First find the task in the log of"
    " sweeper",
    "WithdrawalsOverdue": "An operator withdrew a task, the sweeper rang its workflow, and Lambda refused the ring."
    " First find the task in the log of sweeper",
    "StartsOverdue": "A request does not run, although the sweeper started it again. First find the request in the log"
    " of sweeper, then the error in the log of its workflow",
    "RefundsInDoubt": "A refund has ended without the provider's event, and its money may have gone out. It stays"
    " reserved. First find the payment's task in the log of sweeper",
    "EventsOverdue": "A provider reported a payment a day ago, and no request has asked for it. First find the event"
    " in the log of sweeper",
}
"""The alarm on each kind of overdue work that the sweeper could not correct."""


class Sweeper(Construct):
    """A schedule → function. Only the relay and the sweeper may complete callbacks.

    Args:
        every: Interval between sweeps.
        grace_seconds: How long after its due time work counts as overdue.
        workflows: The workflows that it rings and starts again.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        every: Duration,
        grace_seconds: int,
        ledger: Ledger,
        workflows: Sequence[WorkflowFunction],
    ) -> None:
        super().__init__(scope, construct_id)
        dead_letters = DeadLetterQueue(self, "DeadLetters", name="sweeper")
        self.function = PythonFunction(
            self,
            "Sweeper",
            folder="sweeper",
            description="Corrects overdue work once, and counts what stays overdue",
            options=FunctionOptions(timeout=_TIMEOUT, dead_letter_queue=dead_letters),
            environment={
                **ledger.environment,
                "GRACE_SECONDS": str(grace_seconds),
                "AT_MOST_SECONDS": str(_AT_MOST.to_seconds()),
            },
            tables={"workflows": {workflow.workflow: {"function": workflow.live_name} for workflow in workflows}},
        )
        retry_invocations(self.function)
        ledger.grant_sweep(self.function)
        rights = (*COMPLETE, *LOOK)
        WorkflowRights(self, "Workflows", function=self.function, workflows=workflows, on_versions=rights, start=True)
        schedule = events.Rule(
            self,
            "Schedule",
            description="Runs the sweeper, which looks for overdue work",
            schedule=events.Schedule.rate(every),
        )
        schedule.add_target(
            targets.LambdaFunction(
                self.function.function,
                dead_letter_queue=dead_letters,
                # The next sweep finds the same overdue work.
                max_event_age=every,
                retry_attempts=2,
            )
        )
        watch_rule(schedule, "sweeper")
        self.function.watch_counts("Sweeper", "Overdue", alarms=_OVERDUE)
