"""Telemetry: metrics in CloudWatch's embedded metric format, and the ids in log lines.

A metric has the namespace of POWERTOOLS_METRICS_NAMESPACE and two dimensions: `service`, the function's name, and
`stage`, the `<app>-<stage>` of METRICS_STAGE. So the alarms of one stage do not count the events of another.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from countersign.domain.clock import SystemClock
from countersign.functions import log

_COUNT, _SECONDS = "Count", "Seconds"

NO_STAGE = "none"
"""The dimension `stage` of a function that no stage deploys, for example under measurement."""

_Values = dict[str, tuple[str, list[float]]]
"""The unit and the values of metrics, by name."""

_collecting: list[_Values] = []


def count(name: str, value: int = 1) -> None:
    """Add to a metric, such as `RingsFailed`; a value of 0 is not written."""
    if value:
        _put(name, _COUNT, value)


def took(name: str, duration: timedelta) -> None:
    """Record a duration, such as `TimeToDecision`, in seconds."""
    _put(name, _SECONDS, duration.total_seconds())


@contextmanager
def in_one_line() -> Iterator[None]:
    """Write the metrics of a block as one line when it ends: CloudWatch charges for each byte of a log."""
    values: _Values = {}
    _collecting.append(values)
    try:
        yield
    finally:
        _collecting.pop()
        if values:
            _write(values)


def _put(name: str, unit: str, value: float) -> None:
    if not _collecting:
        _write({name: (unit, [value])})
        return
    _, values = _collecting[-1].setdefault(name, (unit, []))
    if unit == _COUNT and values:
        values[0] += value
    else:
        values.append(value)


def _write(values: _Values) -> None:
    """Print metrics in the embedded metric format, in which a list has at most 100 values.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    dimensions = {"service": log.service(), "stage": os.environ.get("METRICS_STAGE", NO_STAGE)}
    directive = {
        "Namespace": os.environ["POWERTOOLS_METRICS_NAMESPACE"],
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in values.items()],
    }
    metadata = {"Timestamp": int(SystemClock().now().timestamp() * 1000), "CloudWatchMetrics": [directive]}
    of_each = {name: found for name, (_, found) in values.items()}
    line = json.dumps({"_aws": metadata, **dimensions, **of_each}, separators=(",", ":"))
    print(line)  # noqa: T201  a function's standard output is its log


def about(*, request_id: str = "", task_id: str = "", execution_arn: str = "") -> None:
    """Replace the ids in all following log lines; the request is that of the task by default."""
    # A task's id is its request's id, a dot and the wait's name; a request's id has no dot.
    ids = {"request_id": request_id or task_id.partition(".")[0], "task_id": task_id, "execution_arn": execution_arn}
    log.ids.clear()
    log.ids.update({name: value for name, value in ids.items() if value})
