"""HeldPayments: has operators asked about each payment event that is held."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from stacks.components.actors.actor import Actor
from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.flow.hand_off import ENVELOPE, Channel, HandOffBus
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.ledger import Ledger


class HeldPayments(Actor):
    """Held events on the hand-off bus → queue → function → the workflow that asks the operators.

    A function between them, since EventBridge can start an execution and cannot name it: the name makes an event that
    is delivered twice one question.

    Args:
        hand_offs: The bus that it is fed from.
        workflow: What it starts.
        deadline_seconds: How long the operators have.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        hand_offs: HandOffBus,
        workflow: DurableWorkflow,
        deadline_seconds: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="held_payments",
            description="Has operators asked about held payment events",
            ledger=ledger,
            options=FunctionOptions(timeout=Duration.seconds(30)),
            environment={"WORKFLOW_ARN": workflow.alias.function_arn, "DEADLINE_SECONDS": str(deadline_seconds)},
        )
        ledger.grant_submit(self.function)
        workflow.grant_start(self.function)
        Channel(
            self,
            "Held",
            pattern=events.EventPattern(source=[SOURCE], detail_type=events.Match.suffix(".held")),
            name="held-payments",
            description="Events that no machine may act on, for the held_payments function",
            bus=hand_offs.bus,
            message=ENVELOPE,
            consumer=self.function,
        )
