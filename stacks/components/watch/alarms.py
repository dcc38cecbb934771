"""The alarms that constructs declare, each in the stack of what it watches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.components.house.alarm import PERIOD, Alarm, Watch

_MOST_METRICS = 10
"""The limit of one alarm: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html."""

RUNBOOK = "docs/operations.md"


def raise_alarms(watches: Iterable[Watch], topic: sns.ITopic, *, emulated: bool) -> list[cloudwatch.Alarm]:
    """Build the alarms of watches, in the stack of each, and return them.

    Args:
        watches: The watches of all stacks.
        topic: The topic that alarms publish to.
        emulated: Whether to leave out alarms over several metrics, which the embedded cloud lacks.
    """
    by_stack: dict[Stack, list[Alarm]] = defaultdict(list)
    for watch in watches:
        by_stack[Stack.of(watch)] += (alarm for alarm in watch.alarms if not (alarm.math and emulated))
    stacks = [Alarms(stack, "Alarms", topic=topic, declared=declared) for stack, declared in by_stack.items()]
    return [alarm for stack in stacks for alarm in stack.raised]


class Alarms(Construct):
    """The alarms of one stack. Combined declarations of one name become one alarm.

    An alarm takes ten metrics and no search expression. Further metrics go to `<name>-2`, `<name>-3` and so on.

    Args:
        topic: The topic that they publish to.
        declared: What constructs of the stack declare.

    Attributes:
        raised: The alarms.
    """

    def __init__(self, scope: Construct, construct_id: str, *, topic: sns.ITopic, declared: Iterable[Alarm]) -> None:
        super().__init__(scope, construct_id)
        self._action = actions.SnsAction(topic)
        by_name: dict[str, list[Alarm]] = defaultdict(list)
        for alarm in declared:
            by_name[alarm.name].append(alarm)
        self.raised = [added for same in by_name.values() for added in self._add(same)]

    def _add(self, same: Sequence[Alarm]) -> Iterator[cloudwatch.Alarm]:
        first, *others = same
        if not first.math:
            assert not others, f"{first.name} is declared twice"
            yield self._alarm(first.name, first, first.metric)
            return
        metrics = [metric for each in same for metric in (each.metric, *each.also)]
        for start in range(0, len(metrics), _MOST_METRICS):
            name = f"{first.name}-{start // _MOST_METRICS + 1}" if start else first.name
            yield self._alarm(name, first, _combined(first, metrics[start : start + _MOST_METRICS]))

    def _alarm(self, construct_id: str, alarm: Alarm, metric: cloudwatch.IMetric) -> cloudwatch.Alarm:
        added = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=alarm.above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=alarm.periods,
            # These metrics count errors: no data means no errors.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{alarm.description}. Runbook: {RUNBOOK}, {alarm.name.partition('-')[0]}",
        )
        added.add_alarm_action(self._action)
        return added


def _combined(alarm: Alarm, metrics: Sequence[cloudwatch.Metric]) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=alarm.math,
        using_metrics={f"m{position}": metric for position, metric in enumerate(metrics)},
        period=PERIOD,
        label=alarm.name,
    )
