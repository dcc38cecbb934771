"""Acknowledging findings of cdk-nag, one at a time, each with its reason."""

from __future__ import annotations

import json

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding on one construct and what is below it.

    Args:
        construct: Where it is found.
        finding: The rule, such as `APIG4`; with what it found in brackets, for rules that say so.
        reason: Why it is right here, for a reviewer.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason))


def acknowledge_every_version_of(policy: IConstruct, function_arn: str, reason: str) -> None:
    """Accept a policy that names all versions of one function, `function:<name>:*`, and nothing else.

    Args:
        policy: The policy.
        function_arn: The function, as the policy refers to it.
        reason: Why it is right here, for a reviewer.
    """
    reference = Stack.of(policy).resolve(function_arn)
    attribute = reference.get("Fn::GetAtt")
    found = f"<{'.'.join(attribute)}>" if attribute else json.dumps(reference, separators=(",", ":"))
    acknowledge(policy, f"IAM5[Resource::{found}:*]", reason)
