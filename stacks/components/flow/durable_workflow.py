"""A durable workflow: the function, its alias for new executions, and the rights to start and ring it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Annotations, CfnElement, CfnOutput, Duration, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.components.flow.hand_off import HandOffBus
from stacks.components.flow.workflow_alarms import watch_executions
from stacks.components.house.findings import accept, acknowledge_every_version_of
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue
from stacks.components.house.rights import allow
from stacks.components.house.stack import FunctionStack
from stacks.components.state.answers_key import AnswersKey
from stacks.components.state.directory import Directory
from stacks.components.state.ledger import Ledger

_EVERY_VERSION = (
    "an execution is addressed by the version that it runs on, and old versions finish theirs: "
    "the rights span the versions of this one function, and no other function"
)
_COMPLETE = ("lambda:SendDurableExecutionCallbackFailure", "lambda:SendDurableExecutionCallbackSuccess")
_INLINE = "the right to one function belongs to one role, and cannot be attached to another"


@dataclass(frozen=True)
class WorkflowOptions:
    """The options of one durable workflow.

    Attributes:
        name: Its name in requests.
        folder: The folder of its code.
        module: The module of that folder whose `handler` is the entry point.
        execution_timeout_seconds: How long Lambda keeps an execution alive.
        retention_days: How long Lambda keeps the history of a closed execution.
        on_ledger: Whether its tasks are on the ledger; a workflow on the raw SDK records only its result.
    """

    name: str
    folder: str
    module: str
    execution_timeout_seconds: int
    retention_days: int
    on_ledger: bool


class DurableWorkflow(Construct):
    """A durable function behind the alias `live`.

    A change of its code, layers or environment makes a new version, and `live` moves to it. A running execution stays
    on its version. The function has no physical name, so that CloudFormation can replace it, for example to make it
    durable.

    Args:
        options: Its options.
        ledger: The ledger of its tasks.
        hand_offs: The bus of its hand-offs.
        directory: The directory.
        answers: The key of encrypted answers; None for a workflow that asks for none.
        environment: Variables beside those of its options and the constructs above.

    Attributes:
        name: Its name in requests.
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
        self.name = options.name
        self.function = PythonFunction(
            self,
            "Workflow",
            folder=options.folder,
            description=f"The durable workflow {self.name}",
            options=FunctionOptions(
                module=options.module,
                timeout=Duration.minutes(1),
                dead_letter_queue=DeadLetterQueue(self, "DeadLetters", name=f"{self.name}-starts"),
                durable_config=lambda_.DurableConfig(
                    execution_timeout=Duration.seconds(options.execution_timeout_seconds),
                    retention_period=Duration.days(options.retention_days),
                ),
            ),
            environment={
                "WORKFLOW": self.name,
                "EXECUTION_TIMEOUT_SECONDS": str(options.execution_timeout_seconds),
                **ledger.environment,
                **hand_offs.environment,
                **directory.environment,
                **(answers.environment if answers else {}),
                **environment,
            },
        )
        if tracing_layer := FunctionStack.around(self).functions.tracing_layer:
            self._trace_operations(tracing_layer)
        # CDK reminds that durability cannot be added later; this function is durable from its creation.
        Annotations.of(self.function.function).acknowledge_info("aws-lambda:Function.DurableConfig")
        checkpoints = self._allow_checkpoints()
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.function.current_version,
            description="The version of new executions",
            # A retry is safe: the same name and payload are the same execution.
            retry_attempts=2,
            max_event_age=Duration.hours(6),
        )
        self.alias.node.add_dependency(checkpoints)
        grant = ledger.grant_waits if options.on_ledger else ledger.grant_result
        grant(self.function)
        directory.grant_read(self.function)
        hand_offs.grant_put(self.function)
        if answers:
            answers.grant_read_write(self.function)
        watch_executions(self.function, self.name)

    def _trace_operations(self, layer_arn: str) -> None:
        """Let the SDK's OpenTelemetry plug-in send a span for every durable operation.

        The layer contains OpenTelemetry, whose exporters are not pure Python, and starts before the handler: see the
        description of the package `aws-durable-execution-sdk-python-otel`.
        """
        function = self.function.function
        function.add_layers(lambda_.LayerVersion.from_layer_version_arn(self, "OpenTelemetry", layer_arn))
        function.add_environment("AWS_LAMBDA_EXEC_WRAPPER", "/opt/otel-instrument")
        function.add_environment("DURABLE_EXECUTION_PLUGINS", "otel-invocation")

    def grant_start(self, grantee: iam.IGrantable) -> None:
        """Allow starting executions, on the alias only."""
        allow(grantee, "lambda:InvokeFunction", on=[self.alias.function_arn])

    def grant_callbacks(self, grantee: iam.IGrantable, *, scope: Construct | None = None) -> iam.Policy:
        """Let a role complete and fail this workflow's callbacks.

        Args:
            grantee: The role, or a function that has it.
            scope: Parent of the policy: by default this workflow, which suits a role of an earlier stack. For a role of
                a later stack, a construct of that stack.

        Returns:
            The policy, for a resource that depends on it.
        """
        return self._allow(f"Callbacks-{self.name}-{_name(grantee)}", grantee, *_COMPLETE, scope=scope)

    def grant_sweep(self, grantee: iam.IGrantable, *, scope: Construct) -> None:
        """Let the sweeper complete callbacks, and see whether an execution is paused; see `grant_callbacks`."""
        self._allow(
            f"Callbacks-{self.name}-{_name(grantee)}", grantee, *_COMPLETE, "lambda:GetDurableExecution", scope=scope
        )

    def grant_heartbeat(self, grantee: iam.IGrantable) -> iam.Policy:
        """Let a role send heartbeats of this workflow's callbacks; see `grant_callbacks`."""
        return self._allow(
            f"Heartbeat-{self.name}-{_name(grantee)}", grantee, "lambda:SendDurableExecutionCallbackHeartbeat"
        )

    def _allow_checkpoints(self) -> iam.Policy:
        # AWSLambdaBasicDurableExecutionRolePolicy would allow this on every function.
        actions = ("lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState")
        return self._allow("Checkpoints", self.function, *actions)

    def _allow(
        self, construct_id: str, grantee: iam.IGrantable, *actions: str, scope: Construct | None = None
    ) -> iam.Policy:
        # CDK has no grants for these actions. They match `function:<name>:*` only: neither the bare ARN nor an alias.
        # The role's default policy is created before the function and cannot name its ARN.
        scope = scope or self
        function_arn = self._arn_seen_from(scope)
        statement = iam.PolicyStatement(actions=list(actions), resources=[f"{function_arn}:*"])
        policy = iam.Policy(scope, construct_id, roles=[_role(grantee)], statements=[statement])
        acknowledge_every_version_of(policy, function_arn, _EVERY_VERSION)
        accept(policy, _INLINE, nist="IAMNoInlinePolicy")
        return policy

    def _arn_seen_from(self, scope: Construct) -> str:
        """Return the ARN as a stack names it: CDK's own references across stacks have no name until synth."""
        stack, function_arn = Stack.of(self), self.function.function.function_arn
        if Stack.of(scope) is stack:
            return function_arn
        output = self.node.try_find_child("FunctionArn") or CfnOutput(self, "FunctionArn", value=function_arn)
        assert isinstance(output, CfnElement), "only the output has this construct id"
        return Fn.get_stack_output(stack.stack_name, stack.get_logical_id(output))


def _role(grantee: iam.IGrantable) -> iam.Role:
    role = grantee.grant_principal
    assert isinstance(role, iam.Role), "a workflow grants to roles, and to functions that have one"
    return role


def _name(grantee: iam.IGrantable) -> str:
    return _role(grantee).node.path.replace("/", "-")
