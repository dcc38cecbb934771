"""Accept findings of cdk-nag and checkov, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from constructs import IConstruct


class Accepted(NamedTuple):
    """A finding that is right where it is, by the rules that find it.

    Attributes:
        reason: Why it is right, for a reviewer.
        solutions: The rule of cdk-nag's pack AwsSolutions, such as `APIG4`, followed by the finding in brackets if the
            rule names it; empty for none.
        nist: The rule of its pack for NIST 800-53 revision 5, such as `LambdaInsideVPC`; empty for none.
        checkov: The id of checkov's rule, such as `CKV_AWS_117`; empty for none.
    """

    reason: str
    solutions: str = ""
    nist: str = ""
    checkov: str = ""


def accept(construct: IConstruct, *findings: Accepted) -> None:
    """Accept findings on one construct: those of cdk-nag on its children too, those of checkov on its resource."""
    acknowledged = [
        Acknowledgment(id=f"{pack}-{rule}", reason=each.reason)
        for each in findings
        for pack, rule in (("AwsSolutions", each.solutions), ("NIST.800.53.R5", each.nist))
        if rule
    ]
    Validations.of(construct).acknowledge(*acknowledged)
    if skipped := [{"id": each.checkov, "comment": each.reason} for each in findings if each.checkov]:
        resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
        assert isinstance(resource, CfnResource), "checkov checks resources"
        known = (resource.get_metadata("checkov") or {"skip": []})["skip"]
        resource.add_metadata("checkov", {"skip": [*known, *skipped]})


def shown(scope: IConstruct, text: str) -> str:
    """Return a text as findings show it: `<AWS::Region>` for a reference, JSON for another function."""
    resolved = Stack.of(scope).resolve(text)
    if isinstance(resolved, str):
        return resolved
    return "".join(part if isinstance(part, str) else _shown(part) for part in resolved["Fn::Join"][1])


def _shown(function: Mapping[str, Any]) -> str:
    return f"<{function['Ref']}>" if "Ref" in function else json.dumps(function, separators=(",", ":"))
