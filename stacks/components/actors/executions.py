"""Executions: records the end of executions that could not record it themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.components.actors.actor import Actor
from stacks.components.flow.hand_off import Channel
from stacks.components.flow.workflow_function import WorkflowFunction
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.ledger import Ledger

WORKFLOWS_A_RULE = 7
"""A rule's pattern can have 2,048 characters, and a workflow takes up to 270 of them:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html.
"""


class Executions(Actor):
    """Lambda's status events of the kit's durable executions → queue → function.

    Args:
        workflows: The workflows whose executions it follows.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, ledger: Ledger, workflows: Sequence[WorkflowFunction]
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="executions",
            description="Records how durable executions ended, and cancels the tasks they left open",
            ledger=ledger,
            options=FunctionOptions(timeout=Duration.seconds(30)),
        )
        ledger.grant_ends(self.function)
        first, *others = _patterns([workflow.arn(self) for workflow in workflows])
        channel = Channel(
            self,
            "Ended",
            pattern=first,
            name="executions",
            description="Ends of durable executions, for the executions function",
            consumer=self.function,
        )
        for number, pattern in enumerate(others, 2):
            channel.take(f"Rule{number}", pattern, bus=None)
        self.function.watch_counts(
            "Workflows",
            "Decisions not applied",
            alarms={
                "DecisionsNotApplied": "An execution ended before it applied a recorded decision, and nothing will"
                " apply it. First find the task in the log of executions"
            },
        )


def _patterns(arns: Sequence[str]) -> list[events.EventPattern]:
    return [_ended(arns[number : number + WORKFLOWS_A_RULE]) for number in range(0, len(arns), WORKFLOWS_A_RULE)]


def _ended(arns: Iterable[str]) -> events.EventPattern:
    """Match the end of an execution of these functions, with or without a version in the event's ARN."""
    functions: list[Any] = []
    for arn in arns:
        functions += [arn, {"prefix": f"{arn}:"}]
    return events.EventPattern(
        source=["aws.lambda"],
        detail_type=["Durable Execution Status Change"],
        detail={"status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"], "functionArn": functions},
    )
