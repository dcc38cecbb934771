"""Saved queries of CloudWatch Logs Insights."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_logs as logs
from constructs import Construct

_STORY = """\
fields @timestamp, service, message, task_id, kind, state, refusal, status, error_type, workflow, execution_arn
| filter request_id = "REQUEST"
| sort @timestamp"""
"""The operator replaces REQUEST. All functions name the request in every line about one."""

_REFUSED_CLICKS = """\
fields @timestamp, request_id, task_id, coalesce(refusal, error_type) as reason
| filter message in ["clicked", "handed over", "page refused"] and (refusal != "" or ispresent(error_type))
| sort @timestamp desc"""

_FAILED_RINGS = """\
fields @timestamp, request_id, task_id, error
| filter message = "rung" and state = "failed"
| sort @timestamp desc"""

_SLOW_REQUESTS = """\
fields @timestamp, routeKey, status, responseLatency, requestId
| filter responseLatency >= 1000
| sort responseLatency desc"""

_MOST_LOG_GROUPS = 50
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html"""


class Queries(Construct):
    """The kit's saved queries, in a folder of Logs Insights.

    Args:
        folder: The folder's name, `<app>-<stage>`.
        functions: The log groups of all functions. A query takes 50; a larger one is saved in parts.
        access_log: The access log of the API.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str,
        functions: Iterable[logs.ILogGroup],
        access_log: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._folder = folder
        everything = [log_group.log_group_name for log_group in functions]
        self._save("Story", "The story of a request", _STORY, everything)
        self._save("RefusedClicks", "Refused clicks", _REFUSED_CLICKS, everything)
        self._save("FailedRings", "Failed rings", _FAILED_RINGS, everything)
        self._save("SlowRequests", "Slow requests", _SLOW_REQUESTS, [access_log.log_group_name])

    def _save(self, construct_id: str, title: str, query: str, log_groups: list[str]) -> None:
        for start in range(0, len(log_groups), _MOST_LOG_GROUPS):
            part = f"{start // _MOST_LOG_GROUPS + 1}" if start else ""
            logs.CfnQueryDefinition(
                self,
                f"{construct_id}{part}",
                name=f"{self._folder}/{title}{part and f', part {part}'}",
                query_string=query,
                log_group_names=log_groups[start : start + _MOST_LOG_GROUPS],
            )
