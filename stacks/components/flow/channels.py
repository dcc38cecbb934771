"""The channels that messages to approvers go out on: what each needs deployed, and what the approver is told of it."""

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
    """What carries messages to approvers.

    Attributes:
        environment: What the function that sends reads.
        outputs: What people who subscribe to it need to know, by the output's name.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.environment: Mapping[str, str] = {}
        self.outputs: Mapping[str, str] = {}
        self._rights: Mapping[str, list[str]] = {}

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Let it send messages."""
        for action, resources in self._rights.items():
            allow(grantee, action, on=resources)

    @staticmethod
    def _told(name: str, settings: Mapping[str, str]) -> dict[str, str]:
        """Return what the approver reads of its channel; `doctor` compares it with the settings, letter by letter."""
        return {"CHANNEL": name, "CHANNEL_SETTINGS": json.dumps(settings, separators=(",", ":"))}


class EmailChannel(MessageChannel):
    """Mail through SES, whose identities are verified outside these stacks; nothing is deployed.

    Args:
        sender: The From address.
        identities: The SES identities that sending touches; empty for the sender's address.
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
    """An encrypted SNS topic. Who subscribes to it gets review links: subscriptions are as personal as mailboxes.

    Each message has its recipient as the attribute `recipient`, for filter policies.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        # The key of SNS itself is enough: only principals of this account publish.
        key = kms.Alias.from_alias_name(self, "Key", "alias/aws/sns")
        topic = sns.Topic(self, "Topic", display_name="countersign", master_key=key, enforce_ssl=True)
        self.environment = self._told("sns", {"topic": topic.topic_arn})
        self.outputs = {"ApprovalsTopic": topic.topic_arn}
        self._rights = {"sns:Publish": [topic.topic_arn]}


class ExtensionChannel(MessageChannel):
    """A channel of a fork, and its secret in Secrets Manager, where it has one.

    Args:
        name: The channel's name.
        settings: What it reads.
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
