"""Executions: records the end of executions that could not record it themselves."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.components.actors.actor import Actor
from stacks.components.flow.hand_off import Channel
from stacks.components.flow.workflow_function import LOOK, WorkflowFunction
from stacks.components.flow.workflow_rights import WorkflowRights
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.ledger import Ledger


class Executions(Actor):
    """Lambda's status events of the kit's durable executions → queue → function.

    Args:
        prefix: The beginning of the names of workflows' functions, which no other stage's or fork's functions have.
        workflows: The workflows, of whose failed executions it reads the error.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        prefix: str,
        workflows: Sequence[WorkflowFunction],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="executions",
            description="Records how durable executions ended, and cancels the tasks they left open",
            ledger=ledger,
            # A workflow that succeeds has recorded its result itself; the end of another is known this much later.
            options=FunctionOptions(timeout=Duration.seconds(30), window=Duration.seconds(5), memory_mb=256),
        )
        ledger.grant_ends(self.function)
        WorkflowRights(self, "Workflows", function=self.function, workflows=workflows, on_versions=LOOK)
        functions = Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=prefix, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        Channel(
            self,
            "Ended",
            pattern=events.EventPattern(
                source=["aws.lambda"],
                detail_type=["Durable Execution Status Change"],
                detail={
                    "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"],
                    "functionArn": events.Match.prefix(functions),
                },
            ),
            name="executions",
            description="Ends of durable executions, for the executions function",
            consumer=self.function,
        )
        self.function.watch_counts(
            "Workflows",
            "Failures, and decisions not applied",
            alarms={
                # Lambda's metric counts the executions of withdrawn requests too.
                "ExecutionsFailed": "Executions failed, and their open tasks are cancelled. First list them by"
                " `countersign requests --failed`, then read the error by `countersign logs REQUEST`",
                "DecisionsNotApplied": "An execution ended before it applied a recorded decision, and nothing will"
                " apply it. First find the task in the log of executions",
            },
        )
