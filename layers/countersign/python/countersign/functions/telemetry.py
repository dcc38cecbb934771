"""Telemetry: metrics in CloudWatch's embedded metric format, and the ids in log lines.

A metric has the namespace of POWERTOOLS_METRICS_NAMESPACE and two dimensions: `service`, the function's name, and
`stage`, the `<app>-<stage>` of METRICS_STAGE. So the alarms of one stage do not count the events of another.
"""

import os
from datetime import timedelta

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

_IDS = ("request_id", "task_id", "execution_arn")


def count(name: str, value: int = 1) -> None:
    """Add to a metric, such as `RingsFailed`; a value of 0 is not written."""
    if not value:
        return
    _put(name, MetricUnit.Count, value)


def took(name: str, duration: timedelta) -> None:
    """Record a duration, such as `TimeToDecision`, in seconds."""
    _put(name, MetricUnit.Seconds, duration.total_seconds())


def _put(name: str, unit: MetricUnit, value: float) -> None:
    stage = {"stage": os.environ["METRICS_STAGE"]}
    with single_metric(name=name, unit=unit, value=value, default_dimensions=stage):
        pass


def about(*, request_id: str = "", task_id: str = "", execution_arn: str = "") -> None:
    """Replace the ids in all following log lines; the request is that of the task by default."""
    logger = Logger()
    logger.remove_keys(_IDS)
    # A task's id is its request's id, a dot and the wait's name; a request's id has no dot.
    ids = {"request_id": request_id or task_id.partition(".")[0], "task_id": task_id, "execution_arn": execution_arn}
    logger.append_keys(**{name: value for name, value in ids.items() if value})
