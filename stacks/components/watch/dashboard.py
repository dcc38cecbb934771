"""The dashboard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from cdk_monitoring_constructs import CustomMetricGroup, DefaultDashboardFactory, MonitoringFacade
from constructs import Construct

from stacks.components.house.alarm import Watch

_WIDTH = 24
_MOST_ALARMS = 100
"""The limit of one widget: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html."""
_SECTIONS = ("API", "Workflows", "Tasks", "Answers", "Payments", "Relay", "Publisher", "Sweeper", "Dead letters")
"""The kit's sections, in the order of the picture in the README; a fork's sections follow."""


class Dashboard(Construct):
    """Sections of graphs, one below the other, and the states of alarms below them.

    `Alarms` builds the alarms, because the library would give each a physical name.

    Args:
        name: Its name in the account; the library's default would be the same for every stage.
        watches: Its graphs.
        alarms: The alarms whose states it shows.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        watches: Iterable[Watch],
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        factory = DefaultDashboardFactory(self, "Dashboards", dashboard_name_prefix=name)
        facade = MonitoringFacade(self, "Facade", dashboard_factory=factory)
        sections: dict[str, dict[str, list[cloudwatch.Metric]]] = {section: defaultdict(list) for section in _SECTIONS}
        for watch in watches:
            for title, metrics in watch.graphs.items():
                sections.setdefault(watch.section, defaultdict(list))[title] += metrics
        for section, graphs in sections.items():
            facade.monitor_custom(
                alarm_friendly_name=section.replace(" ", "-"),
                human_readable_name=section,
                metric_groups=[CustomMetricGroup(title=title, metrics=metrics) for title, metrics in graphs.items()],
            )
        for start in range(0, len(alarms), _MOST_ALARMS):
            shown = list(alarms[start : start + _MOST_ALARMS])
            facade.add_widget(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=shown, width=_WIDTH))
