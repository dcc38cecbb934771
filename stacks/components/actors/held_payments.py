"""HeldPayments: starts a workflow that asks the operators about each held payment event."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from stacks.components.actors.actor import Actor
from stacks.components.flow.hand_off import ENVELOPE, Channel, HandOffBus
from stacks.components.flow.workflow_function import WorkflowFunction
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.ledger import Ledger


class HeldPayments(Actor):
    """Held events on the hand-off bus → queue → function → the workflow that asks the operators.

    The function names the execution, so that an event that is delivered twice becomes one question. EventBridge alone
    can start an execution, but cannot name it.

    Args:
        hand_offs: The bus of the held events.
        workflow: The workflow that it starts.
        deadline_seconds: How long the operators have.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        hand_offs: HandOffBus,
        workflow: WorkflowFunction,
        deadline_seconds: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="held_payments",
            description="Starts the workflow that asks operators about a held payment event",
            ledger=ledger,
            options=FunctionOptions(timeout=Duration.seconds(30)),
            environment={"WORKFLOW_ARN": workflow.live_arn(scope), "DEADLINE_SECONDS": str(deadline_seconds)},
        )
        ledger.grant_submit(self.function)
        workflow.grant_start(self.function.role)
        Channel(
            self,
            "Held",
            pattern=events.EventPattern(source=[SOURCE], detail_type=events.Match.suffix(".held")),
            name="held-payments",
            description="Held payment events, for the held_payments function",
            bus=hand_offs.bus,
            message=ENVELOPE,
            consumer=self.function,
        )
