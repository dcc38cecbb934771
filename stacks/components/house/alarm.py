"""Alarms and graphs, which a construct declares beside what they watch: `MonitoringStack` collects them from the tree.

To find where an alarm is defined, look for its name in the file of the construct that it watches: `RelayErrors` is in
`actors/relay.py`, and those over all workflows are in `flow/workflow_alarms.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct


@dataclass(frozen=True)
class Alarm:
    """An alarm that is raised while a metric is above a threshold.

    Attributes:
        name: Its name. What stands before the first `-` names the alarm's section of the runbook.
        metric: The metric.
        description: What happened, what it affects and what to do first, for whoever is on call.
        above: The highest value that is in order.
        periods: For how many of the metric's periods in a row it is above.
        combined: The function of metric math, `SUM` or `MAX`, that makes one alarm of all declarations of this name;
            without, the name is declared once.
    """

    name: str
    metric: cloudwatch.Metric
    description: str
    above: float = 0
    periods: int = 1
    combined: str = ""


class Watch(Construct):
    """What a construct adds to one section of the dashboard, and its alarms. It deploys nothing itself.

    The alarms are deployed by the last stack, since they refer to a topic that no earlier stack knows.

    Attributes:
        section: The section of the dashboard.
        graphs: The metrics of each graph, by its title. Graphs of one section and title are drawn as one.
        alarms: The alarms.
    """

    def __init__(
        self,
        scope: Construct,
        section: str,
        *,
        graphs: Mapping[str, Sequence[cloudwatch.Metric]],
        alarms: Sequence[Alarm] = (),
    ) -> None:
        super().__init__(scope, "-".join(("Watch", section, *graphs)))
        self.section = section
        self.graphs = graphs
        self.alarms = alarms
