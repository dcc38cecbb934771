"""The topic that alarms publish to. `house/alarm.py` says where alarms are declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.components.house.alarm import Alarm

_MOST_METRICS = 10
"""The limit of one alarm: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html."""

RUNBOOK = "docs/operations.md"


class AlarmTopic(Construct):
    """An encrypted topic, and the alarms that publish to it.

    Args:
        title: The stage's title, `<app>-<stage>`: mails of alarms come from this name.
        email: Address of a subscriber; empty for none.

    Attributes:
        topic: The topic.
        raised: The alarms, in the order in which they were added.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, title: str, email: str, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        self.raised: list[cloudwatch.Alarm] = []
        cloudwatch_alarms = iam.ServicePrincipal("cloudwatch.amazonaws.com").with_conditions(
            {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        )
        # A key of our own: CloudWatch may not use SNS's AWS managed key, and alarms would be lost.
        key = kms.Key(
            self,
            "Key",
            description="Encrypts the alarms of countersign",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        key.grant(cloudwatch_alarms, "kms:Decrypt", "kms:GenerateDataKey*")
        self.topic = sns.Topic(self, "Topic", display_name=f"{title} alarms", master_key=key, enforce_ssl=True)
        # Explicit, because enforce_ssl replaces the default policy, which allows it.
        self.topic.grant_publish(cloudwatch_alarms)
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def raise_for(self, alarms: Iterable[Alarm]) -> None:
        """Build alarms. Combined declarations of one name become one alarm.

        An alarm takes ten metrics and no search expression. Further metrics go to `<name>-2`, `<name>-3` and so on.
        """
        by_name: dict[str, list[Alarm]] = defaultdict(list)
        for alarm in alarms:
            by_name[alarm.name].append(alarm)
        for name, (first, *others) in by_name.items():
            if not first.combined:
                assert not others, f"{name} is declared twice"
                self._add(name, first, first.metric)
                continue
            metrics = [first.metric, *(each.metric for each in others)]
            for start in range(0, len(metrics), _MOST_METRICS):
                numbered = f"{name}-{start // _MOST_METRICS + 1}" if start else name
                self._add(numbered, first, _combined(first, metrics[start : start + _MOST_METRICS]))

    def _add(self, construct_id: str, alarm: Alarm, metric: cloudwatch.IMetric) -> None:
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
        added.add_alarm_action(actions.SnsAction(self.topic))
        self.raised.append(added)


def _combined(alarm: Alarm, metrics: Sequence[cloudwatch.Metric]) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=f"{alarm.combined}(METRICS())",
        using_metrics={f"m{position}": metric for position, metric in enumerate(metrics)},
        period=Duration.minutes(5),
        label=alarm.name,
    )
