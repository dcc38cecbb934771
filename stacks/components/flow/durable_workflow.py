"""A durable workflow: the function, and its alias for new executions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.components.actors.looks import LooksFunction
from stacks.components.flow.hand_off import HandOffBus
from stacks.components.flow.workflow_alarms import watch_executions
from stacks.components.flow.workflow_function import CHECKPOINT, LIVE, WorkflowFunction
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue
from stacks.components.house.stack import FunctionStack
from stacks.components.state.answers_key import AnswersKey
from stacks.components.state.directory import Directory
from stacks.components.state.ledger import Ledger


@dataclass(frozen=True)
class WorkflowOptions:
    """The options of one durable workflow.

    Attributes:
        function: Its function, by its names.
        folder: The folder of its code.
        module: The module of that folder whose `handler` is the entry point.
        execution_timeout_seconds: How long Lambda keeps an execution alive.
        retention_days: How long Lambda keeps the history of a closed execution.
        on_ledger: Whether its tasks are on the ledger; a workflow on the raw SDK records only its result.
        policy: The rows of its policy; empty if requests name their approvers.
        operators: The people who resolve held payments; empty in other workflows.
        looks: The function that asks providers; None for a workflow that asks none.
    """

    function: WorkflowFunction
    folder: str
    module: str
    execution_timeout_seconds: int
    retention_days: int
    on_ledger: bool
    policy: Sequence[Any]
    operators: Sequence[str]
    looks: LooksFunction | None


class DurableWorkflow(Construct):
    """A durable function behind the alias `live`.

    A change of its code, tables, layers or environment makes a new version, and `live` moves to it. A running execution
    stays on its version.

    Args:
        options: Its options.
        ledger: The ledger of its tasks.
        hand_offs: The bus of its hand-offs.
        directory: The directory.
        answers: The key of encrypted answers; None for a workflow that asks for none.
        environment: Variables beside those of its options and the constructs above.

    Attributes:
        names: Its names.
        function: The function.
        alias: The alias that starts executions.
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
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.names = options.function
        name = self.names.workflow
        variables = {
            "WORKFLOW": name,
            "EXECUTION_TIMEOUT_SECONDS": str(options.execution_timeout_seconds),
            **ledger.environment,
            **hand_offs.environment,
            **directory.environment,
            **(answers.environment if answers else {}),
            **(options.looks.environment if options.looks else {}),
            **environment,
        }
        template = _digest(self, [variables, options.retention_days])
        self.function = PythonFunction(
            self,
            "Workflow",
            folder=options.folder,
            description=f"The durable workflow {name}; its template: {template}",
            options=FunctionOptions(
                name=self.names.name,
                service=name,
                module=options.module,
                timeout=Duration.minutes(1),
                memory_mb=256,
                dead_letter_queue=DeadLetterQueue(self, "DeadLetters", name=f"{name}-starts"),
                durable_config=lambda_.DurableConfig(
                    execution_timeout=Duration.seconds(options.execution_timeout_seconds),
                    retention_period=Duration.days(options.retention_days),
                ),
            ),
            environment=variables,
            tables={"policy": options.policy, "operators": options.operators},
        )
        if tracing_layer := FunctionStack.around(self).functions.tracing_layer:
            self._trace_operations(tracing_layer)
        # CDK reminds that durability cannot be added later; this function is durable from its creation.
        Annotations.of(self.function.function).acknowledge_info("aws-lambda:Function.DurableConfig")
        # AWS's managed policy would allow this on every function.
        self.names.grant(self.function.role, *CHECKPOINT)
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name=LIVE,
            version=self.function.function.current_version,
            description="The version of new executions",
            # A retry is safe: the same name and payload are the same execution.
            retry_attempts=2,
            max_event_age=Duration.hours(6),
        )
        grant = ledger.grant_waits if options.on_ledger else ledger.grant_result
        grant(self.function)
        directory.grant_read(self.function)
        hand_offs.grant_put(self.function)
        if answers:
            answers.grant_read_write(self.function)
        if options.looks:
            options.looks.grant_call(self.function.role)
        watch_executions(self.function, name)

    def _trace_operations(self, layer_arn: str) -> None:
        """Let the SDK's OpenTelemetry plug-in send a span for every durable operation.

        The layer contains OpenTelemetry, whose exporters are not pure Python, and starts before the handler: see the
        description of the package `aws-durable-execution-sdk-python-otel`.
        """
        function = self.function.function
        function.add_layers(lambda_.LayerVersion.from_layer_version_arn(self, "OpenTelemetry", layer_arn))
        function.add_environment("AWS_LAMBDA_EXEC_WRAPPER", "/opt/otel-instrument")
        function.add_environment("DURABLE_EXECUTION_PLUGINS", "otel-invocation")


def _digest(scope: Construct, written: Sequence[Any]) -> str:
    """Return a digest of how the template writes what the CDK makes versions by.

    The CDK makes a version when its text changes, also where a reference becomes the name that it had. Lambda makes one
    when the function changes, and CloudFormation fails where Lambda makes none. With the digest, both change together.
    """
    stack = Stack.of(scope)
    text = json.dumps(stack.resolve([*written, stack.account, stack.region]), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:8]
