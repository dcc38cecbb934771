"""The hand-off: the bus that envelopes travel on, and the channels that take them to whoever acts on them."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue, Queue, feed
from stacks.components.house.rights import allow

ENVELOPE = events.RuleTargetInput.from_event_path("$.detail")
"""The envelope itself as the message, without EventBridge's wrapping."""

_LONGEST_DELIVERY = Duration.hours(24)
_MOST_DELIVERY_ATTEMPTS = 185
"""EventBridge's own limits, said here because without a dead-letter queue it drops the event after them."""


class HandOffBus(Construct):
    """The bus, and where the stage has one, its archive.

    Args:
        archive_days: How long its events can be replayed; 0 for no archive.

    Attributes:
        bus: The bus.
        environment: What functions read that put events on it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, archive_days: int, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(self, "Bus", description="Hand-offs and lifecycle events of countersign")
        self.environment: Mapping[str, str] = {"BUS_NAME": self.bus.event_bus_name}
        self.bus.apply_removal_policy(RemovalPolicy.DESTROY)
        if archive_days:
            archive = events.Archive(
                self,
                "Archive",
                source_event_bus=self.bus,
                description="Every event but those that carry a callback token",
                # A token is a secret: it must not outlive its delivery. `exists` works on leaves only.
                event_pattern=events.EventPattern(
                    source=[SOURCE], detail={"callback": {"token": events.Match.does_not_exist()}}
                ),
                retention=Duration.days(archive_days),
            )
            archive.apply_removal_policy(removal_policy)

    def grant_put(self, grantee: iam.IGrantable) -> None:
        """Let it put events on the bus."""
        allow(grantee, "events:PutEvents", on=[self.bus.event_bus_arn])


class Channel(Construct):
    """Events of a pattern, in a queue, and the function that is fed with them.

    Args:
        name: What to call the queue in outputs and alarms.
        description: What the events are, and who reads them, in a line.
        pattern: Which events it takes.
        bus: From where; the account's default bus, where AWS's own events are, by default.
        message: What of the event becomes the message; the whole event by default.
        consumer: The function. It says which messages of a batch have failed. None where somebody else reads the queue.

    Attributes:
        dead_letters: Where messages go that were received too often, or that the consumer gives up at once.
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
        timeout = consumer.options.timeout if consumer else Duration.seconds(30)
        self.dead_letters = DeadLetterQueue(work, "DeadLetters", name=name)
        queue = Queue(work, "Queue", name=name, dead_letters=self.dead_letters, consumer_timeout=timeout)
        self._description = description
        self._target = targets.SqsQueue(
            queue,
            message=message,
            # Not the queue's own dead letters: those can be sent back to the queue as they are, these cannot.
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
            pattern: Which events.
            bus: From where; the account's default bus for None.
        """
        rule = events.Rule(self, construct_id, description=self._description, event_bus=bus, event_pattern=pattern)
        rule.add_target(self._target)
