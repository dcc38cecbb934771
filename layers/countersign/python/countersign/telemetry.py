"""Counts of what happened, as CloudWatch metrics in the embedded metric format."""

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit


def count(name: str, value: int = 1) -> None:
    """Add to a metric of the function's namespace (POWERTOOLS_METRICS_NAMESPACE); nothing is written for nothing.

    Args:
        name: Name of the metric, such as `RingsFailed`.
        value: How many.
    """
    if not value:
        return
    with single_metric(name=name, unit=MetricUnit.Count, value=value):
        pass
