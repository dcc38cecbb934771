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
    of_kit = {
        "ApiServerErrors": ("AWS/ApiGateway", "5xx", ("Api/Api",)),
        "RelayBehind": ("AWS/Lambda", "IteratorAge", ("Relay/Relay/Function",)),
        "RelayErrors": ("AWS/Lambda", "Errors", ("Relay/Relay/Function",)),
        "RingsFailed": ("Countersign", "RingsFailed", ("relay",)),
        "PublisherBehind": ("AWS/Lambda", "IteratorAge", ("Publisher/Publisher/Function",)),
        **({"AuditDiffers": ("Countersign", "AuditDiffers", ("publisher",))} if stage.stacks.ledger.archive else {}),
        "DecisionsNotApplied": ("Countersign", "DecisionsNotApplied", ("executions",)),
        "EventsHeld": ("Countersign", "EventsHeld", ("webhook",)),
        "EventsConflict": ("Countersign", "EventsConflict", ("webhook",)),
        "EventsMalformed": ("Countersign", "EventsMalformed", ("webhook",)),
        "SignaturesRefused": ("Countersign", "SignaturesRefused", ("webhook",)),
        "ResultsConflict": ("Countersign", "ResultsConflict", ("results",)),
        "PaymentsHeld": ("Countersign", "PaymentsHeld", ("publisher",)),
        "EventsForgotten": ("Countersign", "EventsForgotten", ("publisher",)),
    }
    of_workflows = {
        f"{end}-{name}": (
            "AWS/Lambda",
            f"DurableExecution{end}",
            (f"{workflow.node.path.partition('/')[2]}/Workflow/Function",),
        )
        for name, workflow in stage.stacks.workflow.workflows.items()
        for end in ("Stopped", "Failed", "TimedOut")
    }
    assert others == of_kit | of_workflows


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("Relay/Relay/Function", "RingsFailed"),
        ("Publisher/Publisher/Function", "AuditDiffers"),
        ("Webhook/Function", "EventsHeld"),
        ("Webhook/Function", "EventsConflict"),
        ("Webhook/Function", "EventsMalformed"),
        ("Webhook/Function", "SignaturesRefused"),
        ("Results/Results/Function", "ResultsConflict"),
        ("Publisher/Publisher/Function", "PaymentsHeld"),
        ("Publisher/Publisher/Function", "EventsForgotten"),
    ],
)
def test_what_a_function_counts_is_what_is_watched(
    prod: Synthesised, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], function: str, name: str
) -> None:
    properties = prod.properties(prod.one("AWS::Lambda::Function", function))
    for variable, value in properties["Environment"]["Variables"].items():
        monkeypatch.setenv(variable, value)
    count(name)
    written = json.loads(capsys.readouterr().out)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    alarm = alarms(prod)[name]
    assert directive["Namespace"] == alarm["Namespace"]
    assert [metric["Name"] for metric in directive["Metrics"]] == [alarm["MetricName"]]
    (dimensions,) = directive["Dimensions"]
    assert {dimension: written[dimension] for dimension in dimensions} == {
        item["Name"]: item["Value"] for item in alarm["Dimensions"]
    }


def test_a_stray_signature_is_no_alarm_and_a_held_event_is_one(stage: Synthesised) -> None:
    assert alarms(stage)["EventsHeld"]["Threshold"] == alarms(stage)["EventsConflict"]["Threshold"] == 0
    assert alarms(stage)["SignaturesRefused"]["Threshold"] == 10


def test_every_alarm_goes_to_the_topic_and_says_what_it_means(stage: Synthesised) -> None:
    for alarm in alarms(stage).values():
        assert alarm["AlarmActions"] == ["Alarms/Topic"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmDescription"]
        assert "Metrics" not in alarm, "the embedded cloud refuses metric math"


def test_the_topic_is_encrypted_with_a_key_that_alarms_may_use(prod: Synthesised) -> None:
    assert prod.properties(prod.one("AWS::SNS::Topic"))["KmsMasterKeyId"] == "Alarms/Key.Arn"
    key = prod.properties(prod.one("AWS::KMS::Key", "Alarms/Key"))
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
