"""The callback patterns of docs/patterns.md as workflows. Not every stage deploys them."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.flow.workflow_function import COMPLETE
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue, queues_in, retry_invocations
from stacks.components.house.rights import allow
from stacks.components.house.stack import FunctionStack
from stacks.ledger_stack import LedgerStack
from stacks.options import environment
from stacks.public_stack import PublicStack
from stacks.stage.settings import Settings
from stacks.stage.workflows import ON_THE_RAW_SDK, PATTERNS_FOLDER
from stacks.workflows import build_workflows


class PatternsStack(FunctionStack):
    """Each pattern as a durable workflow that `POST /requests` starts.

    Attributes:
        workflows: The workflows, by name.
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
            name="patterns",
            description="the callback patterns, to try out and to copy from",
            functions=functions,
        )
        decider = _decider(self, DeadLetterQueue(self, "DeciderDeadLetters", name="decider"))
        told = {"DECIDER": decider.function.function_name}
        self.workflows: Mapping[str, DurableWorkflow] = build_workflows(
            self, settings=settings, state=state, public=public, environments=dict.fromkeys(ON_THE_RAW_SDK, told)
        )
        for name in ON_THE_RAW_SDK:
            _let_decide(decider, self.workflows[name])
        CfnOutput(self, "Queues", value=self.to_json_string(queues_in(self)))


def _decider(scope: Construct, dead_letters: DeadLetterQueue) -> PythonFunction:
    decider = PythonFunction(
        scope,
        "Decider",
        folder=PATTERNS_FOLDER,
        description="Decides an order, and completes the workflow's callback itself",
        options=FunctionOptions(module="decider", dead_letter_queue=dead_letters),
        environment={},
    )
    retry_invocations(decider)
    return decider


def _let_decide(decider: PythonFunction, workflow: DurableWorkflow) -> None:
    """Let a workflow invoke the plain Lambda, and that Lambda complete the workflow's callbacks."""
    allow(workflow.function, "lambda:InvokeFunction", on=[decider.function.function_arn])
    workflow.names.grant(decider.role, *COMPLETE)
