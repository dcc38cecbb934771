"""The publisher: tells the bus what became of a task, and sends the hand-offs that a click caused."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.function_options import FunctionDefaults, FunctionOptions
from stacks.components.hand_off import HandOffBus
from stacks.components.ledger import Ledger
from stacks.components.python_function import PythonFunction
from stacks.components.stream_consumer import StreamConsumer

TASK_WRITTEN = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": ["TASK"]}}}}
HAND_OFF_DUE = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "OUTBOX#"}]}}}}


class Publisher(Construct):
    """The function between the ledger's stream and the bus.

    Attributes:
        function: The function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        hand_offs: HandOffBus,
        defaults: FunctionDefaults,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Publisher",
            folder="publisher",
            description="Publishes what became of tasks, and sends the outbox",
            defaults=defaults,
            options=FunctionOptions(timeout=Duration.seconds(30)),
            environment={"LEDGER_TABLE": ledger.table.table_name, "BUS_NAME": hand_offs.bus.event_bus_name},
        )
        ledger.grant_outbox(self.function)
        hand_offs.grant_put(self.function)
        self._stream = StreamConsumer(
            self,
            "Tasks",
            name="publisher",
            function=self.function,
            ledger=ledger,
            patterns=[TASK_WRITTEN, HAND_OFF_DUE],
        )

    def metric_iterator_age(self) -> cloudwatch.Metric:
        """How long the oldest record of a batch has waited, in milliseconds."""
        return self.function.function.metric("IteratorAge", statistic="Maximum", period=Duration.minutes(1))

    @property
    def dead_letters(self) -> dict[str, sqs.IQueue]:
        """The queue of the records that could not be published, by its name."""
        return self._stream.dead_letters
