"""The sweeper: mends what did not happen in time, on a schedule."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue, retry_invocations
from stacks.components.state.ledger import Ledger

_TIMEOUT = Duration.minutes(5)
_AT_MOST = Duration.minutes(4)
"""How long a sweep begins with something more: less than the timeout by more than one mend can take, a ring that nobody
answers."""

_OVERDUE = {
    "DecisionsOverdue": "A workflow has not applied a decision, although the sweeper rang it again. First find the"
    " task in the log of sweeper",
    "DeadlinesOverdue": "A deadline has passed, and the workflow has not closed its task. First find the task in the"
    " log of sweeper",
    "HandOffsOverdue": "A task is open, and nobody has received a link to it. First find the task in the log of"
    " sweeper",
    "WithdrawalsOverdue": "An operator withdrew a task, and Lambda refused again to ring its workflow. First find the"
    " task in the log of sweeper",
    "StartsOverdue": "A request does not run, although the sweeper started it again. First find the request in the log"
    " of sweeper, then the error in the log of its workflow",
    "EventsOverdue": "A provider reported a payment a day ago, and no request has asked for it. First find the event"
    " in the log of sweeper",
}
"""The alarm on each kind of thing that the sweeper could not correct."""


class Sweeper(Construct):
    """A schedule → function. Beside the relay it is the only one that may complete callbacks.

    Args:
        every: How often it runs.
        grace_seconds: How long after its time something is overdue.
        workflows: What it rings and starts again.

    Attributes:
        function: The function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        every: Duration,
        grace_seconds: int,
        ledger: Ledger,
        workflows: Sequence[DurableWorkflow],
    ) -> None:
        super().__init__(scope, construct_id)
        dead_letters = DeadLetterQueue(self, "DeadLetters", name="sweeper")
        arns = {workflow.name: workflow.alias.function_arn for workflow in workflows}
        self.function = PythonFunction(
            self,
            "Sweeper",
            folder="sweeper",
            description="Mends what did not happen in time, once, and tells of what stays lost",
            options=FunctionOptions(timeout=_TIMEOUT, dead_letter_queue=dead_letters),
            environment={
                **ledger.environment,
                "WORKFLOW_ARNS": Stack.of(self).to_json_string(arns),
                "GRACE_SECONDS": str(grace_seconds),
                "AT_MOST_SECONDS": str(_AT_MOST.to_seconds()),
            },
        )
        retry_invocations(self.function)
        ledger.grant_sweep(self.function)
        for workflow in workflows:
            workflow.grant_callbacks(self.function, scope=self)
            workflow.grant_start(self.function)
        schedule = events.Rule(
            self,
            "Schedule",
            description="When the sweeper looks for what is overdue",
            schedule=events.Schedule.rate(every),
        )
        schedule.add_target(
            targets.LambdaFunction(
                self.function.function,
                dead_letter_queue=dead_letters,
                # The next sweep does what this one would have done.
                max_event_age=every,
                retry_attempts=2,
            )
        )
        self.function.watch_counts("Sweeper", "Overdue", alarms=_OVERDUE)
