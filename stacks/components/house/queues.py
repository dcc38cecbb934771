"""The kit's queues: encrypted, TLS-only, with dead-letter queues that raise an alarm."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.house.alarm import PERIOD, Alarm, Watch
from stacks.components.house.findings import Accepted, accept
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction

_RECEIVES_BEFORE_DEAD = 6
"""AWS advises at least 5, because throttled invocations count as receives:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""

_VISIBILITY_PER_TIMEOUT = 6
"""From the same page: six times the function's timeout, and the window."""

_ITSELF_FOR_DEAD_LETTERS = Accepted(
    "this queue is itself a dead-letter queue; what arrives in it raises an alarm", solutions="SQS3"
)
_LONGEST_RETENTION = Duration.days(14)
_LONGEST_INVOCATION = Duration.hours(6)


def feed(queue: sqs.IQueue, consumer: PythonFunction) -> None:
    """Invoke a function with a queue's messages; it reports which messages of a batch failed."""
    queue.grant_consume_messages(consumer)
    lambda_.EventSourceMapping(
        consumer,
        "FromWork",
        target=consumer.function,
        event_source_arn=queue.queue_arn,
        batch_size=consumer.options.batch_size,
        max_batching_window=consumer.options.window,
        report_batch_item_failures=True,
    )


def retry_invocations(function: PythonFunction) -> None:
    """Retry asynchronous invocations of a function twice before its dead-letter queue gets them."""
    function.function.configure_async_invoke(retry_attempts=2, max_event_age=_LONGEST_INVOCATION)


class Queue(sqs.Queue):
    """A queue of the kit.

    Args:
        name: Its name in outputs and alarms.
        dead_letters: The queue of messages that were received too often.
        consuming: The options of its consumer.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        dead_letters: DeadLetterQueue | None = None,
        consuming: FunctionOptions | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_LONGEST_RETENTION,
            removal_policy=RemovalPolicy.DESTROY,
            visibility_timeout=_visibility(consuming) if consuming else None,
            dead_letter_queue=(
                sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=_RECEIVES_BEFORE_DEAD)
                if dead_letters
                else None
            ),
        )
        self.name = name


def _visibility(consuming: FunctionOptions) -> Duration:
    window = consuming.window.to_seconds() if consuming.window else 0
    return Duration.seconds(_VISIBILITY_PER_TIMEOUT * consuming.timeout.to_seconds() + window)


class DeadLetterQueue(Queue):
    """A queue of failed messages for an operator: they raise an alarm, and are kept for 14 days.

    Args:
        name: Its name in outputs and alarms, without `-dlq`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id, name=f"{name}-dlq")
        accept(self, _ITSELF_FOR_DEAD_LETTERS)
        depth = self.metric_approximate_number_of_messages_visible(statistic="Maximum", period=PERIOD)
        Watch(
            self,
            "Dead letters",
            graphs={"Messages": [depth.with_(label=self.name)]},
            alarms=[
                Alarm(
                    f"DeadLetters-{self.name}",
                    depth,
                    f"{self.name} holds messages that could not be processed. First read them and correct the cause,"
                    f" then run `countersign redrive {self.name}`",
                )
            ],
        )


def queues_in(*scopes: Construct | None) -> dict[str, str]:
    """Return the URL of every queue in these scopes, by name; a scope that the stage lacks is None."""
    found = (each for scope in scopes if scope for each in scope.node.find_all())
    return {each.name: each.queue_url for each in found if isinstance(each, Queue)}
