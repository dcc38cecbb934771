"""A policy that denies people of the account to complete a callback by hand."""

from __future__ import annotations

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct


class DenyCallbacks(Construct):
    """A managed policy for people's roles and permission sets. It denies, and allows nothing.

    A workflow with tasks on the ledger ignores a callback that a person completes: it reads the ledger, and waits on. A
    workflow on the raw SDK believes every completed callback.

    Args:
        prefix: The beginning of the names of workflows' functions.
    """

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str) -> None:
        super().__init__(scope, construct_id)
        functions = Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=f"{prefix}*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        policy = iam.ManagedPolicy(
            self,
            "Policy",
            description="Denies completing callbacks of countersign: attach it to roles of people",
            statements=[
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=["lambda:SendDurableExecutionCallback*"],
                    # Every version: a callback's ARN names the version that its execution runs on.
                    resources=[f"{functions}:*"],
                )
            ],
        )
        CfnOutput(self, "Arn", value=policy.managed_policy_arn).override_logical_id("DenyCallbacksPolicy")
