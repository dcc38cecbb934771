"""A policy that denies people of the account to complete a callback by hand."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.flow.workflow_function import WorkflowFunction


class DenyCallbacks(Construct):
    """A managed policy for people's roles and permission sets. It denies, and allows nothing.

    A workflow with tasks on the ledger ignores a callback that a person completes: it reads the ledger, and waits on. A
    workflow on the raw SDK believes every completed callback.

    Args:
        workflows: The workflows whose callbacks it denies.
    """

    def __init__(self, scope: Construct, construct_id: str, *, workflows: Iterable[WorkflowFunction]) -> None:
        super().__init__(scope, construct_id)
        policy = iam.ManagedPolicy(
            self,
            "Policy",
            description="Denies completing callbacks of countersign: attach it to roles of people",
            statements=[
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=["lambda:SendDurableExecutionCallback*"],
                    # Every version: a callback's ARN names the version that its execution runs on.
                    resources=[f"{workflow.arn(self)}:*" for workflow in workflows],
                )
            ],
        )
        CfnOutput(self, "Arn", value=policy.managed_policy_arn).override_logical_id("DenyCallbacksPolicy")
