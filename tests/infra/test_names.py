"""Names in an account: two stages and two forks of the kit fit in one region of one account."""

import json
from collections.abc import Iterator
from typing import Any

from stacks.components.house.python_function import METRICS_NAMESPACE
from tests.infra.templates import StageNamed, Synthesised

NO_NAMES = {
    ("AWS::ApiGatewayV2::Stage", "StageName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
    ("AWS::IAM::Policy", "PolicyName"),
    ("AWS::Lambda::Alias", "Name"),
}
"""Names within one API, role or function, and names of what is only looked at."""

NAMED = {
    *("AWS::ApiGatewayV2::Api", "AWS::CloudWatch::Dashboard", "AWS::Events::EventBus", "AWS::Lambda::Function"),
    *("AWS::Logs::QueryDefinition", "AWS::SNS::Topic"),
}
"""What has a name that people read, or that AWS would make of the construct's path. CloudFormation names all else."""


def literal_names(stage: Synthesised) -> Iterator[tuple[str, str]]:
    """Yield every name that does not depend on a resource, with its kind."""
    named = [(each.body["Type"], key, value) for each in stage.resources for key, value in each.properties.items()]
    for kind, key, value in named:
        if key.endswith("Name") and (kind, key) not in NO_NAMES and is_literal(value):
            yield kind, json.dumps(value)
    yield from (("stack", json.dumps(stack)) for stack in stage.templates)
    outputs = [output for template in stage.templates.values() for output in template.get("Outputs", {}).values()]
    yield from (("export", json.dumps(output["Export"]["Name"])) for output in outputs if "Export" in output)


def is_literal(value: Any) -> bool:
    match value:
        case {"Ref": name}:
            return str(name).startswith("AWS::")
        case {"Fn::Join": [_, parts]}:
            return all(map(is_literal, parts))
    return isinstance(value, str)


def test_no_literal_name_is_in_two_stages_or_forks(stage_named: StageNamed, fork: Synthesised) -> None:
    names = [list(literal_names(each)) for each in (stage_named("dev"), stage_named("prod"), fork)]
    flat = [name for each in names for name in each]
    assert sorted(flat) == sorted(set(flat))
    assert all(json.loads(name).startswith("refunds-dev") for _, name in names[2])


def test_no_alarm_is_on_a_metric_of_another_stage_or_fork(stage_named: StageNamed, fork: Synthesised) -> None:
    watched = [set(own_metrics(each)) for each in (stage_named("dev"), stage_named("prod"), fork)]
    assert all(watched)
    assert len(set.union(*watched)) == sum(map(len, watched))


def own_metrics(stage: Synthesised) -> Iterator[str]:
    """Yield the identity of every metric of the kit itself that an alarm is on; those of AWS name a resource."""
    for alarm in map(stage.properties, stage.of_type("AWS::CloudWatch::Alarm")):
        stats = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
        for metric in stats or [alarm]:
            if metric["Namespace"] == METRICS_NAMESPACE:
                yield json.dumps([metric["MetricName"], sorted(map(str, metric["Dimensions"]))])


def test_only_what_needs_a_literal_name_has_one(prod: Synthesised) -> None:
    names = list(literal_names(prod))
    assert {kind for kind, _ in names} - {"export"} == NAMED | {"stack"}
    functions = {name for kind, name in names if kind == "AWS::Lambda::Function"}
    assert functions == {f'"countersign-prod-{name}"' for name in (*prod.workflows, "provider_looks")}
