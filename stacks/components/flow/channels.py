"""The channels that messages to approvers go out on: what each needs deployed, and what the approver is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from countersign.channels.base import load
from stacks.components.state.providers import secret_of
from stacks.stage.policies import compact
from stacks.stage.settings import MailSettings, Settings


class MessageChannel(Protocol):
    """What carries messages to approvers."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the function that sends reads."""
        ...

    @property
    def outputs(self) -> Mapping[str, str]:
        """What people who subscribe to it need to know, by the output's name."""
        ...

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Let it send messages."""
        ...


class EmailChannel(Construct):
    """Mail through SES, whose identities are verified outside these stacks."""

    def __init__(self, scope: Construct, construct_id: str, *, mail: MailSettings) -> None:
        """Take the sender; nothing is deployed.

        Args:
            scope: The parent.
            construct_id: The id.
            mail: The stage's.
        """
        super().__init__(scope, construct_id)
        self._identities = mail.identities or (mail.sender,)
        self.environment = _environment("email", {"sender": mail.sender})
        self.outputs: Mapping[str, str] = {}

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Let it send mail from the stage's identities."""
        stack = Stack.of(self)
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ses:SendEmail"],
                resources=[
                    stack.format_arn(service="ses", resource="identity", resource_name=identity)
                    for identity in self._identities
                ],
            )
        )


class TopicChannel(Construct):
    """An encrypted SNS topic. Who subscribes to it gets review links: subscriptions are as personal as mailboxes.

    Attributes:
        topic: The topic; each message has its recipient as the attribute `recipient`, for filter policies.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Build the topic."""
        super().__init__(scope, construct_id)
        # The key of SNS itself is enough: only principals of this account publish.
        key = kms.Alias.from_alias_name(self, "Key", "alias/aws/sns")
        self.topic = sns.Topic(self, "Topic", display_name="countersign", master_key=key, enforce_ssl=True)
        self.environment = _environment("sns", {"topic": self.topic.topic_arn})
        self.outputs: Mapping[str, str] = {"ApprovalsTopic": self.topic.topic_arn}

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Let it publish to the topic."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["sns:Publish"], resources=[self.topic.topic_arn])
        )


class ExtensionChannel(Construct):
    """A channel of a fork, and its secret in Secrets Manager, where it has one."""

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
        """Build the secret.

        Args:
            scope: The parent.
            construct_id: The id.
            name: The channel's name.
            settings: What it reads.
            has_secret: Whether it has a secret.
            removal_policy: What becomes of the secret when its stack is deleted.
        """
        super().__init__(scope, construct_id)
        self._secret = (
            secret_of(self, "Secret", f"Secrets of the channel {name}", removal_policy) if has_secret else None
        )
        arn = self._secret.secret_arn if self._secret else ""
        self.environment = _environment(name, settings) | (
            {"CHANNEL_SECRET": Stack.of(self).to_json_string({name: arn})} if arn else {}
        )
        self.outputs: Mapping[str, str] = {"ChannelSecret": arn} if arn else {}

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Let it read the secret."""
        if self._secret:
            grantee.grant_principal.add_to_principal_policy(
                iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[self._secret.secret_arn])
            )


def channel_of(scope: Construct, settings: Settings, removal_policy: RemovalPolicy) -> MessageChannel:
    """Build what the stage's channel needs.

    Args:
        scope: The parent.
        settings: The stage.
        removal_policy: What becomes of a channel's secret when its stack is deleted.
    """
    match name := settings.mail.channel:
        case "email":
            return EmailChannel(scope, "Email", mail=settings.mail)
        case "sns":
            return TopicChannel(scope, "Sns")
    return ExtensionChannel(
        scope,
        "Channel",
        name=name,
        settings=settings.channels.get(name, {}),
        has_secret=load(name).has_secret,
        removal_policy=removal_policy,
    )


def _environment(name: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return what the approver reads of its channel."""
    return {"CHANNEL": name, "CHANNEL_SETTINGS": compact(settings)}
