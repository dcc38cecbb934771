"""What actors have in common: one function on the ledger, and what feeds it."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_events as events
from constructs import Construct

from stacks.components.flow.hand_off import Channel
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.ledger import Ledger


class Actor(Construct):
    """One function on the ledger. Each kind of actor adds its environment, its grants, its source and its alarms.

    Args:
        folder: The function's folder under `lambdas/`.
        description: One line for whoever finds it in the console.
        ledger: The ledger; rights in it are for the kind of actor to grant.
        environment: Variables beside the ledger's.
        options: Where it differs from other functions.

    Attributes:
        function: The function, whose construct has the actor's own id.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str,
        description: str,
        ledger: Ledger,
        environment: Mapping[str, str] | None = None,
        options: FunctionOptions | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            construct_id,
            folder=folder,
            description=description,
            options=options,
            environment={**ledger.environment, **(environment or {})},
        )

    def take(
        self,
        construct_id: str,
        pattern: events.EventPattern,
        *,
        name: str,
        description: str,
        bus: events.IEventBus | None,
        message: events.RuleTargetInput | None = None,
        batch_size: int = 10,
    ) -> Channel:
        """Feed the function with the events of a pattern, through a queue.

        Args:
            construct_id: The channel's id.
            pattern: Which events.
            name: What to call the queue in outputs and alarms.
            description: What the events are, in a line.
            bus: From where; the account's default bus for None.
            message: What of the event becomes the message; the whole event by default.
            batch_size: How many messages the function gets at once.
        """
        channel = Channel(
            self,
            construct_id,
            name=name,
            description=description,
            bus=bus,
            pattern=pattern,
            message=message,
            consumer_timeout=self.function.timeout,
        )
        channel.work.feed(self.function, batch_size=batch_size)
        return channel
