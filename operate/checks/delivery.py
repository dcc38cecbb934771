"""Delivery: messages to approvers, alarms to operators."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from operate.checks import Findings, Note
from operate.checks.state import active_secrets
from operate.errors import code_of
from operate.stage import Stage
from stacks.stage.policies import compact
from stacks.stage.settings import is_reserved, placeholders


def filled_in(stage: Stage) -> Findings:
    """Check that no placeholder is left in the settings. Synth refuses those of mail and alarms."""
    found = list(placeholders(stage.settings))
    for problem in found:
        what = f"{problem.key} is {problem.value or 'empty'}; allowed: {problem.allowed}"
        yield what, f"correct it in settings/{stage.name}.toml"
    operators = [f"payments.operators names {each}" for each in stage.settings.payments.operators if is_reserved(each)]
    for what in operators:
        yield f"{what}, whom no mail reaches", Note(f"name real operators in settings/{stage.name}.toml")
    if not (found or operators):
        yield "no placeholder is left", ""


def channel(stage: Stage) -> Findings:
    """Check the channel that the stage uses: SES, the topic, or the secret of Slack or of an extension."""
    mail = stage.settings.mail
    yield from ready(stage)
    if mail.channel == "sns":
        yield _topic(stage)
    elif mail.channel != "email":
        yield from _with_secret(stage, mail.channel)


def ready(stage: Stage) -> Findings:
    """Check that SES can send the stage's mail; nothing on a stage that sends none."""
    mail = stage.settings.mail
    if mail.is_sent:
        for identity in mail.identities or (mail.sender,):
            yield from _identity(stage, identity)
        yield from _account(stage)


def _with_secret(stage: Stage, name: str) -> Findings:
    owner, arn = f"the channel {name}", stage.outputs("public").get("ChannelSecret", "")
    yield active_secrets(stage, owner, "sends nothing", arn) if arn else (f"{owner} uses no secret", "")
    wanted = {"CHANNEL": name, "CHANNEL_SETTINGS": compact(stage.settings.channels.get(name, {}))}
    for function in stage.functions():
        variables = function.get("Environment", {}).get("Variables", {})
        if "CHANNEL" in variables and not wanted.items() <= variables.items():
            yield f"the approver does not use {owner} as the settings say", "deploy again"


def _topic(stage: Stage) -> tuple[str, str]:
    topic = stage.outputs("public").get("ApprovalsTopic", "")
    if not topic:
        return "the channel is sns, but the stage has no topic: approvers receive nothing", "deploy again"
    count = confirmed_subscriptions(stage, topic)
    advice = "" if count else "subscribe each approver, with a filter policy on `recipient`"
    return f"{count} subscriptions of {topic} are confirmed", advice


def _identity(stage: Stage, identity: str) -> Findings:
    try:
        found = stage.client("sesv2").get_email_identity(EmailIdentity=identity)
    except ClientError as error:
        if code_of(error) != "NotFoundException":
            raise
        found = {}
    if found.get("VerifiedForSendingStatus"):
        yield f"SES has verified {identity}", ""
    else:
        command = f"aws sesv2 create-email-identity --email-identity {identity}"
        advice = f"verify it in this account and region: {command}, then follow the mail, or set the DNS records"
        yield f"SES has not verified {identity}: no mail is sent", advice
    if default := found.get("ConfigurationSetName"):
        yield f"{identity} has the default configuration set {default}; the stage's mail names the stage's own", ""


def _account(stage: Stage) -> Findings:
    account = stage.client("sesv2").get_account()
    if not account.get("SendingEnabled", True):
        yield "SES has stopped sending for this account: no mail is sent", "see the account dashboard in SES"
    if not account.get("ProductionAccessEnabled", True):
        advice = "request production access: aws sesv2 put-account-details, or the account dashboard in SES"
        what = "the account is in the SES sandbox: mail reaches verified addresses only"
        yield what, advice if stage.settings.ledger.protected else Note(advice)


def alarms(stage: Stage) -> Findings:
    """Check every alarm of the stage, and its subscriptions if the settings require them."""
    found = deployed_alarms(stage)
    findings = [finding for alarm in found for finding in _alarm(alarm)]
    yield from findings or [(f"all {len(found)} are set, none is raised", "")]
    if stage.settings.alarms.email or stage.settings.ledger.protected:
        for topic in stage.resources("AWS::SNS::Topic", "ledger"):
            count = confirmed_subscriptions(stage, topic)
            advice = "" if count else "confirm the subscription in the mail from SNS, or add a subscription"
            yield f"{count} subscription{' receives' if count == 1 else 's receive'} the alarms", advice


def deployed_alarms(stage: Stage) -> list[dict[str, Any]]:
    """Return the alarms of the stage, as CloudWatch describes them."""
    names = stage.resources("AWS::CloudWatch::Alarm")
    pages = stage.client("cloudwatch").get_paginator("describe_alarms")
    return [
        alarm
        for start in range(0, len(names), 100)  # the most names in one call
        for page in pages.paginate(AlarmNames=names[start : start + 100])
        for alarm in page["MetricAlarms"]
    ]


def _alarm(alarm: dict[str, Any]) -> Findings:
    name = alarm["AlarmName"]
    if not alarm.get("AlarmActions"):
        yield f"{name} sends no notifications: its action was removed", "deploy again"
    if not alarm.get("ActionsEnabled", True):
        yield f"{name} is muted", f"aws cloudwatch enable-alarm-actions --alarm-names {name}"
    if alarm.get("StateValue") == "ALARM":
        yield f"{name} is raised: {alarm.get('AlarmDescription', '')}", "docs/operations.md says what to do"


def confirmed_subscriptions(stage: Stage, topic: str) -> int:
    """Return the number of confirmed subscriptions of a topic."""
    pages = stage.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return sum(
        subscription["SubscriptionArn"].startswith("arn:") for page in pages for subscription in page["Subscriptions"]
    )
