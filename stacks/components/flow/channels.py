"""The channels of messages to approvers: the resources of each, and the approver's environment for it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.components.house.rights import allow
from stacks.components.state.providers import secret_of


class MessageChannel(Construct):
    """A channel of messages to approvers.

    Attributes:
        environment: Variables of the function that sends.
        outputs: Stack outputs that subscribers and operators need, by name.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.environment: Mapping[str, str] = {}
        self.outputs: Mapping[str, str] = {}
        self._rights: Mapping[str, list[str]] = {}

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Allow sending messages."""
        for action, resources in self._rights.items():
            allow(grantee, action, on=resources)

    @staticmethod
    def _told(name: str, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the approver's variables for its channel; `doctor` compares them with the settings, exactly."""
        return {"CHANNEL": name, "CHANNEL_SETTINGS": json.dumps(settings, separators=(",", ":"))}


class EmailChannel(MessageChannel):
    """Mail through SES. It deploys nothing: SES identities are verified outside these stacks.

    Args:
        sender: The From address.
        identities: The SES identities that sending needs; empty for the sender's address.
    """

    def __init__(self, scope: Construct, construct_id: str, *, sender: str, identities: tuple[str, ...]) -> None:
        super().__init__(scope, construct_id)
        self.environment = self._told("email", {"sender": sender})
        arns = [
            Stack.of(self).format_arn(service="ses", resource="identity", resource_name=identity)
            for identity in identities or (sender,)
        ]
        self._rights = {"ses:SendEmail": arns}


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
        self._rights = {"sns:Publish": [topic.topic_arn]}


class ExtensionChannel(MessageChannel):
    """A channel of a fork, and its secret in Secrets Manager if it has one.

    Args:
        name: The channel's name.
        settings: The channel's settings.
        has_secret: Whether it has a secret.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: Mapping[str, str],
        has_secret: bool,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.environment = self._told(name, settings)
        if has_secret:
            arn = secret_of(self, "Secret", f"Secrets of the channel {name}", removal_policy).secret_arn
            self.environment = {**self.environment, "CHANNEL_SECRET": Stack.of(self).to_json_string({name: arn})}
            self.outputs = {"ChannelSecret": arn}
            self._rights = {"secretsmanager:GetSecretValue": [arn]}
