"""The alarms over all workflows, to which each workflow adds its metrics."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.components.house.alarm import Alarm, Watch
from stacks.components.house.python_function import PythonFunction

_MOST_OPERATIONS = 2_400
_MOST_BYTES = 80_000_000
"""Four fifths of Lambda's limits for an execution, 3,000 operations and 100 MB; it fails at the limit
(https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html)."""

_FAILED = (
    "Executions failed, and their open tasks are cancelled. First find them in the log of executions, then the error in"
    " the log of their workflow"
)
_STOPPED = "Somebody stopped executions, and their open tasks are cancelled. First look up in CloudTrail who did"
_TIMED_OUT = (
    "Executions reached their timeout, which is later than any deadline. First find them in the log of executions, then"
    " what they waited for"
)
_UNSENT = "Reminders or escalations were not sent, and the workflow tries again. First read the log of the workflow"
_MANY_OPERATIONS = (
    "An execution has used 2,400 of the 3,000 operations that Lambda allows, and fails at the limit. First see on the"
    " dashboard which workflow"
)
_MUCH_WRITTEN = (
    "An execution has written 80 of the 100 MB that Lambda allows, and fails at the limit. First see on the dashboard"
    " which workflow"
)


def watch_executions(function: PythonFunction, workflow: str) -> None:
    """Add a workflow's metrics to the alarms over all workflows; alarms for each workflow would be too many."""

    def of_lambda(name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        # https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html
        return function.function.metric(name, statistic=statistic, period=Duration.minutes(5), label=workflow)

    failed, stopped, timed_out = (of_lambda(f"DurableExecution{end}") for end in ("Failed", "Stopped", "TimedOut"))
    operations = of_lambda("DurableExecutionOperations", "Maximum")
    written = of_lambda("DurableExecutionStorageWrittenBytes", "Maximum")
    unsent = function.metric("HandOffsFailed").with_(label=workflow)
    Watch(
        function,
        "Workflows",
        graphs={
            "Executions failed": [failed],
            "Executions stopped": [stopped],
            "Executions timed out": [timed_out],
            "Operations of an execution": [operations],
            "Bytes written by an execution": [written],
            "Reminders and escalations that were not sent": [unsent],
        },
        alarms=[
            Alarm("ExecutionsFailed", failed, _FAILED, combined="SUM"),
            Alarm("ExecutionsStopped", stopped, _STOPPED, combined="SUM"),
            Alarm("ExecutionsTimedOut", timed_out, _TIMED_OUT, combined="SUM"),
            Alarm("HandOffsFailed", unsent, _UNSENT, combined="SUM"),
            Alarm("OperationsNearLimit", operations, _MANY_OPERATIONS, above=_MOST_OPERATIONS, combined="MAX"),
            Alarm("StorageNearLimit", written, _MUCH_WRITTEN, above=_MOST_BYTES, combined="MAX"),
        ],
    )
