"""The topic that alarms publish to."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct


class AlarmTopic(Construct):
    """An encrypted topic, to which alarms of this account publish.

    Args:
        title: The stage's title, `<app>-<stage>`: mails of alarms come from this name.
        email: Address of a subscriber; empty for none.

    Attributes:
        topic: The topic.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, title: str, email: str, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
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
