"""CloudWatch in small: the metrics that functions write, and whether they raise an alarm of a template."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Dimensions = frozenset[tuple[str, str]]
Period = Sequence["Datum"]
"""The data of one period of an alarm."""

_STATISTICS: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Maximum": max}
QUOTA = 1000
"""The service quota behind every metric of usage."""

_EXPRESSIONS: dict[str, Callable[[list[float]], float]] = {
    "SUM(METRICS())": sum,
    "MAX(METRICS())": max,
    "100 * m0 / SERVICE_QUOTA(m0)": lambda values: 100 * values[0] / QUOTA,
}


@dataclass(frozen=True)
class Datum:
    """One value of one metric."""

    namespace: str
    name: str
    dimensions: Dimensions
    value: float


def datum(namespace: str, name: str, value: float, **dimensions: str) -> Datum:
    return Datum(namespace, name, frozenset(dimensions.items()), value)


def embedded(output: str) -> Iterator[Datum]:
    """Read what a function printed in the embedded metric format; its other lines are the log's.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for line in output.splitlines():
        document = json.loads(line)
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            yield from _data_of(directive, document)


def _data_of(directive: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Datum]:
    for names in directive["Dimensions"]:
        dimensions = frozenset((name, document[name]) for name in names)
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            for value in values if isinstance(values, list) else [values]:
                yield Datum(directive["Namespace"], metric["Name"], dimensions, value)


def is_raised(alarm: Mapping[str, Any], periods: Sequence[Period]) -> bool:
    """Return whether the latest periods raise an alarm, given its properties as resolved."""
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) == alarm["EvaluationPeriods"]
    latest = [_value(alarm, period) for period in periods[-alarm["EvaluationPeriods"] :]]
    missing = [None] * (alarm["EvaluationPeriods"] - len(latest))
    return all(_breaches(alarm, value) for value in [*missing, *latest])


def _breaches(alarm: Mapping[str, Any], value: float | None) -> bool:
    if value is None:
        return bool(alarm["TreatMissingData"] == "breaching")
    return bool(value > alarm["Threshold"])


def _value(alarm: Mapping[str, Any], period: Period) -> float | None:
    if "Metrics" not in alarm:
        return _statistic(alarm, alarm["Statistic"], period)
    (result,) = (each for each in alarm["Metrics"] if each["ReturnData"])
    watched = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    assert len(watched) <= 10, "CloudWatch refuses an alarm over more"
    values = [_statistic(each["Metric"], each["Stat"], period) for each in watched]
    there = [value for value in values if value is not None]
    return _EXPRESSIONS[result["Expression"]](there) if there else None


def _statistic(metric: Mapping[str, Any], statistic: str, period: Period) -> float | None:
    dimensions = frozenset((each["Name"], each["Value"]) for each in metric.get("Dimensions", ()))
    values = _of(period, metric["Namespace"], metric["MetricName"], dimensions)
    return _STATISTICS[statistic](values) if values else None


def _of(period: Iterable[Datum], namespace: str, name: str, dimensions: Dimensions) -> list[float]:
    return [
        each.value for each in period if (each.namespace, each.name, each.dimensions) == (namespace, name, dimensions)
    ]
