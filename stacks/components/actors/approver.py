"""The approver: mails review links to recipients, and outcomes to requesters."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from countersign.presentation.brand import Brand
from countersign.services.lifecycle_events import ENDS
from stacks.components.actors.actor import Actor
from stacks.components.flow.channels import MessageChannel
from stacks.components.flow.hand_off import ENVELOPE, Channel, HandOffBus
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.directory import Directory
from stacks.components.state.ledger import Ledger


class Approver(Actor):
    """Hand-offs to people → queue → function → the stage's channel.

    Args:
        base_url: Base of review links, without a slash at the end.
        brand: The brand of its messages.
        readers: The language and time zone of people about whom the directory says nothing.
        hand_offs: The bus of the hand-offs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        base_url: str,
        brand: Brand,
        readers: Mapping[str, str],
        ledger: Ledger,
        hand_offs: HandOffBus,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="approver",
            description="Mails review links to approvers, and outcomes to requesters",
            ledger=ledger,
            # One hand-off can cause twenty mails.
            options=FunctionOptions(timeout=Duration.seconds(60), batch_size=1, memory_mb=256),
            environment={"BASE_URL": base_url, "STAGE": stage, **readers},
            tables={"brand": brand},
        )
        ledger.grant_links(self.function)
        self._bus = hand_offs.bus
        self._hand_offs = Channel(
            self,
            "Approvals",
            pattern=events.EventPattern(source=[SOURCE], detail_type=events.Match.prefix("approval.")),
            name="approvals",
            description="Approval requests, reminders, escalations and outcomes, for the approver function",
            bus=hand_offs.bus,
            message=ENVELOPE,
            consumer=self.function,
        )
        outcomes = events.EventPattern(source=[SOURCE], detail={"tell": [True]})
        self._hand_offs.take("Outcomes", outcomes, self._bus)

    def send_on(self, channel: MessageChannel, directory: Directory) -> None:
        """Configure the function for a channel, and grant it the channel, and the directory if that has user ids."""
        variables = {**channel.environment, **(directory.environment if channel.by_user_id else {})}
        for name, value in variables.items():
            self.function.function.add_environment(name, value)
        channel.grant_send(self.function)
        if channel.by_user_id:
            directory.grant_read(self.function)
        if channel.closes:
            # The rule above takes the events that tell a requester.
            detail = {"task_kind": ["approval"], "tell": events.Match.does_not_exist()}
            ended = events.EventPattern(source=[SOURCE], detail_type=list(ENDS), detail=detail)
            self._hand_offs.take("EndedRule", ended, self._bus)
