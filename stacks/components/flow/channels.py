"""The channels of messages to approvers: the resources of each, and the approver's environment for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import formataddr

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from countersign.channels import Channel
from countersign.channels.ses_events import DETAIL_TYPES, SOURCE
from stacks.components.house.alarm import Alarm, Watch
from stacks.components.house.rights import allow
from stacks.components.state.providers import secret_of

_REPUTATION = {
    "MailBounceRate": (
        "BounceRate",
        0.05,
        (
            "More than 5 % of this account's mail bounced, over all stages. At 10 %, SES can pause the account's"
            " sending, and no approver gets a link. First read the account's reputation metrics in SES"
        ),
    ),
    "MailComplaintRate": (
        "ComplaintRate",
        0.001,
        (
            "More than 0.1 % of this account's mail was marked as spam, over all stages. At 0.5 %, SES can pause the"
            " account's sending, and no approver gets a link. First read the account's reputation metrics in SES"
        ),
    ),
}
"""The metric, its highest normal value and the text of each alarm on the account's reputation:
https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html."""


class MessageChannel(Construct):
    """A channel of messages to approvers.

    Attributes:
        environment: Variables of the function that sends.
        outputs: Stack outputs that subscribers and operators need, by name.
        reports: The channel's events on the account's default bus about messages that did not arrive; None for none.
        by_user_id: Whether the function that sends needs user ids of the directory.
        closes: Whether it takes the links out of messages when their task ends.
        rights: The actions that sending needs, each with its resources.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.environment: Mapping[str, str] = {}
        self.outputs: Mapping[str, str] = {}
        self.reports: events.EventPattern | None = None
        self.by_user_id = self.closes = False
        self.rights: Mapping[str, list[str]] = {}

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Allow sending messages."""
        for action, resources in self.rights.items():
            allow(grantee, action, on=resources)

    @staticmethod
    def _told(name: str, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the approver's variables for its channel; `doctor` compares them with the settings, exactly."""
        return {"CHANNEL": name, "CHANNEL_SETTINGS": json.dumps(settings, separators=(",", ":"))}


class EmailChannel(MessageChannel):
    """Mail through SES, with a configuration set that reports what did not arrive.

    SES identities are verified outside these stacks.

    Args:
        sender: The From address.
        name: The name that mail programs show beside it; empty for none.
        reply_to: The address of answers; empty for the sender's.
        identities: The SES identities that sending needs; empty for the sender's address.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sender: str,
        name: str,
        reply_to: str,
        identities: tuple[str, ...],
    ) -> None:
        super().__init__(scope, construct_id)
        configuration = ses.ConfigurationSet(self, "ConfigurationSet")
        configuration.add_event_destination(
            "Events",
            destination=ses.EventDestination.event_bus(events.EventBus.from_event_bus_name(self, "Bus", "default")),
            events=[
                ses.EmailSendingEvent.BOUNCE,
                ses.EmailSendingEvent.COMPLAINT,
                ses.EmailSendingEvent.REJECT,
                ses.EmailSendingEvent.DELIVERY_DELAY,
            ],
        )
        used = configuration.configuration_set_name
        self.reports = events.EventPattern(
            # Accounts that may put events on the bus have configuration sets and tags of the same names.
            account=[Stack.of(self).account],
            source=[SOURCE],
            detail_type=list(DETAIL_TYPES),
            detail={"mail": {"tags": {"ses:configuration-set": [used]}}},
        )
        settings = {
            "sender": formataddr((name, sender)) if name else sender,
            "reply_to": reply_to,
            "configuration_set": used,
        }
        self.environment = self._told("email", settings)
        sending = [("identity", each) for each in identities or (sender,)]
        arns = [
            Stack.of(self).format_arn(service="ses", resource=kind, resource_name=resource)
            for kind, resource in (*sending, ("configuration-set", used))
        ]
        self.rights = {"ses:SendEmail": arns}
        self._watch()

    def _watch(self) -> None:
        rates = {
            alarm: cloudwatch.Metric(
                namespace="AWS/SES", metric_name=f"Reputation.{metric}", statistic="Maximum", period=Duration.hours(1)
            )
            for alarm, (metric, *_) in _REPUTATION.items()
        }
        Watch(
            self,
            "Mail",
            graphs={"Reputation of the account": list(rates.values())},
            alarms=[Alarm(name, rates[name], text, above=above) for name, (_, above, text) in _REPUTATION.items()],
        )


class TopicChannel(MessageChannel):
    """An encrypted SNS topic. Its subscribers receive review links: a subscription is as personal as a mailbox.

    Each message names its recipient in the attribute `recipient`, for filter policies.

    Args:
        title: The name from which subscribers receive messages.
    """

    def __init__(self, scope: Construct, construct_id: str, *, title: str) -> None:
        super().__init__(scope, construct_id)
        # SNS's own key is enough: only principals of this account publish.
        key = kms.Alias.from_alias_name(self, "Key", "alias/aws/sns")
        topic = sns.Topic(self, "Topic", display_name=title, master_key=key, enforce_ssl=True)
        self.environment = self._told("sns", {"topic": topic.topic_arn})
        self.outputs = {"ApprovalsTopic": topic.topic_arn}
        self.rights = {"sns:Publish": [topic.topic_arn]}


class ServiceChannel(MessageChannel):
    """A channel to a service outside AWS, Slack or that of a fork, and its secret in Secrets Manager if it has one.

    Args:
        name: The channel's name.
        settings: The channel's settings.
        channel: What its module exports.
        mail: The channel of messages that the service does not carry; None for none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: Mapping[str, str],
        channel: Channel,
        mail: EmailChannel | None,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.environment = self._told(name, settings)
        self.by_user_id, self.closes = channel.by_user_id, channel.closes
        if channel.has_secret:
            arn = secret_of(self, "Secret", f"Secrets of the channel {name}", removal_policy).secret_arn
            self.environment = {**self.environment, "CHANNEL_SECRET": Stack.of(self).to_json_string({name: arn})}
            self.outputs = {"ChannelSecret": arn}
            self.rights = {"secretsmanager:GetSecretValue": [arn]}
        if mail:
            self.environment = {**self.environment, "MAIL_SETTINGS": mail.environment["CHANNEL_SETTINGS"]}
            self.rights = {**self.rights, **mail.rights}
            self.reports = mail.reports
