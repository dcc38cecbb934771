"""Alarms and graphs. A construct declares its own, and the app collects them from the tree.

An alarm is defined in the file of the construct that it watches: `RelayBehind` is in `actors/stream_consumer.py`. The
alarms over all workflows are in `flow/workflow_alarms.py`. One event raises one alarm: where several metrics report the
same event, they are one alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

PERIOD = Duration.minutes(5)
"""The period of every metric."""

SUM = "SUM(METRICS())"
MAX = "MAX(METRICS())"


@dataclass(frozen=True)
class Alarm:
    """An alarm that is raised while a metric is above a threshold.

    Attributes:
        name: Its name. The part before the first `-` names its section of the runbook.
        metric: The metric.
        description: What happened, what it affects and what to do first, for the engineer on call.
        above: The highest normal value.
        periods: How many periods in a row the metric must be above it.
        also: Further metrics of the alarm.
        math: The metric math over the metrics of all declarations of this name, which become one alarm; empty for a
            name that is declared once, with one metric. The metrics are `m0`, `m1` and so on.
    """

    name: str
    metric: cloudwatch.Metric
    description: str
    above: float = 0
    periods: int = 1
    also: tuple[cloudwatch.Metric, ...] = ()
    math: str = ""


class Watch(Construct):
    """A construct's graphs in one section of the dashboard, and its alarms. It deploys nothing itself.

    The alarms are deployed in the construct's stack, so that they follow what they watch.

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
