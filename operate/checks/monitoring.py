"""The alarms: each tells somebody, and none rings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from operate.checks.mail import confirmed_subscriptions
from operate.stage import Stage

_AT_ONCE = 100
"""What DescribeAlarms takes:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html."""


def alarms(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look at every alarm of the stage, and at who hears them."""
    found = _alarms(stage)
    findings = [finding for alarm in found for finding in _alarm(alarm)]
    yield from findings or [(f"{len(found)} alarms are set, none rings", "")]
    yield from _listeners(stage)


def _alarms(stage: Stage) -> list[dict[str, Any]]:
    names = [resource["PhysicalResourceId"] for resource in stage.resources("monitoring", "AWS::CloudWatch::Alarm")]
    client = stage.client("cloudwatch")
    parts: list[Sequence[str]] = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
    return [
        alarm
        for part in parts
        for alarm in client.describe_alarms(AlarmNames=part, MaxRecords=_AT_ONCE)["MetricAlarms"]
    ]


def _alarm(alarm: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = alarm["AlarmName"]
    if not alarm.get("AlarmActions"):
        yield f"{name} tells nobody", "deploy again: its action was taken away"
    if not alarm.get("ActionsEnabled", True):
        yield f"{name} is muted", f"aws cloudwatch enable-alarm-actions --alarm-names {name}"
    if alarm.get("StateValue") == "ALARM":
        yield f"{name} rings: {alarm.get('AlarmDescription', '')}", "docs/operations.md says what to do"


def _listeners(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look whether anybody hears, where the stage says that somebody should."""
    settings = stage.settings
    if not settings.alarms.email and not settings.ledger.protected:
        return
    for topic in stage.resources("monitoring", "AWS::SNS::Topic"):
        count = confirmed_subscriptions(stage, topic["PhysicalResourceId"])
        advice = "" if count else "confirm the subscription by the mail that SNS has sent, or subscribe somebody"
        yield f"{count} {'subscription hears' if count == 1 else 'subscriptions hear'} the alarms", advice
