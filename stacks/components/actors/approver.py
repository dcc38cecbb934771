"""The approver: mails review links to those who are asked."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from stacks.components.flow.channels import channel_of
from stacks.components.flow.hand_off import ENVELOPE, Channel, HandOffBus
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.ledger import Ledger
from stacks.stage.settings import Settings


class Approver(Construct):
    """Hand-offs to people → queue → function → the stage's channel.

    Attributes:
        function: The function.
        outputs: What people who subscribe to its messages need to know, by the output's name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        base_url: str,
        ledger: Ledger,
        hand_offs: HandOffBus,
        defaults: FunctionDefaults,
    ) -> None:
        """Build the function and its channel.

        Args:
            scope: The parent.
            construct_id: The id.
            settings: The stage.
            base_url: Where review links lead, without a slash at the end.
            ledger: Where it keeps the links.
            hand_offs: The bus that it is fed from.
            defaults: What it has in common with the stack's other functions.
        """
        super().__init__(scope, construct_id)
        channel = channel_of(self, settings, defaults.removal_policy)
        self.function = PythonFunction(
            self,
            "Approver",
            folder="approver",
            description="Mails review links to approvers",
            defaults=defaults,
            options=FunctionOptions(timeout=Duration.seconds(60)),
            environment={
                "LEDGER_TABLE": ledger.table.table_name,
                "BASE_URL": base_url,
                "STAGE": settings.stage,
                **channel.environment,
            },
        )
        ledger.grant_links(self.function)
        channel.grant_send(self.function)
        self.outputs = channel.outputs
        self._channel = Channel(
            self,
            "Approvals",
            name="approvals",
            description="Approvals that are asked for, reminded of or escalated, for the approver function",
            bus=hand_offs.bus,
            pattern=events.EventPattern(source=[SOURCE], detail_type=events.Match.prefix("approval.")),
            message=ENVELOPE,
            consumer_timeout=self.function.timeout,
        )
        # One hand-off may be twenty mails.
        self._channel.work.feed(self.function, batch_size=1)
