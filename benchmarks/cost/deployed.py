"""What a stage deploys, as far as it decides what a run costs: read from its synthesised templates and its settings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws_cdk import App

from benchmarks.cost.units import Index
from stacks.components.house.alarm import Watch
from stacks.components.house.python_function import METRICS_NAMESPACE
from stacks.stage.policies import policy_document
from stacks.stage.settings import Settings

STREAM_READERS = ("relay", "publisher")


@dataclass(frozen=True)
class Deployed:
    """A stage.

    Attributes:
        settings: Its settings.
        app: Its constructs.
        templates: Its templates.
    """

    settings: Settings
    app: App
    templates: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, settings: Settings, app: App) -> "Deployed":
        """Synthesise an app."""
        return cls(settings, app, [stack.template for stack in app.synth().stacks])

    def of_type(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the properties of every resource of a type."""
        return [each for _, each in self._named(kind)]

    def _named(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for template in self.templates:
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield logical_id, resource.get("Properties", {})

    @cached_property
    def functions(self) -> Mapping[str, Mapping[str, Any]]:
        """The properties of each function, by its name in logs."""
        return {_service(each): each for each in self.of_type("AWS::Lambda::Function") if _service(each)}

    @cached_property
    def mappings(self) -> Mapping[str, Mapping[str, Any]]:
        """The event source mapping of each function on a queue or the stream."""
        names = {logical_id: _service(each) for logical_id, each in self._named("AWS::Lambda::Function")}
        mappings = self.of_type("AWS::Lambda::EventSourceMapping")
        return {names[each["FunctionName"]["Ref"]]: each for each in mappings}

    @cached_property
    def index(self) -> Index:
        """The ledger's index."""
        (index,) = (
            each for table in self.of_type("AWS::DynamoDB::Table") for each in table.get("GlobalSecondaryIndexes", ())
        )
        keys = tuple(key["AttributeName"] for key in index["KeySchema"])
        projection = index["Projection"]
        named = {"pk", "sk", *keys, *projection.get("NonKeyAttributes", ())}
        return Index(keys, None if projection["ProjectionType"] == "ALL" else frozenset(named))

    def wants(self, function: str, record: Mapping[str, Any]) -> bool:
        """Whether the filters of a function's event source let a stream record through."""
        return any(matches(pattern, record) for pattern in self._patterns[function])

    @cached_property
    def _patterns(self) -> Mapping[str, list[Any]]:
        filters = {name: self.mappings[name]["FilterCriteria"]["Filters"] for name in STREAM_READERS}
        return {name: [json.loads(each["Pattern"]) for each in given] for name, given in filters.items()}

    @property
    def policies(self) -> Mapping[str, Any]:
        """The policy of each workflow that has one."""
        return {name: policy_document(rows) for name, rows in self.settings.policies.items()}

    def access_log(self, values: Mapping[str, str]) -> str:
        """Return a line of the API's access log with these values of its variables."""
        ((stage),) = self.of_type("AWS::ApiGatewayV2::Stage")
        line = str(stage["AccessLogSettings"]["Format"])
        for name, value in values.items():
            line = line.replace(f"$context.{name}", value)
        return line

    @cached_property
    def fixed(self) -> Mapping[str, int]:
        """What is paid by the month, by the name of its price."""
        watched = [each for each in self.app.node.find_all() if isinstance(each, Watch)]
        metrics = [each for watch in watched for graph in watch.graphs.values() for each in graph]
        metrics += [each for watch in watched for alarm in watch.alarms for each in (alarm.metric, *alarm.also)]
        own = {
            (each.metric_name, *sorted((each.dimensions or {}).items()))
            for each in metrics
            if each.namespace == METRICS_NAMESPACE
        }
        alarms = [each.get("Metrics", ()) for each in self.of_type("AWS::CloudWatch::Alarm")]
        return {
            "alarm_metrics": sum(max(1, sum("MetricStat" in each for each in metrics)) for metrics in alarms),
            "dashboards": len(self.of_type("AWS::CloudWatch::Dashboard")),
            "custom_metrics": len(own),
            "keys": len(self.of_type("AWS::KMS::Key")),
            "secrets": len(self.of_type("AWS::SecretsManager::Secret")),
        }


def matches(pattern: Any, value: Any) -> bool:
    """Whether a value matches a pattern of an event source's filter."""
    if isinstance(pattern, dict):
        return all(
            matches(part, value.get(name) if isinstance(value, dict) else None) for name, part in pattern.items()
        )
    return any(_matches(rule, value) for rule in pattern)


def _matches(rule: Any, value: Any) -> bool:
    if not isinstance(rule, dict):
        return bool(rule == value)
    ((kind, operand),) = rule.items()
    if kind == "exists":
        return bool(operand == (value is not None))
    if kind == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    raise NotImplementedError(f"a filter with {kind}")


def _service(function: Mapping[str, Any]) -> str:
    return str(function.get("Environment", {}).get("Variables", {}).get("POWERTOOLS_SERVICE_NAME", ""))
