"""BusEvents: records machines' answers from the kit's bus, partners' events from theirs, reports about messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.components.actors.actor import Actor
from stacks.components.flow.hand_off import Channel, HandOffBus
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.rights import allow
from stacks.components.state.ledger import Ledger

RESULT = "TaskResult"
"""The detail-type of a machine's answer."""


class BusEvents(Actor):
    """Answers on the bus, events of partners, and reports about messages → queue → function.

    Args:
        ledger: The ledger that records the answers.
        hand_offs: The kit's bus.
        partners: The function's configuration of each provider that sends over EventBridge, with its `name`, by event
            source. Each gets the bus of its event source.
        reports: The events about messages to people that did not arrive; None if their channel has none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        hand_offs: HandOffBus,
        partners: Mapping[str, Mapping[str, Any]],
        reports: events.EventPattern | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="bus_events",
            description="Records machines' answers that arrive as events",
            ledger=ledger,
            options=FunctionOptions(timeout=Duration.seconds(30)),
            environment={"PARTNERS": Stack.of(scope).to_json_string(partners)} if partners else {},
        )
        ledger.grant_answers(self.function)
        channel = Channel(
            self,
            "Inbound",
            pattern=events.EventPattern(detail_type=[RESULT]),
            name="results",
            description="Machines' answers that arrive as events, for the results function",
            bus=hand_offs.bus,
            consumer=self.function,
        )
        for source, partner in partners.items():
            name = partner["name"].title().replace("-", "")
            # A bus with the event source's name accepts the source; before that the partner's events are lost.
            bus = events.EventBus(self, f"{name}Bus", event_source_name=source)
            channel.take(f"{name}Rule", events.EventPattern(source=[source]), bus)
        if reports:
            channel.take("ReportsRule", reports, None)
            self._watch_mails()
        given_up = channel.dead_letters
        self.function.function.add_environment("DEAD_LETTERS_URL", given_up.queue_url)
        allow(self.function, "sqs:SendMessage", on=[given_up.queue_arn])
        self.function.watch_counts(
            "Payments",
            "For a person to look at",
            alarms={
                "ResultsConflict": "A partner sent two events under one id, and the kit did not apply the second one."
                " First ask the partner which one is right"
            },
        )

    def _watch_mails(self) -> None:
        self.function.watch_counts(
            "Mail",
            "Messages that did not arrive",
            shown=("MailsDelayed", "MailsComplained"),
            alarms={
                "MailsBounced": "A message to a person bounced permanently, or SES rejected it, and the recipient"
                " did not get the link. First find the recipient: `countersign show TASK`"
            },
        )
