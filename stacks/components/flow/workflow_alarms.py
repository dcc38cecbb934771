"""The alarms over all workflows, to which each workflow adds its metrics."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.components.house.alarm import MAX, PERIOD, SUM, Alarm, Watch
from stacks.components.house.python_function import PythonFunction

_MOST_OPERATIONS = 2_400
_MOST_BYTES = 80_000_000
"""Four fifths of Lambda's limits for an execution, 3,000 operations and 100 MB; it fails at the limit
(https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html)."""

_STOPPED = "Somebody stopped executions, and their open tasks are cancelled. First look up in CloudTrail who did it"
_TIMED_OUT = (
    "Executions reached their timeout, which is later than any deadline. First find them in the log of executions, then"
    " what they waited for"
)
_UNSENT = "Reminders or escalations were not sent, and the workflow tries again. First read the log of the workflow"
_MANY_OPERATIONS = (
    "An execution has used 2,400 of the 3,000 operations that Lambda allows, and fails at the limit. First see on the"
    " dashboard which workflow"
)
_QUOTA = 80
"""Percent of an account's quota above which an alarm is raised, before Lambda refuses anything."""
_MANY_RUNNING = (
    "The account uses more than 80 % of its quota of running durable executions. At the quota, Lambda refuses new"
    " executions. First raise the quota in Service Quotas"
)
_MUCH_CONCURRENCY = (
    "The account has used more than 80 % of its quota of concurrent Lambda executions for a quarter of an hour. At"
    " the quota, pages and webhooks answer 503. First see in the Lambda console which functions run"
)
_MUCH_WRITTEN = (
    "An execution has written 80 of the 100 MB that Lambda allows, and fails at the limit. First see on the dashboard"
    " which workflow"
)


def watch_executions(function: PythonFunction, workflow: str) -> None:
    """Add a workflow's metrics to the alarms over all workflows; alarms for each workflow would be too many."""

    def of_lambda(name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        # https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html
        return function.function.metric(name, statistic=statistic, period=PERIOD, label=workflow)

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
            Alarm("ExecutionsStopped", stopped, _STOPPED, math=SUM),
            Alarm("ExecutionsTimedOut", timed_out, _TIMED_OUT, math=SUM),
            Alarm("HandOffsFailed", unsent, _UNSENT, math=SUM),
            Alarm("OperationsNearLimit", operations, _MANY_OPERATIONS, above=_MOST_OPERATIONS, math=MAX),
            Alarm("StorageNearLimit", written, _MUCH_WRITTEN, above=_MOST_BYTES, math=MAX),
        ],
    )


def watch_quotas(scope: Construct) -> None:
    """Add the alarms on the quotas of the account, which all its stages and other applications share."""
    # Without dimensions, because they are of the account:
    # https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html
    running = cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="ApproximateRunningDurableExecutionsUtilization",
        statistic="Maximum",
        period=PERIOD,
    )
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Quotas-Visualize-Alarms.html
    concurrent = cloudwatch.Metric(
        namespace="AWS/Usage",
        metric_name="ResourceCount",
        dimensions_map={"Service": "Lambda", "Resource": "ConcurrentExecutions", "Type": "Resource", "Class": "None"},
        statistic="Maximum",
        period=PERIOD,
    )
    Watch(
        scope,
        "Workflows",
        graphs={
            "Running executions in percent of the account's quota": [running],
            "Concurrent executions of the account": [concurrent],
        },
        alarms=[
            Alarm("ExecutionsNearQuota", running, _MANY_RUNNING, above=_QUOTA),
            Alarm(
                "ConcurrencyNearQuota",
                concurrent,
                _MUCH_CONCURRENCY,
                above=_QUOTA,
                periods=3,
                math="100 * m0 / SERVICE_QUOTA(m0)",
            ),
        ],
    )
