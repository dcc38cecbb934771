"""What holds state: the ledger, and the bus with its archive."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.components.hand_off import HandOffBus
from stacks.components.ledger import Ledger
from stacks.components.retention import removal_policy
from stacks.settings import Settings


class LedgerStack(Stack):
    """The stateful stack. A protected stage cannot delete it without taking that protection away first.

    Attributes:
        ledger: The ledger.
        hand_offs: The hand-off bus.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"countersign-{settings.stage}-ledger",
            description="Countersign: the ledger of tasks and the hand-off bus",
            termination_protection=settings.ledger.protected,
        )
        removal = removal_policy(settings)
        self.ledger = Ledger(self, "Ledger", protected=settings.ledger.protected, removal_policy=removal)
        self.hand_offs = HandOffBus(
            self, "HandOffs", archive_days=settings.hand_off.archive_days, removal_policy=removal
        )
        CfnOutput(self, "TableName", value=self.ledger.table.table_name)
        CfnOutput(self, "BusName", value=self.hand_offs.bus.event_bus_name)
