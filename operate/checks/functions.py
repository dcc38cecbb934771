"""Functions: every workflow is durable and has its alias, every function is active, every event source is on."""

from __future__ import annotations

from botocore.exceptions import ClientError

from operate.checks import Findings
from operate.errors import code_of
from operate.stage import Stage
from stacks.stage.workflows import WorkflowSettings


def workflows(stage: Stage) -> Findings:
    """Check each workflow through the alias that starts it."""
    deployed = stage.merged("Workflows")
    wanted = stage.settings.every_workflow
    for name in sorted(deployed.keys() - wanted.keys()):
        yield f"{name} is deployed, but not in the settings", "add it to the settings, or deploy again"
    for name in sorted(wanted):
        if name in deployed:
            yield _workflow(stage, name, deployed[name], wanted[name])
        else:
            yield f"{name} is not deployed", "deploy again"


def _workflow(stage: Stage, name: str, alias: str, wanted: WorkflowSettings) -> tuple[str, str]:
    try:
        live = stage.client("lambda").get_function_configuration(FunctionName=alias)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return f"{name} has no alias {alias.rpartition(':')[2]}: no request can start it", "deploy again"
    durable = live.get("DurableConfig")
    if not durable:
        return f"{name} is not durable: every request fails", "delete the function, and deploy again"
    configured = (durable.get("ExecutionTimeout"), durable.get("RetentionPeriodInDays"))
    if configured != (wanted.execution_timeout_seconds, wanted.retention_days):
        said = f"a timeout of {configured[0]} s and a retention of {configured[1]} days"
        return f"{name} has {said}, unlike its settings", "deploy again"
    return f"{name} is durable, and `live` is version {live['Version']}", ""


def functions(stage: Stage) -> Findings:
    """Check the state of every function."""
    found = stage.functions()
    bad = []
    for function in found:
        # A function that was idle for a long time becomes active at its next call; one that is updated, within seconds.
        can_run = function.get("State", "Active") in ("Active", "Inactive", "Pending")
        if not can_run or function.get("LastUpdateStatus") == "Failed":
            why = function.get("StateReason") or function.get("LastUpdateStatusReason") or "Lambda gives no reason"
            bad.append((f"{function['FunctionName']} is not active: {why}", "correct the cause, and deploy again"))
    yield from bad or [(f"all {len(found)} are active, or will be within seconds", "")]


def event_sources(stage: Stage) -> Findings:
    """Check that every event source is on."""
    client, ids = stage.client("lambda"), stage.resources("AWS::Lambda::EventSourceMapping")
    bad = []
    for mapping in (client.get_event_source_mapping(UUID=uuid) for uuid in ids):
        if mapping["State"] not in ("Enabled", "Enabling", "Creating", "Updating"):
            source, function = mapping["EventSourceArn"], mapping["FunctionArn"].rpartition(":")[2]
            what = f"{function} receives nothing from {source}: its event source is {mapping['State']}"
            bad.append((what, "enable the event source mapping"))
    yield from bad or [(f"all {len(ids)} are on", "")]
