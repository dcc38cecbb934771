"""The alarms, the dashboard and the saved queries."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.components.house.alarm import Watch
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.stack import HouseStack
from stacks.components.watch.alarm_topic import AlarmTopic
from stacks.components.watch.dashboard import Dashboard
from stacks.components.watch.queries import Queries
from stacks.options import removal_policy
from stacks.stage.settings import Settings


class MonitoringStack(HouseStack):
    """The alarms and graphs that the constructs of all stacks declare, and saved queries of the logs.

    It comes last, so that it also finds a fork's. Every alarm has its section in docs/operations.md.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, access_log: logs.ILogGroup) -> None:
        super().__init__(scope, construct_id, prefix=settings.prefix, description="dashboard, alarms and saved queries")
        emulated = settings.monitoring.emulated
        everything = self.node.root.node.find_all()
        watches = [each for each in everything if isinstance(each, Watch)]
        declared = [alarm for watch in watches for alarm in watch.alarms]
        alarms = AlarmTopic(
            self, "Alarms", title=settings.title, email=settings.alarms.email, removal_policy=removal_policy(settings)
        )
        alarms.raise_for(alarm for alarm in declared if not (alarm.combined and emulated))
        Dashboard(self, "Dashboard", name=settings.title, watches=watches, alarms=alarms.raised)
        if not emulated:
            Queries(
                self,
                "Queries",
                folder=settings.title,
                functions=[each.log_group for each in everything if isinstance(each, PythonFunction)],
                access_log=access_log,
            )
