"""The kit's durable workflows, and the functions that ring and follow all workflows."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration
from constructs import Construct

from countersign.services.held_payments import WORKFLOW as HELD_PAYMENT
from stacks.components.actors.executions import Executions
from stacks.components.actors.held_payments import HeldPayments
from stacks.components.actors.publisher import Publisher
from stacks.components.actors.relay import Relay
from stacks.components.actors.sweeper import Sweeper
from stacks.components.edge.deny_callbacks import DenyCallbacks
from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.flow.workflow_alarms import watch_quotas
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.queues import queues_in
from stacks.components.house.stack import FunctionStack
from stacks.ledger_stack import LedgerStack
from stacks.options import environment, workflow_functions
from stacks.public_stack import PublicStack
from stacks.stage.settings import Settings
from stacks.workflows import build_workflows


class WorkflowStack(FunctionStack):
    """The kit's workflows, and the functions around every workflow of the stage, which these know by literal names.

    Attributes:
        workflows: The kit's workflows, by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        functions: FunctionDefaults,
        state: LedgerStack,
        public: PublicStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            prefix=settings.prefix,
            env=environment(settings),
            name="workflow",
            description="the kit's durable workflows, the relay and the publisher",
            functions=functions,
        )
        self.workflows: Mapping[str, DurableWorkflow] = build_workflows(
            self, settings=settings, state=state, public=public
        )
        every = workflow_functions(settings)
        Relay(self, "Relay", ledger=state.ledger, workflows=every)
        Publisher(
            self,
            "Publisher",
            ledger=state.ledger,
            hand_offs=state.hand_offs,
            archive=state.archive,
            held_by_webhook=public.held_events,
        )
        Executions(self, "Executions", ledger=state.ledger, prefix=settings.prefix, workflows=every)
        Sweeper(
            self,
            "Sweeper",
            every=Duration.minutes(settings.sweeper.every_minutes),
            grace_seconds=settings.sweeper.grace_seconds,
            ledger=state.ledger,
            workflows=every,
        )
        if settings.payments.operators:
            HeldPayments(
                self,
                "HeldPayments",
                ledger=state.ledger,
                hand_offs=state.hand_offs,
                workflow=self.workflows[HELD_PAYMENT].names,
                deadline_seconds=settings.workflows[HELD_PAYMENT].deadline_seconds,
            )
        if settings.people.deny_callbacks:
            DenyCallbacks(self, "DenyCallbacks", prefix=settings.prefix)
        watch_quotas(self)
        CfnOutput(self, "Queues", value=self.to_json_string(queues_in(self)))
