"""A durable workflow at work: on the ledger, with the bus to hand its tasks off to, and what is known of people."""

from __future__ import annotations

from constructs import Construct

from stacks.components.flow.durable_workflow import DurableWorkflow, WorkflowOptions
from stacks.components.flow.hand_off import HandOffBus
from stacks.components.state.answers_key import AnswersKey
from stacks.components.state.directory import Directory
from stacks.components.state.ledger import Ledger


class LedgerWorkflow(DurableWorkflow):
    """A durable workflow with all that `ask` needs: what its function reads, and what it may do.

    Args:
        ledger: Where its tasks are.
        hand_offs: What carries them to those who act on them.
        directory: What is known of people.
        answers: The key of encrypted answers; None for a workflow that asks for none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        options: WorkflowOptions,
        ledger: Ledger,
        hand_offs: HandOffBus,
        directory: Directory,
        answers: AnswersKey | None,
    ) -> None:
        environment = {**ledger.environment, **hand_offs.environment, **directory.environment}
        if answers:
            environment |= answers.environment
        super().__init__(scope, construct_id, options=options, environment=environment)
        self._grant_ledger(ledger)
        directory.grant_read(self.function)
        hand_offs.grant_put(self.function)
        if answers:
            answers.grant_read_write(self.function)

    def _grant_ledger(self, ledger: Ledger) -> None:
        ledger.grant_waits(self.function)


class RawWorkflow(LedgerWorkflow):
    """A durable workflow on the raw SDK: it has no task on the ledger, and records its result there."""

    def _grant_ledger(self, ledger: Ledger) -> None:
        ledger.grant_result(self.function)
