"""Build the durable workflows of the settings, for the stacks that have some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from constructs import Construct

from stacks.components.flow.durable_workflow import DurableWorkflow, WorkflowOptions
from stacks.components.flow.workflow_function import WorkflowFunction
from stacks.ledger_stack import LedgerStack
from stacks.stage.workflows import ON_THE_RAW_SDK, WorkflowSettings


def build_workflows(
    scope: Construct,
    workflows: Mapping[str, WorkflowSettings],
    *,
    prefix: str,
    state: LedgerStack,
    environments: Mapping[str, Mapping[str, str]],
    policies: Mapping[str, Sequence[Any]] = MappingProxyType({}),
    operators: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, DurableWorkflow]:
    """Build workflows in a stack, and return them by name.

    Args:
        scope: The stack.
        workflows: The settings of each, by name.
        prefix: The beginning of their functions' names.
        state: The stack of the ledger, the bus and the directory.
        environments: Variables of each beside those of the state, by name.
        policies: The rows of each that has a policy, by name.
        operators: The operators of each that asks them, by name.
    """
    below = Construct(scope, "Durable")
    return {
        name: DurableWorkflow(
            below,
            name.title().replace("-", ""),
            options=WorkflowOptions(
                function=WorkflowFunction(name, f"{prefix}{name}"),
                folder=workflow.function,
                module=workflow.module,
                execution_timeout_seconds=workflow.execution_timeout_seconds,
                retention_days=workflow.retention_days,
                on_ledger=name not in ON_THE_RAW_SDK,
                policy=policies.get(name, ()),
                operators=operators.get(name, ()),
            ),
            ledger=state.ledger,
            hand_offs=state.hand_offs,
            directory=state.directory,
            answers=state.answers if workflow.encrypted else None,
            environment=environments[name],
        )
        for name, workflow in workflows.items()
    }
