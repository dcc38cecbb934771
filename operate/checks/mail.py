"""The channel to approvers: can it send?"""

from __future__ import annotations

from collections.abc import Iterator

from countersign.adapters.secrets import ManagedSecrets
from countersign.domain.errors import SecretError
from operate.stage import Stage
from stacks.stage.policies import compact


def channel(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look at SES, at the topic, or at the secret of an extension, whichever the stage uses."""
    mail = stage.settings.mail
    if mail.channel == "sns":
        yield from _topic(stage)
        return
    if mail.channel != "email":
        yield _secret(stage, mail.channel)
        yield from _settings(stage, mail.channel)
        return
    for identity in mail.identities or (mail.sender,):
        yield from _identity(stage, identity)
    yield from _account(stage)


def _secret(stage: Stage, name: str) -> tuple[str, str]:
    arn = stage.outputs["public"].get("ChannelSecret", "")
    try:
        active = ManagedSecrets(stage.client("secretsmanager"), {name: arn}).active(name) if arn else ()
    except SecretError as error:
        advice = f"put it: aws secretsmanager put-secret-value --secret-id {arn} --secret-string …"
        return f"the channel {name} sends nothing: its secret {error.reason}", advice
    return f"the channel {name} has {len(active)} active {'secret' if len(active) == 1 else 'secrets'}", ""


def _settings(stage: Stage, name: str) -> Iterator[tuple[str, str]]:
    """Hold what the deployed approver sends with against the settings."""
    wanted = {"CHANNEL": name, "CHANNEL_SETTINGS": compact(stage.settings.channels.get(name, {}))}
    for resource in stage.resources("public", "AWS::Lambda::Function"):
        function = stage.client("lambda").get_function_configuration(FunctionName=resource["PhysicalResourceId"])
        variables = function.get("Environment", {}).get("Variables", {})
        if "CHANNEL" in variables and not wanted.items() <= variables.items():
            yield f"the approver does not send over the channel {name} as the settings say", "deploy again"


def _topic(stage: Stage) -> Iterator[tuple[str, str]]:
    topic = stage.outputs["public"].get("ApprovalsTopic", "")
    if not topic:
        yield "there is no topic, and the settings want one", "deploy again"
        return
    count = confirmed_subscriptions(stage, topic)
    advice = "" if count else "subscribe each approver, with a filter policy on `recipient`"
    yield f"{count} subscriptions of {topic} are confirmed", advice


def _identity(stage: Stage, identity: str) -> Iterator[tuple[str, str]]:
    from botocore.exceptions import ClientError

    try:
        found = stage.client("sesv2").get_email_identity(EmailIdentity=identity)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        found = {}
    if found.get("VerifiedForSendingStatus"):
        yield f"SES has verified {identity}", ""
    else:
        yield f"SES has not verified {identity}: no mail is sent", "verify it in this account and region"


def _account(stage: Stage) -> Iterator[tuple[str, str]]:
    account = stage.client("sesv2").get_account()
    if not account.get("SendingEnabled", True):
        yield "SES has stopped this account's sending", "see the account's dashboard in SES"
    if stage.settings.ledger.protected and not account.get("ProductionAccessEnabled", True):
        yield "SES has this account in its sandbox: mail reaches verified addresses only", "ask for production access"


def confirmed_subscriptions(stage: Stage, topic: str) -> int:
    """Return how many subscriptions of a topic are confirmed."""
    pages = stage.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return sum(
        subscription["SubscriptionArn"].startswith("arn:") for page in pages for subscription in page["Subscriptions"]
    )
