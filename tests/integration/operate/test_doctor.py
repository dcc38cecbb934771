"""doctor: a stage as the settings want it has no finding, and everything that is otherwise is one, with what to do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import TASK_ID
from tests.integration.conftest import ALIAS, DIRECTORY_TABLE, TABLE, Answer, Kit, Operation, answering
from tests.integration.operate.conftest import DeployedStage, Run

ALARM, SECRET = "alarm", "whsec_c2VjcmV0"
MAPPING = "00000000-0000-4000-8000-000000000000"
LIVE = {
    "FunctionName": "order-approval",
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "Version": "7",
    "DurableConfig": {"ExecutionTimeout": 31_622_400, "RetentionPeriodInDays": 30},
}


@dataclasses.dataclass
class Deployed:
    """A stage in order, and what AWS says of it, for tests to change."""

    stage: DeployedStage
    run: Run
    function: Operation
    mapping: Operation
    identity: Operation
    account: Operation
    topic: str

    def results(self) -> tuple[int, list[dict[str, Any]]]:
        status, out, errors = self.run("doctor", "--json")
        assert out, errors
        return status, json.loads(out)

    def findings(self) -> list[tuple[str, str]]:
        status, results = self.results()
        found = [(result["area"], result["what"]) for result in results if result["finding"]]
        assert status == (1 if found else 0)
        assert all(result["advice"] for result in results if result["finding"])
        return found

    def finding(self) -> tuple[str, str]:
        (only,) = self.findings()
        return only


@pytest.fixture
def deployed(kit: Kit, stage: DeployedStage, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    full = stage.settings
    workflow = full.workflows["order-approval"].model_copy(update={"execution_timeout_seconds": 31_622_400})
    workflows = {"order-approval": workflow.model_copy(update={"retention_days": 30})}
    ledger = full.ledger.model_copy(update={"protected": True})
    audit = full.audit.model_copy(update={"object_lock_days": 0})
    settings = full.model_copy(update={"ledger": ledger, "workflows": workflows, "audit": audit, "patterns": None})
    monkeypatch.setitem(vars(stage), "settings", settings)
    for table in (TABLE, DIRECTORY_TABLE):
        client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=True)
        client("dynamodb").update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    client("dynamodb").update_time_to_live(
        TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    arn = client("secretsmanager").create_secret(Name="stripe", SecretString=json.dumps({"active": [SECRET]}))["ARN"]
    put_output(stage, "public", "Providers", json.dumps({"stripe": {"scheme": "stripe", "secret": arn}}))
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15551234567")
    set_alarm([topic])
    stage.built = [
        ("workflow", "AWS::Lambda::Function", "order-approval"),
        ("workflow", "AWS::Lambda::EventSourceMapping", MAPPING),
        ("monitoring", "AWS::CloudWatch::Alarm", ALARM),
        ("monitoring", "AWS::SNS::Topic", topic),
    ]
    source = {"State": "Enabled", "EventSourceArn": "arn:queue", "FunctionArn": "arn:function:approver"}
    with ExitStack() as stack:

        def says(service: str, operation: str, document: dict[str, Any]) -> Operation:
            return stack.enter_context(answering(service, operation, Answer(document=document)))

        yield Deployed(
            stage,
            run,
            says("lambda", "GetFunctionConfiguration", LIVE),
            says("lambda", "GetEventSourceMapping", source),
            says("sesv2", "GetEmailIdentity", {"VerifiedForSendingStatus": True}),
            says("sesv2", "GetAccount", {"SendingEnabled": True, "ProductionAccessEnabled": True}),
            topic,
        )


def put_output(stage: DeployedStage, stack: str, name: str, value: str | None) -> None:
    vars(stage).pop("outputs", None)
    outputs = [output for output in stage.stacks[stack]["Outputs"] if output["OutputKey"] != name]
    stage.stacks[stack]["Outputs"] = outputs + ([{"OutputKey": name, "OutputValue": value}] if value else [])


def set_alarm(actions: list[str], *, enabled: bool = True) -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM,
        AlarmDescription="something waits",
        AlarmActions=actions,
        ActionsEnabled=enabled,
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )


def test_a_stage_as_it_should_be_has_no_finding(deployed: Deployed) -> None:
    status, results = deployed.results()
    assert status == 0
    areas = {result["area"] for result in results}
    assert areas == {
        *("stacks", "workflows", "functions", "event sources", "tables", "tasks", "dead letters", "secrets"),
        *("mail", "alarms"),
    }
    status, out, _ = deployed.run("doctor")
    assert status == 0
    assert out.splitlines()[-1] == f"{len(results)} results, 0 findings"


def test_a_finding_is_printed_with_what_to_do_and_ends_with_one(deployed: Deployed) -> None:
    set_alarm([], enabled=True)
    status, out, _ = deployed.run("doctor")
    assert status == 1
    assert f"✗ alarms        {ALARM} tells nobody" in out
    assert "→ deploy again" in out
    assert out.splitlines()[-1].endswith("1 finding")


# Stacks


def test_a_stack_that_is_missing_is_the_only_thing_looked_at(deployed: Deployed) -> None:
    del deployed.stage.stacks["monitoring"]
    assert deployed.finding() == ("stacks", "countersign-dev-monitoring is not deployed")
    assert deployed.function.asked == []


def test_a_stage_of_which_nothing_is_deployed_is_no_finding_but_an_error(deployed: Deployed) -> None:
    deployed.stage.stacks.clear()
    status, out, errors = deployed.run("doctor")
    assert (status, out) == (3, "")
    assert "not deployed" in errors


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_FAILED"])
def test_a_stack_that_is_not_whole_is_a_finding(deployed: Deployed, status: str) -> None:
    deployed.stage.stacks["public"]["StackStatus"] = status
    assert deployed.finding() == ("stacks", f"countersign-dev-public is {status}")


def test_a_missing_output_and_a_missing_protection_are_findings(deployed: Deployed) -> None:
    put_output(deployed.stage, "ledger", "BusName", None)
    deployed.stage.stacks["ledger"]["EnableTerminationProtection"] = False
    assert deployed.findings() == [
        ("stacks", "countersign-dev-ledger lacks the outputs BusName"),
        ("stacks", "countersign-dev-ledger can be deleted"),
    ]


# Functions


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, "ResourceNotFoundException"), "has no alias live"),
        (Answer(document={name: value for name, value in LIVE.items() if name != "DurableConfig"}), "is not durable"),
        (
            Answer(document=LIVE | {"DurableConfig": {"ExecutionTimeout": 60, "RetentionPeriodInDays": 30}}),
            "durable for 60 s and 30 days, not as the settings say",
        ),
    ],
)
def test_a_workflow_that_cannot_run_as_it_should_is_a_finding(deployed: Deployed, answer: Answer, words: str) -> None:
    deployed.function.answers = [answer]
    area, what = deployed.finding()
    assert area == "workflows"
    assert words in what


def test_workflows_that_only_one_of_both_has_are_findings(deployed: Deployed) -> None:
    put_output(deployed.stage, "workflow", "Workflows", json.dumps({"other": ALIAS}))
    assert deployed.findings() == [
        ("workflows", "other is deployed, and no workflow of the settings"),
        ("workflows", "order-approval is not deployed"),
    ]


def test_a_function_that_is_not_active_is_a_finding(deployed: Deployed) -> None:
    broken = LIVE | {"State": "Failed", "StateReason": "no layer"}
    deployed.function.answers = [Answer(document=LIVE), Answer(document=broken)]
    assert deployed.finding() == ("functions", "order-approval is not active: no layer")


def test_an_event_source_that_is_off_is_a_finding(deployed: Deployed) -> None:
    source = {"State": "Disabled", "EventSourceArn": "arn:queue", "FunctionArn": "arn:function:approver"}
    deployed.mapping.by_default = Answer(document=source)
    assert deployed.finding() == ("event sources", "approver gets nothing from arn:queue: Disabled")


# State


def test_tables_without_recovery_protection_or_ttl_are_findings(deployed: Deployed) -> None:
    dynamodb = client("dynamodb")
    dynamodb.update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    dynamodb.update_continuous_backups(
        TableName=DIRECTORY_TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"Enabled": False, "AttributeName": "ttl"})
    assert deployed.findings() == [
        ("tables", f"the ledger, {TABLE}, can be deleted"),
        ("tables", f"the ledger, {TABLE}, keeps what has ended for ever"),
        ("tables", f"the directory, {DIRECTORY_TABLE}, has no point-in-time recovery"),
    ]


def test_a_decision_that_no_workflow_acts_on_is_a_finding(kit: Kit, deployed: Deployed) -> None:
    kit.open_task()
    kit.decide()
    assert deployed.findings() == [], "it was made a moment ago"
    kit.set(TASK_ID, "decided_at", kit.now - timedelta(minutes=16))
    assert deployed.finding() == ("tasks", f"{TASK_ID} is decided, and its workflow has not acted on it")


def test_an_open_task_long_past_its_deadline_is_a_finding(kit: Kit, deployed: Deployed) -> None:
    kit.open_task()
    kit.set(TASK_ID, "expires_at", kit.now - timedelta(minutes=16))
    assert kit.task().status is Status.OPEN
    assert deployed.finding() == ("tasks", f"{TASK_ID} should have expired")


def test_dead_letters_are_a_finding_with_the_command_that_redrives_them(deployed: Deployed) -> None:
    client("sqs").send_message(QueueUrl=deployed.stage.queues["approvals-dlq"], MessageBody="{}")
    assert deployed.finding() == ("dead letters", "approvals-dlq holds 1 message")
    assert "`redrive approvals-dlq`" in deployed.run("doctor")[1]


def test_a_secret_that_is_not_filled_is_a_finding_and_one_that_is_stays_secret(deployed: Deployed) -> None:
    out = deployed.run("doctor")[1]
    assert "stripe signs with 1 active secret" in out
    assert SECRET not in out
    client("secretsmanager").put_secret_value(SecretId="stripe", SecretString='{"active": []}')
    area, what = deployed.finding()
    assert area == "secrets"
    assert what.startswith("stripe is answered 503")


@pytest.mark.parametrize(
    ("bucket", "words"), [(None, "there is no copy"), ("audit-archive", "are locked for 3650 days")]
)
def test_the_copy_of_the_audit_is_there_and_locked_as_long_as_the_settings_say(
    deployed: Deployed, archive: object, monkeypatch: pytest.MonkeyPatch, bucket: str | None, words: str
) -> None:
    settings = deployed.stage.settings
    audit = settings.audit.model_copy(update={"object_lock_days": 4_000})
    monkeypatch.setitem(vars(deployed.stage), "settings", settings.model_copy(update={"audit": audit}))
    put_output(deployed.stage, "ledger", "AuditBucketName", bucket)
    area, what = deployed.finding()
    assert area == "audit copy"
    assert words in what


# Mail


def test_mail_that_cannot_be_sent_is_a_finding(deployed: Deployed) -> None:
    sender = deployed.stage.settings.mail.sender
    deployed.identity.by_default = Answer(404, "NotFoundException")
    assert deployed.finding() == ("mail", f"SES has not verified {sender}: no mail is sent")
    deployed.identity.by_default = Answer(document={"VerifiedForSendingStatus": True})
    deployed.account.by_default = Answer(document={"SendingEnabled": False, "ProductionAccessEnabled": False})
    assert [area for area, _ in deployed.findings()] == ["mail", "mail"]


def test_a_topic_for_approvers_needs_somebody_who_listens(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = deployed.stage.settings
    mail = settings.mail.model_copy(update={"channel": "sns"})
    monkeypatch.setitem(vars(deployed.stage), "settings", settings.model_copy(update={"mail": mail}))
    assert deployed.finding() == ("mail", "there is no topic, and the settings want one")
    topic = client("sns").create_topic(Name="approvals")["TopicArn"]
    put_output(deployed.stage, "public", "ApprovalsTopic", topic)
    assert deployed.finding() == ("mail", f"0 subscriptions of {topic} are confirmed")


def test_a_channel_of_a_fork_without_its_secret_is_a_finding(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deployed.stage.settings
    mail = settings.mail.model_copy(update={"channel": "parley"})
    monkeypatch.setitem(vars(deployed.stage), "settings", settings.model_copy(update={"mail": mail}))
    made = client("secretsmanager").create_secret(Name="parley", SecretString='{"active": []}')
    put_output(deployed.stage, "public", "ChannelSecret", made["ARN"])
    area, found = deployed.finding()
    assert (area, found[:45]) == ("mail", "the channel parley sends nothing: its secret ")
    client("secretsmanager").put_secret_value(SecretId=made["ARN"], SecretString='{"active": ["s3cr3t"]}')
    assert deployed.findings() == []


@pytest.mark.parametrize(
    "deployed_with",
    [
        {"CHANNEL": "email", "CHANNEL_SETTINGS": '{"sender":"approvals@countersign.example"}'},
        {"CHANNEL": "parley", "CHANNEL_SETTINGS": '{"url":"https://old.example.com"}'},
    ],
)
def test_an_approver_that_sends_otherwise_than_the_settings_say_is_a_finding(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, deployed_with: dict[str, str]
) -> None:
    settings = deployed.stage.settings
    mail = settings.mail.model_copy(update={"channel": "parley"})
    changed = {"mail": mail, "channels": {"parley": {"url": "https://chat.example.com"}}}
    monkeypatch.setitem(vars(deployed.stage), "settings", settings.model_copy(update=changed))
    deployed.stage.built.append(("public", "AWS::Lambda::Function", "approver"))
    as_set = {"CHANNEL": "parley", "CHANNEL_SETTINGS": '{"url":"https://chat.example.com"}'}
    deployed.function.by_default = Answer(document=LIVE | {"Environment": {"Variables": as_set}})
    assert deployed.findings() == []
    deployed.function.by_default = Answer(document=LIVE | {"Environment": {"Variables": deployed_with}})
    assert deployed.finding() == ("mail", "the approver does not send over the channel parley as the settings say")


# Alarms


def test_an_alarm_that_rings_or_is_muted_is_a_finding(deployed: Deployed) -> None:
    set_alarm([deployed.topic], enabled=False)
    client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="test")
    assert deployed.findings() == [("alarms", f"{ALARM} is muted"), ("alarms", f"{ALARM} rings: something waits")]


def test_alarms_that_nobody_hears_are_a_finding(deployed: Deployed) -> None:
    (subscription,) = client("sns").list_subscriptions_by_topic(TopicArn=deployed.topic)["Subscriptions"]
    client("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    assert deployed.finding() == ("alarms", "0 subscriptions hear the alarms")


# Rights


def test_what_may_not_be_looked_at_is_a_finding_and_the_rest_is_looked_at(deployed: Deployed) -> None:
    deployed.identity.by_default = Answer(403, "AccessDeniedException")
    with answering("secrets-manager", "GetSecretValue", Answer(400, "AccessDeniedException")):
        assert deployed.findings() == [
            ("secrets", "could not be looked at: IAM refused GetSecretValue"),
            ("mail", "could not be looked at: IAM refused GetEmailIdentity"),
        ]


def test_aws_that_does_not_answer_ends_with_four_and_is_no_finding(deployed: Deployed) -> None:
    deployed.account.by_default = Answer(503, "ServiceUnavailable")
    assert deployed.run("doctor")[0] == 4
