"""HeldPayments: has operators asked about each payment event that is held."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.flow.hand_off import ENVELOPE, Channel, HandOffBus
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.ledger import Ledger


class HeldPayments(Construct):
    """Held events on the hand-off bus → queue → function → the workflow that asks the operators.

    A function between them, since EventBridge can start an execution and cannot name it: the name makes an event that
    is delivered twice one question.

    Attributes:
        function: The function.
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
        defaults: FunctionDefaults,
    ) -> None:
        """Build the function and its queue.

        Args:
            scope: The parent.
            construct_id: The id.
            ledger: Where it puts its requests on record.
            hand_offs: The bus that it is fed from.
            workflow: What it starts.
            deadline_seconds: How long the operators have.
            defaults: What it has in common with the stack's other functions.
        """
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "HeldPayments",
            folder="held_payments",
            description="Has operators asked about held payment events",
            defaults=defaults,
            options=FunctionOptions(timeout=Duration.seconds(30)),
            environment={
                "LEDGER_TABLE": ledger.table.table_name,
                "WORKFLOW_ARN": workflow.alias.function_arn,
                "DEADLINE_SECONDS": str(deadline_seconds),
            },
        )
        ledger.grant_submit(self.function)
        workflow.grant_start(self.function)
        self._channel = Channel(
            self,
            "Held",
            name="held-payments",
            description="Events that no machine may act on, for the held_payments function",
            bus=hand_offs.bus,
            pattern=events.EventPattern(source=[SOURCE], detail_type=events.Match.suffix(".held")),
            message=ENVELOPE,
            consumer_timeout=self.function.timeout,
        )
        self._channel.work.feed(self.function)
