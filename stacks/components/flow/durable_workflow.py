"""A durable workflow: the function, the version that new executions run on, and who may start and wake it."""

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
    "durable executions are addressed by the version that they run on, and old versions finish theirs: "
    "the rights span the versions of this one function, and no other function"
)
_INLINE = "the right to one function goes with the role that has it, and cannot be attached to anybody else"


@dataclass(frozen=True)
class WorkflowOptions:
    """What one durable workflow is.

    Attributes:
        name: What requests call it.
        folder: The folder of its code.
        module: The module of that folder whose `handler` is the entry point.
        execution_timeout_seconds: How long Lambda keeps an execution alive.
        retention_days: How long Lambda keeps the history of a closed execution.
        on_ledger: Whether its tasks are on the ledger; one on the raw SDK records only its result there.
    """

    name: str
    folder: str
    module: str
    execution_timeout_seconds: int
    retention_days: int
    on_ledger: bool


class DurableWorkflow(Construct):
    """A durable function behind the alias `live`.

    A change of its code, layers or environment is a new version. `live` moves to it; executions that were started
    before stay on the version that they began with. It has no physical name, so that a change that only a new function
    can take (turning durability on, say) replaces it.

    Args:
        options: What it is.
        ledger: Where its tasks are.
        hand_offs: What carries them to those who act on them.
        directory: What is known of people.
        answers: The key of encrypted answers; None for a workflow that asks for none.
        environment: Variables beside those of its options and of these.

    Attributes:
        name: What requests call it.
        function: The function.
        alias: What is invoked to start it.
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
        # CDK's reminder that durability cannot be added to a function later; this one is durable from its creation on.
        Annotations.of(self.function.function).acknowledge_info("aws-lambda:Function.DurableConfig")
        checkpoints = self._allow_checkpoints()
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.function.current_version,
            description="What new executions run on",
            # The event itself is what is retried: Lambda takes the same name and payload for the same execution.
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
        """Have the SDK's OpenTelemetry plug-in send a span for every durable operation.

        The layer brings OpenTelemetry itself, whose exporters are no pure Python, and starts before the handler does,
        as the description of the package `aws-durable-execution-sdk-python-otel` has it.
        """
        function = self.function.function
        function.add_layers(lambda_.LayerVersion.from_layer_version_arn(self, "OpenTelemetry", layer_arn))
        function.add_environment("AWS_LAMBDA_EXEC_WRAPPER", "/opt/otel-instrument")
        function.add_environment("DURABLE_EXECUTION_PLUGINS", "otel-invocation")

    def grant_start(self, grantee: iam.IGrantable) -> None:
        """Let it start executions, on the alias and nowhere else."""
        allow(grantee, "lambda:InvokeFunction", on=[self.alias.function_arn])

    def grant_callbacks(self, grantee: iam.IGrantable, *, scope: Construct | None = None) -> iam.Policy:
        """Let a role complete and fail this workflow's callbacks.

        Args:
            grantee: Who has the role.
            scope: What the policy is part of: this workflow by default, so that roles of earlier stacks can be granted
                to. For a role of a later stack, something of that stack.

        Returns:
            The policy, for whatever must not run without it.
        """
        return self._allow(
            f"Callbacks-{self.name}-{_name(grantee)}",
            grantee,
            "lambda:SendDurableExecutionCallbackFailure",
            "lambda:SendDurableExecutionCallbackSuccess",
            scope=scope,
        )

    def grant_heartbeat(self, grantee: iam.IGrantable) -> iam.Policy:
        """Let a role say that this workflow's callbacks are still worked on; see `grant_callbacks`."""
        return self._allow(
            f"Heartbeat-{self.name}-{_name(grantee)}", grantee, "lambda:SendDurableExecutionCallbackHeartbeat"
        )

    def _allow_checkpoints(self) -> iam.Policy:
        # In place of AWSLambdaBasicDurableExecutionRolePolicy, which allows this on every function.
        actions = ("lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState")
        return self._allow("Checkpoints", self.function, *actions)

    def _allow(
        self, construct_id: str, grantee: iam.IGrantable, *actions: str, scope: Construct | None = None
    ) -> iam.Policy:
        # CDK has no grants for these actions. They match `function:<name>:*` only: neither the bare ARN nor an alias.
        # A policy of its own, since the role's own one comes before the function whose ARN it would need.
        scope = scope or self
        function_arn = self._arn_seen_from(scope)
        statement = iam.PolicyStatement(actions=list(actions), resources=[f"{function_arn}:*"])
        policy = iam.Policy(scope, construct_id, roles=[_role(grantee)], statements=[statement])
        acknowledge_every_version_of(policy, function_arn, _EVERY_VERSION)
        accept(policy, _INLINE, nist="IAMNoInlinePolicy")
        return policy

    def _arn_seen_from(self, scope: Construct) -> str:
        """Return the ARN as a stack names it: references that CDK makes across stacks have no name until synth."""
        stack, function_arn = Stack.of(self), self.function.function.function_arn
        if Stack.of(scope) is stack:
            return function_arn
        output = self.node.try_find_child("FunctionArn") or CfnOutput(self, "FunctionArn", value=function_arn)
        assert isinstance(output, CfnElement), "the construct id is the output's alone"
        return Fn.get_stack_output(stack.stack_name, stack.get_logical_id(output))


def _role(grantee: iam.IGrantable) -> iam.Role:
    role = grantee.grant_principal
    assert isinstance(role, iam.Role), "a workflow grants to roles, and to functions that have one"
    return role


def _name(grantee: iam.IGrantable) -> str:
    return _role(grantee).node.path.replace("/", "-")
