"""The dashboard: what the picture of the README shows, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from cdk_monitoring_constructs import CustomMetricGroup, DefaultDashboardFactory, MonitoringFacade
from constructs import Construct

_WIDTH = 24


class Dashboard(Construct):
    """Sections of graphs, one below the other.

    The alarms are not the library's: it would name each by a physical name, and its construct too.
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        """Build an empty dashboard.

        Args:
            scope: The parent.
            construct_id: The id.
            name: Its name in the account; the library's own would be the same for every stage.
        """
        super().__init__(scope, construct_id)
        factory = DefaultDashboardFactory(self, "Dashboards", dashboard_name_prefix=name)
        self._facade = MonitoringFacade(self, "Facade", dashboard_factory=factory)

    def show_alarms(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Add the states of alarms."""
        self._facade.add_widget(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=_WIDTH))

    def show(self, title: str, graphs: Mapping[str, Sequence[cloudwatch.Metric]]) -> None:
        """Add a section.

        Args:
            title: Its title.
            graphs: The metrics of each graph, by the graph's title.
        """
        groups = [CustomMetricGroup(title=name, metrics=list(metrics)) for name, metrics in graphs.items()]
        self._facade.monitor_custom(
            alarm_friendly_name=title.replace(" ", "-"), human_readable_name=title, metric_groups=groups
        )
