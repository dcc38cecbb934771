"""The alarms and their topic, the runbook, the dashboard, the saved queries."""

import json
import re
from typing import Any

import pytest

from operate.embedded.cloud import ROOT
from tests.infra.templates import StageNamed, Synthesised


def test_every_dead_letter_queue_has_an_alarm(stage: Synthesised) -> None:
    queues = {queue.path for queue in stage.of_type("AWS::SQS::Queue") if "RedrivePolicy" not in queue.properties}
    watched = set()
    for name, alarm in stage.alarms.items():
        if name.startswith("DeadLetters-"):
            (dimension,) = alarm["Dimensions"]
            watched.add(dimension["Value"].removesuffix(".QueueName"))
    assert watched == queues


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_alarms_over_workflows_watch_each_ten_of_a_stack(stage_named: StageNamed, name: str) -> None:
    stage = stage_named(name)
    paths = [[each.function.function.node.path.partition("/")[2] for each in group] for group in stage.groups]
    for kind in ("ExecutionsStopped", "ExecutionsTimedOut", "OperationsNearLimit", "StorageNearLimit"):
        watched = [
            [each["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for each in alarm["Metrics"][1:]]
            for alarm_name, alarm in stage.alarms.items()
            if alarm_name.partition("-")[0] == kind
        ]
        assert watched == paths, kind


def test_the_embedded_cloud_has_no_alarm_or_query_that_it_refuses(stage_named: StageNamed) -> None:
    local = stage_named("local")
    assert not [name for name, alarm in local.alarms.items() if "Metrics" in alarm]
    assert local.of_type("AWS::Logs::QueryDefinition") == []


def test_a_stray_signature_is_no_alarm_and_a_conflict_is_one(stage: Synthesised) -> None:
    assert stage.alarms["EventsConflict"]["Threshold"] == stage.alarms["SecretsUnusable"]["Threshold"] == 0
    assert stage.alarms["SignaturesRefused"]["Threshold"] == 10


def test_every_alarm_goes_to_the_topic_and_names_the_first_action(stage: Synthesised) -> None:
    for name, alarm in stage.alarms.items():
        assert (alarm["AlarmActions"], alarm["TreatMissingData"]) == (["Alarms/Topic"], "notBreaching")
        action, _, section = alarm["AlarmDescription"].partition(". Runbook: docs/operations.md, ")
        assert ". First " in action
        assert section == name.partition("-")[0]


def test_the_runbook_has_a_section_for_every_alarm_and_for_no_other(stage_named: StageNamed) -> None:
    raised = {name.partition("-")[0] for stage in ("dev", "local", "prod") for name in stage_named(stage).alarms}
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    about_alarms = text.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", about_alarms, re.MULTILINE | re.DOTALL))
    assert sections.keys() == raised
    for name, section in sections.items():
        parts = re.findall(r"^- \*\*(.+?)\*\*: \S", section, re.MULTILINE)
        assert parts == ["Means", "Seen by users", "Look at", "Mend", "Clears"], name


# The dashboard
def shown(stage: Synthesised) -> dict[str, list[tuple[str, str]]]:
    """Return the metrics and statistics of each graph, by its title."""
    body = json.loads(stage.properties(stage.one("AWS::CloudWatch::Dashboard"))["DashboardBody"])
    graphs = [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]
    return {
        graph["title"]: [(line[1], line[-1].get("stat", "Average")) for line in graph["metrics"]] for graph in graphs
    }


def test_the_dashboard_shows_tasks_decisions_and_rings(prod: Synthesised) -> None:
    kinds = ("TaskOpened", "TaskDecided", "TaskApplied", "TaskExpired", "TaskCancelled")
    assert shown(prod)["Tasks"] == [(kind, "Sum") for kind in kinds]
    assert shown(prod)["Seconds to a decision"] == [("TimeToDecision", "p50"), ("TimeToDecision", "p95")]
    assert shown(prod)["Rings"] == [(f"Rings{state}", "Sum") for state in ("Closed", "Failed")]


def test_the_dashboard_shows_what_alarms_watch_and_whether_they_are_raised(stage: Synthesised) -> None:
    graphs = {name for metrics in shown(stage).values() for name, _ in metrics}
    watched = {alarm["MetricName"] for alarm in stage.alarms.values() if "MetricName" in alarm}
    assert watched <= graphs
    body = json.loads(stage.properties(stage.one("AWS::CloudWatch::Dashboard"))["DashboardBody"])
    (states,) = (widget["properties"]["alarms"] for widget in body["widgets"] if widget["type"] == "alarm")
    assert sorted(states) == sorted(f"{alarm.path}.Arn" for alarm in stage.of_type("AWS::CloudWatch::Alarm"))


def test_each_stage_has_a_dashboard_of_its_own_name(stage: Synthesised) -> None:
    name = stage.properties(stage.one("AWS::CloudWatch::Dashboard"))["DashboardName"]
    assert name == f"countersign-{stage.settings.stage}"


# Saved queries
def queries(stage: Synthesised) -> dict[str, Any]:
    found = [stage.properties(query) for query in stage.of_type("AWS::Logs::QueryDefinition")]
    return {query["Name"]: query for query in found}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_saved_queries_ask_every_function_and_those_about_the_api_its_access_log(
    stage_named: StageNamed, name: str
) -> None:
    stage = stage_named(name)
    functions = {stage.properties(each)["LoggingConfig"]["LogGroup"] for each in stage.of_type("AWS::Lambda::Function")}
    assert len(functions) <= 50, "Logs Insights takes no more at once"
    for title in ("The story of a request", "Refused clicks", "Failed rings"):
        assert set(queries(stage)[f"countersign-{name}/{title}"]["LogGroupNames"]) == functions
    assert queries(stage)[f"countersign-{name}/Slow requests"]["LogGroupNames"] == ["ApiStage/AccessLog"]
    assert len(queries(stage)) == 4


def test_saved_queries_look_for_what_functions_log(prod: Synthesised) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lambdas").rglob("*.py"))
    sought = [
        message
        for query in queries(prod).values()
        for messages in re.findall(r"message (?:=|in) (\[.*?\]|\".*?\")", query["QueryString"])
        for message in re.findall(r'"(.+?)"', messages)
    ]
    assert sorted(sought) == ["clicked", "handed over", "page refused", "rung"]
    assert [message for message in sought if f'"{message}"' not in sources] == []


# The topic
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


def test_only_alarms_of_this_account_publish_and_only_over_tls(prod: Synthesised) -> None:
    policy = prod.properties(prod.one("AWS::SNS::TopicPolicy"))["PolicyDocument"]["Statement"]
    effects = {statement["Effect"]: statement for statement in policy}
    assert effects["Allow"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert effects["Allow"]["Condition"] == {"StringEquals": {"aws:SourceAccount": "<AccountId>"}}
    assert effects["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
