"""Accept findings of cdk-nag and checkov, one at a time, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding on one construct and its children.

    Args:
        construct: The construct.
        finding: The rule, such as `APIG4`, followed by the finding in brackets if the rule names it.
        reason: Why it is right here, for a reviewer.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason))


def accept(construct: IConstruct, reason: str, *, nist: str = "", checkov: str = "") -> None:
    """Accept one finding of `make audit` on one construct, by the rules of either pack or both.

    Args:
        construct: The construct; for checkov, the one that makes the resource.
        reason: Why it is right here, for a reviewer.
        nist: The rule of cdk-nag's pack for NIST 800-53 revision 5, such as `LambdaInsideVPC`; empty for none.
        checkov: The id of checkov's rule, such as `CKV_AWS_117`; empty for none.
    """
    if nist:
        Validations.of(construct).acknowledge(Acknowledgment(id=f"NIST.800.53.R5-{nist}", reason=reason))
    if checkov:
        resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
        assert isinstance(resource, CfnResource), "checkov checks resources"
        known = (resource.get_metadata("checkov") or {"skip": []})["skip"]
        resource.add_metadata("checkov", {"skip": [*known, {"id": checkov, "comment": reason}]})


def acknowledge_every_version_of(policy: IConstruct, function_arn: str, reason: str) -> None:
    """Accept a policy that names all versions of one function, `function:<name>:*`, and nothing else.

    Args:
        policy: The policy, or the role that has it.
        function_arn: The function, by its literal name.
        reason: Why it is right here, for a reviewer.
    """
    acknowledge(policy, f"IAM5[Resource::{shown(policy, function_arn)}:*]", reason)


def shown(scope: IConstruct, text: str) -> str:
    """Return a text as findings show it: `<AWS::Region>` for a reference, JSON for another function."""
    resolved = Stack.of(scope).resolve(text)
    if isinstance(resolved, str):
        return resolved
    return "".join(part if isinstance(part, str) else _shown(part) for part in resolved["Fn::Join"][1])


def _shown(function: Mapping[str, Any]) -> str:
    return f"<{function['Ref']}>" if "Ref" in function else json.dumps(function, separators=(",", ":"))
