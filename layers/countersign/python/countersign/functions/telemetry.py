"""What functions tell of themselves: metrics in CloudWatch's embedded metric format, and what the log is about.

A metric belongs to the namespace of POWERTOOLS_METRICS_NAMESPACE, and to the function by its dimension `service`.
"""

from datetime import timedelta

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

_IDS = ("request_id", "task_id", "execution_arn")


def count(name: str, value: int = 1) -> None:
    """Add to a metric, such as `RingsFailed`; nothing is written for nothing."""
    if not value:
        return
    with single_metric(name=name, unit=MetricUnit.Count, value=value):
        pass


def took(name: str, duration: timedelta) -> None:
    """Tell how long something took, such as `TimeToDecision`, in seconds."""
    with single_metric(name=name, unit=MetricUnit.Seconds, value=duration.total_seconds()):
        pass


def about(*, request_id: str = "", task_id: str = "", execution_arn: str = "") -> None:
    """Have every line of the log from here on say what it is about, in place of what the lines before were about.

    The request is that of the task by default.
    """
    logger = Logger()
    logger.remove_keys(_IDS)
    # A task's id is its request's, a dot and the wait's name; no request's id has a dot.
    ids = {"request_id": request_id or task_id.partition(".")[0], "task_id": task_id, "execution_arn": execution_arn}
    logger.append_keys(**{name: value for name, value in ids.items() if value})
