"""Acknowledging findings of cdk-nag, one at a time, each with its reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding on one construct and what is below it.

    Args:
        construct: Where it is found.
        finding: The rule, such as `APIG4`; with what it found in brackets, for rules that say so.
        reason: Why it is right here, for a reviewer.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason))


def acknowledge_every_version_of(construct: IConstruct, function: CfnElement, reason: str) -> None:
    """Accept a policy that names all versions of one function, `function:<name>:*`.

    Args:
        construct: The policy.
        function: The function.
        reason: Why it is right here, for a reviewer.
    """
    logical_id = Stack.of(function).get_logical_id(function)
    acknowledge(construct, f"IAM5[Resource::<{logical_id}.Arn>:*]", reason)
