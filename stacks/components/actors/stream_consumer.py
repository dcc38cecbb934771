"""A function on the ledger's stream that skips nothing in silence."""

from __future__ import annotations

from collections.abc import Sequence
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
"""A record that fails is tried again until either is used up, well within the 24 hours that the stream keeps it. Then
it goes to the dead-letter queue, so that the rest of its shard moves on."""


class StreamConsumer(Construct):
    """The event source mapping from the stream to a function, and the queue of the records that it gave up.

    DynamoDB advises at most two readers of one stream, and the kit has two: the relay and the publisher. A third one is
    a rule on the hand-off bus.

    Args:
        name: What to call its dead letters, and with a capital its section of the dashboard and its alarm.
        waiting: What has waited too long if the function is late, in the plural.
        function: What the records are for. It says which of a batch have failed.
        ledger: Whose stream.
        patterns: Which records: those that match one of them.
        parallel_batches: How many batches of a shard are worked on at once, 1 to 10; what belongs to one partition
            key stays in order.
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
        parallel_batches: int = 1,
    ) -> None:
        super().__init__(scope, construct_id)
        dead_letters = DeadLetterQueue(self, "DeadLetters", name=name)
        ledger.grant_stream(function)
        lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=function.function,
            event_source_arn=ledger.stream_arn,
            filters=[lambda_.FilterCriteria.filter(pattern) for pattern in patterns],
            # From the oldest record that is there: what was decided while the mapping was made must not be skipped.
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=10,
            parallelization_factor=parallel_batches,
            report_batch_item_failures=True,
            bisect_batch_on_error=True,
            retry_attempts=_MOST_RETRIES,
            max_record_age=_LONGEST_AGE,
            on_failure=event_sources.SqsDlq(dead_letters),
        )
        # How long the oldest record of a batch has waited, in milliseconds.
        age = function.function.metric("IteratorAge", statistic="Maximum", period=Duration.minutes(1))
        Watch(
            self,
            name.title(),
            graphs={"Milliseconds that the oldest record has waited": [age]},
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
