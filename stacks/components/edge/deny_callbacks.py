"""What people of the account may not do, whatever else they may: complete a callback by hand."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.flow.durable_workflow import DurableWorkflow


class DenyCallbacks(Construct):
    """A managed policy for people's roles and permission sets. It denies, and allows nothing.

    A callback that somebody completes by hand decides nothing where there is a ledger: the workflow reads it, and waits
    on. Where a workflow uses the SDK without one, whoever completes its callback is whom it believes.

    Args:
        workflows: Whose callbacks.
    """

    def __init__(self, scope: Construct, construct_id: str, *, workflows: Iterable[DurableWorkflow]) -> None:
        super().__init__(scope, construct_id)
        policy = iam.ManagedPolicy(
            self,
            "Policy",
            description="Denies completing callbacks of countersign: attach it to roles of people",
            statements=[
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=["lambda:SendDurableExecutionCallback*"],
                    # Every version: callbacks belong to executions, and these to the version that they run on.
                    resources=[f"{workflow.function.function.function_arn}:*" for workflow in workflows],
                )
            ],
        )
        CfnOutput(self, "Arn", value=policy.managed_policy_arn).override_logical_id("DenyCallbacksPolicy")
