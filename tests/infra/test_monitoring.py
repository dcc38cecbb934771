"""What would lose or delay an answer raises an alarm, and the alarm can be heard."""

import json
from typing import Any

import pytest

from countersign.telemetry import count
from tests.infra.templates import Synthesised

pytestmark = pytest.mark.xdist_group("infra")


def alarms(stage: Synthesised) -> dict[str, Any]:
    return {
        alarm.path.removeprefix("Alarms/"): stage.properties(alarm) for alarm in stage.of_type("AWS::CloudWatch::Alarm")
    }


def test_every_dead_letter_queue_has_an_alarm_on_its_first_message(stage: Synthesised) -> None:
    queues = {queue.path for queue in stage.of_type("AWS::SQS::Queue") if "RedrivePolicy" not in queue.properties}
    watched = set()
    for name, alarm in alarms(stage).items():
        if name.startswith("DeadLetters-"):
            assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
            assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
            (dimension,) = alarm["Dimensions"]
            watched.add(dimension["Value"].removesuffix(".QueueName"))
    assert watched == queues


def test_what_else_raises_an_alarm(stage: Synthesised) -> None:
    others = {
        name: (alarm["Namespace"], alarm["MetricName"], tuple(item["Value"] for item in alarm["Dimensions"]))
        for name, alarm in alarms(stage).items()
        if not name.startswith("DeadLetters-")
    }
    workflow = ("Durable/OrderApproval/Workflow/Function",)
    assert others == {
        "ApiServerErrors": ("AWS/ApiGateway", "5xx", ("Api/Api",)),
        "RelayBehind": ("AWS/Lambda", "IteratorAge", ("Relay/Relay/Function",)),
        "RelayErrors": ("AWS/Lambda", "Errors", ("Relay/Relay/Function",)),
        "RingsFailed": ("Countersign", "RingsFailed", ("relay",)),
        "PublisherBehind": ("AWS/Lambda", "IteratorAge", ("Publisher/Publisher/Function",)),
        "DecisionsNotApplied": ("Countersign", "DecisionsNotApplied", ("executions",)),
        "Stopped-order-approval": ("AWS/Lambda", "DurableExecutionStopped", workflow),
        "Failed-order-approval": ("AWS/Lambda", "DurableExecutionFailed", workflow),
        "TimedOut-order-approval": ("AWS/Lambda", "DurableExecutionTimedOut", workflow),
    }


def test_the_failed_rings_that_are_counted_are_those_that_are_watched(
    prod: Synthesised, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    relay = prod.properties(prod.one("AWS::Lambda::Function", "Relay/Relay/Function"))
    for name, value in relay["Environment"]["Variables"].items():
        monkeypatch.setenv(name, value)
    count("RingsFailed")
    written = json.loads(capsys.readouterr().out)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    alarm = alarms(prod)["RingsFailed"]
    assert directive["Namespace"] == alarm["Namespace"]
    assert [metric["Name"] for metric in directive["Metrics"]] == [alarm["MetricName"]]
    (dimensions,) = directive["Dimensions"]
    assert {name: written[name] for name in dimensions} == {item["Name"]: item["Value"] for item in alarm["Dimensions"]}


def test_every_alarm_goes_to_the_topic_and_says_what_it_means(stage: Synthesised) -> None:
    for alarm in alarms(stage).values():
        assert alarm["AlarmActions"] == ["Alarms/Topic"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmDescription"]
        assert "Metrics" not in alarm, "the embedded cloud refuses metric math"


def test_the_topic_is_encrypted_with_a_key_that_alarms_may_use(prod: Synthesised) -> None:
    assert prod.properties(prod.one("AWS::SNS::Topic"))["KmsMasterKeyId"] == "Alarms/Key.Arn"
    key = prod.properties(prod.one("AWS::KMS::Key"))
    assert key["EnableKeyRotation"] is True
    assert {
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": "<AccountId>"}},
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Resource": "*",
    } in key["KeyPolicy"]["Statement"]


def test_alarms_of_this_account_may_publish_and_nobody_without_tls(prod: Synthesised) -> None:
    policy = prod.properties(prod.one("AWS::SNS::TopicPolicy"))["PolicyDocument"]["Statement"]
    effects = {statement["Effect"]: statement for statement in policy}
    assert effects["Allow"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert effects["Allow"]["Condition"] == {"StringEquals": {"aws:SourceAccount": "<AccountId>"}}
    assert effects["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
