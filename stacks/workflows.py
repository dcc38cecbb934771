"""Build a stack's share of the durable workflows in the settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aws_cdk import CfnOutput
from constructs import Construct

from countersign.services.held_payments import WORKFLOW as HELD_PAYMENT
from stacks.components.flow.durable_workflow import DurableWorkflow, WorkflowOptions
from stacks.components.flow.workflow_function import WorkflowFunction
from stacks.components.house.stack import FunctionStack
from stacks.ledger_stack import LedgerStack
from stacks.options import looks_function, workflow_functions
from stacks.public_stack import PublicStack
from stacks.stage.policies import policy_document
from stacks.stage.settings import Settings
from stacks.stage.workflows import ON_THE_RAW_SDK, WorkflowSettings


def build_workflows(
    stack: FunctionStack,
    *,
    settings: Settings,
    state: LedgerStack,
    public: PublicStack,
    environments: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, DurableWorkflow]:
    """Build the workflows of a stack, with the output `Workflows`, and return them by name.

    Args:
        stack: The stack.
        settings: The stage's settings.
        state: The stack of the ledger, the bus and the directory.
        public: The stack of the API.
        environments: Further variables of some, by name.
    """
    below = Construct(stack, "Durable")
    functions = {each.workflow: each for each in workflow_functions(settings)}
    workflows = {
        name: DurableWorkflow(
            below,
            name.title().replace("-", ""),
            options=_options(functions[name], workflow, settings),
            ledger=state.ledger,
            hand_offs=state.hand_offs,
            directory=state.directory,
            answers=state.answers if workflow.encrypted else None,
            environment={"BASE_URL": public.base_url, **environments.get(name, {})},
        )
        for name, workflow in settings.workflow_stacks[stack.name].items()
    }
    arns = {name: workflow.names.live_arn(stack) for name, workflow in workflows.items()}
    CfnOutput(stack, "Workflows", value=stack.to_json_string(arns))
    return workflows


def _options(function: WorkflowFunction, workflow: WorkflowSettings, settings: Settings) -> WorkflowOptions:
    name = function.workflow
    return WorkflowOptions(
        function=function,
        folder=workflow.function,
        module=workflow.module,
        execution_timeout_seconds=workflow.execution_timeout_seconds,
        retention_days=workflow.retention_days,
        on_ledger=name not in ON_THE_RAW_SDK,
        policy=policy_document(settings.policies.get(name, ())),
        operators=settings.payments.operators if name == HELD_PAYMENT else (),
        looks=looks_function(settings) if workflow.looks else None,
    )
