"""References: functions, event sources and alarms name resources that the stage has today.

CloudFormation resolves the references of a resource only when it deploys the resource. A deploy leaves a resource alone
whose template is the same, so only this check finds a reference to something that was replaced or changed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from operate.checks import Findings
from operate.checks.delivery import deployed_alarms
from operate.stage import Stage

_OUTPUTS = {
    "LEDGER_TABLE": ("ledger", "TableName"),
    "DIRECTORY_TABLE": ("ledger", "DirectoryTableName"),
    "BUS_NAME": ("ledger", "BusName"),
    "BASE_URL": ("public", "ApiUrl"),
}
"""The stack and the output whose value a variable has."""
_DIMENSIONS = {
    "FunctionName": "AWS::Lambda::Function",
    "QueueName": "AWS::SQS::Queue",
    "RuleName": "AWS::Events::Rule",
    "ApiId": "AWS::ApiGatewayV2::Api",
}
"""The type of the resources that a dimension of a metric names."""


def references(stage: Stage) -> Findings:
    """Compare the variables of functions, the sources of mappings and the metrics of alarms with the stage's parts."""
    advice = f"make deploy STAGE={stage.name} ARGS=--revert-drift"
    found = [*_variables(stage), *_sources(stage), *_metrics(stage)]
    yield from ((what, advice) for what in found)
    if not found:
        yield "functions, event sources and alarms name resources of the stage", ""


def _variables(stage: Stage) -> Iterator[str]:
    wanted = {name: stage.outputs(stack).get(output) for name, (stack, output) in _OUTPUTS.items()}
    for function in stage.functions():
        variables = function.get("Environment", {}).get("Variables", {})
        for name, value in wanted.items():
            if value and variables.get(name, value) != value:
                yield f"{function['FunctionName']} has {name} {variables[name]}, and the stage has {value}"


def _sources(stage: Stage) -> Iterator[str]:
    table = stage.client("dynamodb").describe_table(TableName=stage.outputs("ledger")["TableName"])["Table"]
    stream, queues = table.get("LatestStreamArn", ""), _names(stage, "AWS::SQS::Queue")
    for uuid in stage.resources("AWS::Lambda::EventSourceMapping"):
        mapping = stage.client("lambda").get_event_source_mapping(UUID=uuid)
        source, function = mapping["EventSourceArn"], mapping["FunctionArn"].rpartition(":")[2]
        if ":table/" in source and source != stream:
            yield f"{function} reads {source}, and the ledger's stream is {stream or 'off'}"
        elif ":table/" not in source and source.rpartition(":")[2] not in queues:
            yield f"{function} reads {source}, which the stage does not have"


def _metrics(stage: Stage) -> Iterator[str]:
    names = {dimension: _names(stage, kind) for dimension, kind in _DIMENSIONS.items()}
    for alarm in deployed_alarms(stage):
        for name, value in sorted(set(_dimensions(alarm))):
            if value not in names.get(name, {value}):
                yield f"{alarm['AlarmName']} watches the {name} {value}, which the stage does not have"


def _dimensions(alarm: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    for metric in metrics or [alarm]:
        for dimension in metric.get("Dimensions", ()):
            yield dimension["Name"], dimension["Value"]


def _names(stage: Stage, kind: str) -> set[str]:
    """Return the names of the stage's resources of a type; the id of a queue is its URL, that of a rule has its bus."""
    return {re.split(r"[/|]", resource)[-1] for resource in stage.resources(kind)}
