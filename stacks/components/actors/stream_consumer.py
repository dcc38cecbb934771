"""A function on the ledger's stream, with a dead-letter queue and an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from stacks.components.house.alarm import Alarm, Watch
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue
from stacks.components.state.ledger import Ledger

_MOST_RETRIES = 50
_LONGEST_AGE = Duration.hours(6)
"""A record that fails is retried up to either limit, well within the 24 hours that the stream keeps it. Then it goes to
the dead-letter queue, and the rest of its shard continues."""


@dataclass(frozen=True)
class Batches:
    """How the records of a shard are put into invocations.

    Attributes:
        most_records: The most records in one invocation.
        window: How long Lambda waits for more records before it invokes the function.
        parallel: How many batches of a shard run at once, 1 to 10; records of one partition key stay in order.
    """

    most_records: int = 10
    window: Duration | None = None
    parallel: int = 1


class StreamConsumer(Construct):
    """The event source mapping from the stream to a function, and its dead-letter queue.

    DynamoDB advises at most two readers of one stream, and the kit has two: the relay and the publisher. Feed a third
    function from the hand-off bus.

    Args:
        name: Name of the dead-letter queue; capitalised, also of the dashboard's section and the alarm.
        waiting: What waits while the function is behind, in the plural; subject of the alarm's description.
        function: The function; it reports which records of a batch failed.
        ledger: The ledger whose stream it reads.
        patterns: Filters; a record must match one of them.
        batches: How its records are put into invocations.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        waiting: str,
        function: PythonFunction,
        ledger: Ledger,
        patterns: Sequence[dict[str, Any]],
        batches: Batches,
    ) -> None:
        super().__init__(scope, construct_id)
        dead_letters = DeadLetterQueue(self, "DeadLetters", name=name)
        if ledger.stream_arn:
            ledger.grant_stream(function)
            lambda_.EventSourceMapping(
                self,
                "Mapping",
                target=function.function,
                event_source_arn=ledger.stream_arn,
                filters=[lambda_.FilterCriteria.filter(pattern) for pattern in patterns],
                # From the oldest record, or decisions made while the mapping is created would be skipped.
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=batches.most_records,
                max_batching_window=batches.window,
                parallelization_factor=batches.parallel,
                report_batch_item_failures=True,
                bisect_batch_on_error=True,
                retry_attempts=_MOST_RETRIES,
                max_record_age=_LONGEST_AGE,
                on_failure=event_sources.SqsDlq(dead_letters),
            )
        age = function.function.metric("IteratorAge", statistic="Maximum", period=Duration.minutes(1))
        Watch(
            self,
            name.title(),
            graphs={"Age of the oldest record in milliseconds": [age]},
            alarms=[
                Alarm(
                    f"{name.title()}Behind",
                    age,
                    f"{waiting} have waited for more than a minute. First read the log of {name}",
                    above=60_000,
                    periods=3,
                )
            ],
        )
