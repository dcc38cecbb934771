"""A share of a fork's durable workflows."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.queues import queues_in
from stacks.components.house.stack import FunctionStack
from stacks.ledger_stack import LedgerStack
from stacks.options import environment
from stacks.public_stack import PublicStack
from stacks.stage.settings import Settings
from stacks.workflows import build_workflows


class WorkflowsStack(FunctionStack):
    """One of up to four stacks with the workflows that the kit does not have: a stack holds 500 resources.

    A workflow's stack depends on its name only, so that other workflows can be added and removed without moving it.

    Attributes:
        workflows: Its workflows, by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
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
            name=name,
            description="durable workflows of this fork",
            functions=functions,
        )
        self.workflows: Mapping[str, DurableWorkflow] = build_workflows(
            self, settings=settings, state=state, public=public
        )
        CfnOutput(self, "Queues", value=self.to_json_string(queues_in(self)))
