"""Queues of the house: encrypted, TLS only, and never without a place for what could not be worked off."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.house.alarm import Alarm, Watch
from stacks.components.house.findings import acknowledge
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.rights import allow

_RECEIVES_BEFORE_DEAD = 6
"""AWS advises at least 5, so that throttled invocations do not use them up:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""

_VISIBILITY_PER_TIMEOUT = 6
"""From the same page: six times the function's timeout."""

_LONGEST_RETENTION = Duration.days(14)
_LONGEST_INVOCATION = Duration.hours(6)


def grant_send(queue: sqs.IQueue, grantee: iam.IGrantable) -> None:
    """Let it send messages to a queue; CDK's grant would let it read the queue's attributes too."""
    allow(grantee, "sqs:SendMessage", on=[queue.queue_arn])


def retry_invocations(function: PythonFunction) -> None:
    """Have Lambda try asynchronous invocations of a function again, before its dead-letter queue gets them."""
    function.function.configure_async_invoke(retry_attempts=2, max_event_age=_LONGEST_INVOCATION)


class Queue(sqs.Queue):
    """A queue of the house.

    Args:
        name: What to call it in outputs and alarms.
        dead_letters: Where messages go that were received too often.
        consumer_timeout: How long its consumer takes at most; 30 seconds by default.

    Attributes:
        name: What it is called in outputs and alarms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        dead_letters: DeadLetterQueue | None = None,
        consumer_timeout: Duration | None = None,
    ) -> None:
        seconds = (consumer_timeout or Duration.seconds(30)).to_seconds()
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_LONGEST_RETENTION,
            removal_policy=RemovalPolicy.DESTROY,
            visibility_timeout=Duration.seconds(_VISIBILITY_PER_TIMEOUT * seconds) if dead_letters else None,
            dead_letter_queue=(
                sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=_RECEIVES_BEFORE_DEAD)
                if dead_letters
                else None
            ),
        )
        self.name = name


class DeadLetterQueue(Queue):
    """Where messages wait for a person: they raise an alarm, and are kept for 14 days.

    Args:
        name: What to call it in outputs and alarms; `-dlq` is added.
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id, name=f"{name}-dlq")
        acknowledge(self, "SQS3", "this queue is itself a dead-letter queue; what arrives in it raises an alarm")
        depth = self.metric_approximate_number_of_messages_visible(statistic="Maximum", period=Duration.minutes(5))
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


def queues_in(*scopes: Construct) -> dict[str, str]:
    """Return the URL of every queue in some scopes, by its name."""
    found = (each for scope in scopes for each in scope.node.find_all())
    return {each.name: each.queue_url for each in found if isinstance(each, Queue)}


class WorkQueue(Construct):
    """A queue and its dead-letter queue.

    Args:
        name: What to call it in outputs and alarms.
        consumer_timeout: How long a consumer takes at most; 30 seconds by default.

    Attributes:
        queue: The queue.
        dead_letter_queue: Where messages go that were received too often, or that a consumer gives up at once.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, consumer_timeout: Duration | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letter_queue = DeadLetterQueue(self, "DeadLetters", name=name)
        self.queue = Queue(
            self, "Queue", name=name, dead_letters=self.dead_letter_queue, consumer_timeout=consumer_timeout
        )

    def feed(self, consumer: PythonFunction, *, batch_size: int = 10) -> None:
        """Invoke a function with the queue's messages; it says which of a batch have failed.

        Args:
            consumer: The function.
            batch_size: How many messages it gets at once; 1 where one of them is work enough.
        """
        self.queue.grant_consume_messages(consumer)
        lambda_.EventSourceMapping(
            consumer,
            f"From{self.node.id}",
            target=consumer.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            report_batch_item_failures=True,
        )
