"""A durable workflow at work: on the ledger, with the bus to hand its tasks off to, and what is known of people."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.state.ledger import Ledger
from stacks.ledger_stack import LedgerStack
from stacks.stage.workflows import WorkflowSettings


class LedgerWorkflow(DurableWorkflow):
    """A durable workflow with all that `ask` needs: what its function reads, and what it may do."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        workflow: WorkflowSettings,
        state: LedgerStack,
        defaults: FunctionDefaults,
        environment: Mapping[str, str],
    ) -> None:
        """Build the workflow.

        Args:
            scope: The parent.
            construct_id: The id.
            name: What requests call it.
            workflow: Its settings.
            state: Where its tasks are, what carries them to those who act on them, and what is known of people.
            defaults: What its function has in common with the stack's others.
            environment: Variables beside those of the state.
        """
        answers = state.answers if workflow.encrypted else None
        super().__init__(
            scope,
            construct_id,
            name=name,
            workflow=workflow,
            defaults=defaults,
            environment={
                "LEDGER_TABLE": state.ledger.table.table_name,
                "BUS_NAME": state.hand_offs.bus.event_bus_name,
                **state.directory.environment,
                **(answers.environment if answers else {}),
                **environment,
            },
        )
        self._grant_ledger(state.ledger)
        state.directory.grant_read(self.function)
        state.hand_offs.grant_put(self.function)
        if answers:
            answers.grant_read_write(self.function)

    def _grant_ledger(self, ledger: Ledger) -> None:
        ledger.grant_waits(self.function)


class RawWorkflow(LedgerWorkflow):
    """A durable workflow on the raw SDK: it has no task on the ledger, and records its result there."""

    def _grant_ledger(self, ledger: Ledger) -> None:
        ledger.grant_result(self.function)
