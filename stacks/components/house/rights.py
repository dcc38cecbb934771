"""Rights, as narrow as they are needed: many grants of the CDK allow more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam


def allow(
    grantee: iam.IGrantable, *actions: str, on: Sequence[str], conditions: Mapping[str, Any] | None = None
) -> None:
    """Let a role do these actions on these resources, and nothing else."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=list(actions), resources=list(on), conditions=conditions)
    )
