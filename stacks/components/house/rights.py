"""Narrow grants: many of the CDK's own allow more than is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam


def allow(
    grantee: iam.IGrantable, *actions: str, on: Sequence[str], conditions: Mapping[str, Any] | None = None
) -> None:
    """Allow a role exactly these actions on these resources."""
    iam.Grant.add_to_principal(
        grantee=grantee.grant_principal, actions=list(actions), resource_arns=list(on), conditions=conditions
    )
