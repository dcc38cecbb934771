"""The bus of hand-offs and events, and the queues that carry them to their consumers."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Fn, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from stacks.components.house.alarm import PERIOD, SUM, Alarm, Watch
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue, Queue, feed
from stacks.components.house.rights import allow

ENVELOPE = events.RuleTargetInput.from_event_path("$.detail")
"""The envelope itself as the message, without EventBridge's wrapping."""

_LOST = (
    "EventBridge lost events: it could deliver them neither to their queue nor to its dead-letter queue. First look up"
    " the rule on the dashboard, then run `countersign doctor`"
)
_LONGEST_DELIVERY = Duration.hours(24)
_MOST_DELIVERY_ATTEMPTS = 185
"""EventBridge's defaults. After them the event goes to the dead-letter queue."""


class HandOffBus(Construct):
    """The bus, and its archive if the stage has one.

    Args:
        name: Its name in the account; CDK's default would be the same for every stage.
        archive_days: How long its events can be replayed; 0 for no archive.

    Attributes:
        bus: The bus.
        environment: Variables of functions that put events on it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, archive_days: int, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=name, description="Hand-offs and lifecycle events of countersign"
        )
        self.environment: Mapping[str, str] = {"BUS_NAME": self.bus.event_bus_name}
        self.bus.apply_removal_policy(RemovalPolicy.DESTROY)
        if archive_days:
            archive = events.Archive(
                self,
                "Archive",
                source_event_bus=self.bus,
                description="Every event without a callback token",
                # A token is a secret: it must not outlive its delivery. `exists` works on leaves only.
                event_pattern=events.EventPattern(
                    source=[SOURCE], detail={"callback": {"token": events.Match.does_not_exist()}}
                ),
                retention=Duration.days(archive_days),
            )
            archive.apply_removal_policy(removal_policy)

    def grant_put(self, grantee: iam.IGrantable) -> None:
        """Allow putting events on the bus."""
        allow(grantee, "events:PutEvents", on=[self.bus.event_bus_arn])


class Channel(Construct):
    """A rule, its queue, and the function that the queue feeds.

    Args:
        name: The queue's name in outputs and alarms.
        description: The events and their consumer, in one line.
        pattern: The events that it takes.
        bus: Their bus; by default the account's default bus, which carries AWS's own events.
        message: The part of the event that becomes the message; by default the whole event.
        consumer: The function; it reports which messages of a batch failed. None if the kit has no consumer.

    Attributes:
        dead_letters: The queue of messages that were received too often, or that the consumer gave up at once.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        pattern: events.EventPattern,
        bus: events.IEventBus | None = None,
        message: events.RuleTargetInput | None = None,
        consumer: PythonFunction | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        work = Construct(self, "Work")
        consuming = consumer.options if consumer else FunctionOptions(timeout=Duration.seconds(30))
        self.dead_letters = DeadLetterQueue(work, "DeadLetters", name=name)
        queue = Queue(work, "Queue", name=name, dead_letters=self.dead_letters, consuming=consuming)
        self._name, self._description = name, description
        self._target = targets.SqsQueue(
            queue,
            message=message,
            # Not the queue's own dead letters: SQS can redrive those, but not the events of a rule.
            dead_letter_queue=DeadLetterQueue(self, "Undelivered", name=f"{name}-rule"),
            max_event_age=_LONGEST_DELIVERY,
            retry_attempts=_MOST_DELIVERY_ATTEMPTS,
        )
        self.take("Rule", pattern, bus)
        if consumer:
            feed(queue, consumer)

    def take(self, construct_id: str, pattern: events.EventPattern, bus: events.IEventBus | None) -> None:
        """Put the events of one more pattern into the queue.

        Args:
            construct_id: The id of its rule.
            pattern: The events.
            bus: Their bus; None for the account's default bus.
        """
        rule = events.Rule(self, construct_id, description=self._description, event_bus=bus, event_pattern=pattern)
        rule.add_target(self._target)
        watch_rule(rule, self._name, bus)


def watch_rule(rule: events.Rule, name: str, bus: events.IEventBus | None = None) -> None:
    """Add a rule to the alarm on events that reach neither their target nor its dead-letter queue.

    An event that reaches the queue raises the alarm on the queue.

    Args:
        rule: The rule. Its targets have dead-letter queues.
        name: The name of its line in the graph of the alarm.
        bus: Its bus; None for the account's default bus.
    """
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html. The reference of a rule is not its
    # name if it has a bus of its own; its ARN ends with `rule/<bus>/<name>`, or `rule/<name>` on the default bus. The
    # name of a partner's bus has slashes.
    parts_of_bus = 1 + (bus.event_source_name or "").count("/") if bus else 0
    rule_name = Fn.select(1 + parts_of_bus, Fn.split("/", rule.rule_arn))
    lost = cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name="InvocationsFailedToBeSentToDlq",
        dimensions_map={"RuleName": rule_name, **({"EventBusName": bus.event_bus_name} if bus else {})},
        statistic="Sum",
        period=PERIOD,
        label=name,
    )
    # The dashboard has no graph of it: that stack cannot split the ARN of another stack's rule.
    Watch(rule, "Tasks", graphs={}, alarms=[Alarm("EventsLost", lost, _LOST, math=SUM)])
