"""The channels that messages to approvers go out on: what each needs deployed, and what the approver is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.stage.settings import MailSettings


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
        self.environment: Mapping[str, str] = {"MAIL_SENDER": mail.sender}
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

    def __init__(self, scope: Construct, construct_id: str, *, mail: MailSettings) -> None:  # noqa: ARG002  as the others
        """Build the topic.

        Args:
            scope: The parent.
            construct_id: The id.
            mail: The stage's.
        """
        super().__init__(scope, construct_id)
        # The key of SNS itself is enough: only principals of this account publish.
        key = kms.Alias.from_alias_name(self, "Key", "alias/aws/sns")
        self.topic = sns.Topic(self, "Topic", display_name="countersign", master_key=key, enforce_ssl=True)
        self.environment: Mapping[str, str] = {"CHANNEL": "sns", "TOPIC_ARN": self.topic.topic_arn}
        self.outputs: Mapping[str, str] = {"ApprovalsTopic": self.topic.topic_arn}

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Let it publish to the topic."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["sns:Publish"], resources=[self.topic.topic_arn])
        )


CHANNELS: Mapping[str, Callable[[Construct, MailSettings], MessageChannel]] = {
    "email": lambda scope, mail: EmailChannel(scope, "Email", mail=mail),
    "sns": lambda scope, mail: TopicChannel(scope, "Sns", mail=mail),
}
"""What builds each channel, by the names of `mail.channel` in the settings."""
