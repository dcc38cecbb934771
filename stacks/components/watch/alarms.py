"""Alarms, and the topic that they go to."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

_MOST_METRICS = 10
"""As many as one alarm takes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html."""

RUNBOOK = "docs/operations.md"


class Alarms(Construct):
    """An encrypted topic, and alarms that publish to it.

    Attributes:
        topic: The topic.
        raised: The alarms, in the order in which they were added.
    """

    def __init__(self, scope: Construct, construct_id: str, *, email: str, removal_policy: RemovalPolicy) -> None:
        """Build the topic.

        Args:
            scope: The parent.
            construct_id: The id.
            email: Subscribed to it; empty for nobody.
            removal_policy: What becomes of its key when its stack is deleted.
        """
        super().__init__(scope, construct_id)
        self.raised: list[cloudwatch.Alarm] = []
        cloudwatch_alarms = iam.ServicePrincipal("cloudwatch.amazonaws.com").with_conditions(
            {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        )
        # A key of our own: CloudWatch may not use the AWS managed one of SNS, and its alarms would be lost.
        key = kms.Key(
            self,
            "Key",
            description="Encrypts the alarms of countersign",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        key.grant(cloudwatch_alarms, "kms:Decrypt", "kms:GenerateDataKey*")
        self.topic = sns.Topic(self, "Topic", display_name="countersign alarms", master_key=key, enforce_ssl=True)
        # Said, since a policy of one's own takes the place of the default one, which allows it.
        self.topic.grant_publish(cloudwatch_alarms)
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def above(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        description: str,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        """Raise an alarm while a metric is above a threshold.

        Args:
            construct_id: The alarm's id. Up to its first `-` it names the alarm's section of the runbook.
            metric: The metric.
            threshold: The highest value that is in order.
            description: What it means, and what to do first.
            periods: For how many of the metric's periods in a row.
        """
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            # These metrics are counts of what should not happen: no data is good news.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{description}. Runbook: {RUNBOOK}, {construct_id.partition('-')[0]}",
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        self.raised.append(alarm)
        return alarm

    def any_above(
        self,
        construct_id: str,
        metrics: Sequence[cloudwatch.IMetric],
        *,
        combined: str,
        threshold: float,
        description: str,
    ) -> None:
        """Raise an alarm while what several metrics come to is above a threshold.

        One alarm takes ten metrics, and no search for them: past ten there is a second one, `<id>-2`, and so on.

        Args:
            construct_id: The alarm's id.
            metrics: The metrics, each over five minutes.
            combined: The function of metric math that combines them: `SUM` or `MAX`.
            threshold: The highest value that is in order.
            description: What it means, and what to do first.
        """
        for first in range(0, len(metrics), _MOST_METRICS):
            some = metrics[first : first + _MOST_METRICS]
            number = first // _MOST_METRICS + 1
            together = cloudwatch.MathExpression(
                expression=f"{combined}(METRICS())",
                using_metrics={f"m{position}": metric for position, metric in enumerate(some)},
                period=Duration.minutes(5),
                label=construct_id,
            )
            name = construct_id if number == 1 else f"{construct_id}-{number}"
            self.above(name, together, threshold=threshold, description=description)
