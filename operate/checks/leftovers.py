"""Leftovers of earlier deploys and of other people: stacks left half-way, drift, and names that are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from operate.checks import Findings, Note
from operate.errors import code_of
from operate.stage import Stage

_FIRST_FAILED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
"""The first deploy of the stack failed. The CDK deletes such a stack, and creates it again."""
_COMMANDS = {
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name",
}
_DELETE = "aws cloudformation delete-stack --stack-name"
_UNPROTECT = "aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name"


def stacks(stage: Stage) -> Findings:
    """Check that each stack is absent, or in a state from which CloudFormation can update it."""
    for name, description in stage.present.items():
        yield _stack(name, description)
    if not stage.present:
        yield "none is deployed yet", ""


def _stack(name: str, description: dict[str, Any]) -> tuple[str, str]:
    status = description["StackStatus"]
    what = f"{name} is {status}"
    if status in _FIRST_FAILED:
        what = f"{what}, because its first deploy failed"
        if description.get("EnableTerminationProtection"):
            return what, f"{_UNPROTECT} {name}; then the next deploy deletes the stack, and creates it again"
        return what, Note("the deploy deletes it, and creates it again")
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return (
            f"{what}: another deploy is running",
            f"wait until it ends: aws cloudformation describe-stacks --stack-name {name}",
        )
    if status.endswith("_FAILED"):
        events = f"aws cloudformation describe-stack-events --stack-name {name} shows why"
        return what, f"{_COMMANDS.get(status, _DELETE)} {name}; {events}"
    return what, ""


def drift(stage: Stage) -> Findings:
    """Report what the last drift detection of each stack found. A deploy cannot update a resource that is gone."""
    drifted = [name for name, stack in stage.present.items() if _drift(stack) == "DRIFTED"]
    if not drifted:
        yield "no drift was detected", ""
    for name in drifted:
        answer = stage.client("cloudformation").describe_stack_resource_drifts(
            StackName=name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], MaxResults=100
        )
        found = {
            resource["LogicalResourceId"]: resource["StackResourceDriftStatus"]
            for resource in answer["StackResourceDrifts"]
        }
        detect = f"aws cloudformation detect-stack-drift --stack-name {name}"
        for status, advice in (
            ("DELETED", f"create it again under its old name, or remove it from the stack; then {detect}"),
            ("MODIFIED", Note(f"undo the change, because a deploy may keep it; then {detect}")),
        ):
            if changed := sorted(resource for resource, its in found.items() if its == status):
                yield f"{name} has drifted: {', '.join(changed)} {status}", advice


def _drift(stack: dict[str, Any]) -> str:
    status: str = stack.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED")
    return status


def names(stage: Stage) -> Findings:
    """Check that no other application has a name that the stage uses."""
    taken = list(_taken(stage))
    other = f"otherwise choose another name under [app] or [api] in settings/{stage.name}.toml"
    for what, name, delete in taken:
        yield f"the {what} {name} exists and is not the stage's", f"if nobody needs it: {delete} {name}; {other}"
    if not taken:
        yield "no name is taken", ""


def _taken(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield each taken name: the kind of resource that has it, the name, and the command that deletes the resource."""
    prefix, domain = stage.settings.prefix, stage.settings.api.domain
    buses = {f"{prefix}hand-offs", *(partner.event_source for partner in stage.settings.partners.values())}
    functions = {f"{prefix}{workflow}" for workflow in stage.settings.every_workflow}
    for bus in sorted(buses - set(stage.owned("AWS::Events::EventBus"))):
        if _exists(stage.client("events").describe_event_bus, Name=bus):
            yield "event bus", bus, "aws events delete-event-bus --name"
    other_domain = domain and domain not in stage.owned("AWS::ApiGatewayV2::DomainName")
    if other_domain and _exists(stage.client("apigatewayv2").get_domain_name, DomainName=domain):
        yield "API domain", domain, "aws apigatewayv2 delete-domain-name --domain-name"
    pages = stage.client("lambda").get_paginator("list_functions").paginate()
    existing = {function["FunctionName"] for page in pages for function in page["Functions"]}
    for name in sorted((existing & functions) - set(stage.owned("AWS::Lambda::Function"))):
        yield "function", name, "aws lambda delete-function --function-name"


def _exists(look_up: Callable[..., Any], **name: str) -> bool:
    try:
        look_up(**name)
    except ClientError as error:
        if code_of(error) not in ("NotFoundException", "ResourceNotFoundException"):
            raise
        return False
    return True
