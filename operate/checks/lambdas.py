"""The functions: every workflow durable and behind its alias, every function active, every event source on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from operate.stage import Stage
from stacks.stage.workflows import WorkflowSettings

_FUNCTION = "AWS::Lambda::Function"
_EVENT_SOURCE = "AWS::Lambda::EventSourceMapping"


def workflows(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look at each workflow through the alias that starts it."""
    deployed: dict[str, str] = json.loads(stage.outputs["workflow"]["Workflows"])
    wanted = stage.settings.every_workflow
    for name in sorted(deployed.keys() - wanted.keys()):
        yield f"{name} is deployed, and no workflow of the settings", "deploy again, or put it back into the settings"
    for name in sorted(wanted):
        if name not in deployed:
            yield f"{name} is not deployed", "deploy again"
        else:
            yield from _workflow(stage, name, deployed[name], wanted[name])


def functions(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look at the state of every function."""
    found = [
        stage.client("lambda").get_function_configuration(FunctionName=resource["PhysicalResourceId"])
        for stack in stage.stacks_of_functions
        for resource in stage.resources(stack, _FUNCTION)
    ]
    bad = [function for function in found if not _is_active(function)]
    for function in bad:
        why = function.get("StateReason") or function.get("LastUpdateStatusReason") or "no reason is given"
        yield f"{function['FunctionName']} is not active: {why}", "mend what it says, and deploy again"
    if not bad:
        yield f"{len(found)} functions are active", ""


def event_sources(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look whether every function is fed."""
    found = [
        stage.client("lambda").get_event_source_mapping(UUID=resource["PhysicalResourceId"])
        for stack in stage.stacks_of_functions
        for resource in stage.resources(stack, _EVENT_SOURCE)
    ]
    bad = [mapping for mapping in found if mapping["State"] not in ("Enabled", "Enabling", "Creating", "Updating")]
    for mapping in bad:
        source, function = mapping["EventSourceArn"], mapping["FunctionArn"].rpartition(":")[2]
        yield f"{function} gets nothing from {source}: {mapping['State']}", "enable the event source mapping"
    if not bad:
        yield f"{len(found)} event sources are on", ""


def _workflow(stage: Stage, name: str, alias: str, wanted: WorkflowSettings) -> Iterator[tuple[str, str]]:
    from botocore.exceptions import ClientError

    client = stage.client("lambda")
    try:
        live = client.get_function_configuration(FunctionName=alias)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield f"{name} has no alias {alias.rpartition(':')[2]}: nothing can start it", "deploy again"
        return
    durable = live.get("DurableConfig")
    if not durable:
        yield f"{name} is not durable: it would fail on every request", "delete the function, and deploy again"
        return
    configured = (durable.get("ExecutionTimeout"), durable.get("RetentionPeriodInDays"))
    if configured != (wanted.execution_timeout_seconds, wanted.retention_days):
        said = f"{configured[0]} s and {configured[1]} days"
        yield f"{name} is durable for {said}, not as the settings say", "deploy again"
        return
    yield f"{name} is durable, and `live` is version {live['Version']}", ""


def _is_active(function: dict[str, Any]) -> bool:
    # A function that was idle for long is made active again by the next call.
    active = function.get("State", "Active") in ("Active", "Inactive")
    return active and function.get("LastUpdateStatus", "Successful") != "Failed"
