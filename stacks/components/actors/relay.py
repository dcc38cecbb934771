"""The relay: rings a durable execution when its task is decided."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.actors.stream_consumer import StreamConsumer
from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.ledger import Ledger

DECIDED = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "Keys": {"sk": {"S": ["TASK"]}},
        "OldImage": {"status": {"S": ["OPEN"]}},
        "NewImage": {"status": {"S": ["DECIDED"]}},
    },
}
"""The transition, not the state: what the relay itself writes to a decided task does not wake it."""


class Relay(Construct):
    """Completes callbacks, as only the sweeper may beside it, and only those of the kit's workflows.

    Attributes:
        function: The function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        workflows: Iterable[DurableWorkflow],
        defaults: FunctionDefaults,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Relay",
            folder="relay",
            description="Rings the durable execution whose task was decided",
            defaults=defaults,
            # A whole batch of rings that nobody answers, each tried four times, ends before it.
            options=FunctionOptions(timeout=Duration.minutes(5)),
            environment={"LEDGER_TABLE": ledger.table.table_name},
        )
        ledger.grant_ring(self.function)
        for workflow in workflows:
            # Not before it may ring: a ring that is refused would wait for somebody to look.
            self.function.function.node.add_dependency(workflow.grant_callbacks(self.function, scope=self))
        self._stream = StreamConsumer(
            self,
            "Decided",
            name="relay",
            function=self.function,
            ledger=ledger,
            patterns=[DECIDED],
            parallel_batches=10,
        )

    @property
    def dead_letters(self) -> dict[str, sqs.IQueue]:
        """The queue of the decisions that could not be passed on, by its name."""
        return self._stream.dead_letters

    def metric_iterator_age(self) -> cloudwatch.Metric:
        """How long the oldest decision of a batch has waited, in milliseconds."""
        return self.function.function.metric("IteratorAge", statistic="Maximum", period=Duration.minutes(1))

    def metric_errors(self) -> cloudwatch.Metric:
        """Invocations that failed as a whole."""
        return self.function.function.metric_errors(period=Duration.minutes(5))

    def metric_rings(self, state: str) -> cloudwatch.Metric:
        """Rings that were `Delivered`, came to a `Closed` callback, or `Failed`: Lambda refused them for good."""
        return self.function.metric_count(f"Rings{state}")
