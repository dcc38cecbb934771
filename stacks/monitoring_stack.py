"""The dashboard and the saved queries."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CrossStackReferences, ReferenceStrength
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.components.house.alarm import Watch
from stacks.components.house.stack import HouseStack
from stacks.components.watch.dashboard import Dashboard
from stacks.components.watch.queries import Queries
from stacks.options import environment
from stacks.stage.settings import Settings


class MonitoringStack(HouseStack):
    """The graphs that the constructs of all stacks declare, the states of their alarms, and saved queries of the logs.

    Args:
        watches: The graphs.
        alarms: The alarms. Each has its section in docs/operations.md.
        log_groups: The log groups of all functions.
        access_log: The access log of the API.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        watches: Sequence[Watch],
        alarms: Sequence[cloudwatch.IAlarm],
        log_groups: Sequence[logs.ILogGroup],
        access_log: logs.ILogGroup,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            prefix=settings.prefix,
            env=environment(settings),
            name="monitoring",
            description="dashboard and saved queries",
        )
        # It shows all resources: an export for it would keep them from being removed.
        CrossStackReferences.of(self).consume(ReferenceStrength.WEAK)
        Dashboard(self, "Dashboard", name=settings.title, watches=watches, alarms=alarms)
        if not settings.monitoring.emulated:
            Queries(self, "Queries", folder=settings.title, functions=log_groups, access_log=access_log)
