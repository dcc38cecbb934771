"""A policy for the role of `countersign prove`."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.state.ledger import Ledger


class Prover(Construct):
    """A managed policy that the stage's role of `countersign prove` needs. An operator attaches it.

    The CDK does not attach it: nobody may change a role of IAM Identity Center, whose permission set takes the policy.

    Args:
        ledger: The ledger.
    """

    def __init__(self, scope: Construct, construct_id: str, *, ledger: Ledger) -> None:
        super().__init__(scope, construct_id)
        policy = iam.ManagedPolicy(
            self, "Policy", description="Allows countersign prove to answer its own tasks: attach it to its role"
        )
        ledger.grant_proofs(policy)
        CfnOutput(self, "Arn", value=policy.managed_policy_arn).override_logical_id("ProvePolicy")
