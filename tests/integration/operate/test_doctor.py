"""doctor: a stage in order has no finding, and every defect is one finding with advice."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.requests import Request
from countersign.functions.clients import client
from countersign.testing.builders import REQUEST_ID, TASK_ID, WORKFLOW
from operate.doctor import CHECKS
from tests.integration.conftest import ALIAS, BUS, DIRECTORY_TABLE, TABLE, Answer, Kit, answering
from tests.integration.operate.conftest import SES, DeployedStage, Examined, Run, answering_all

ALARM, SECRET = "alarm", "whsec_c2VjcmV0"
MAPPING = "00000000-0000-4000-8000-000000000000"
EXECUTION = f"{ALIAS.removesuffix('live')}7/durable-execution/order-1/1"
LIVE: dict[str, Any] = {"FunctionName": "order-approval", "State": "Active", "Version": "7"}
LIVE |= {"LastUpdateStatus": "Successful"}
LIVE |= {"DurableConfig": {"ExecutionTimeout": 31_622_400, "RetentionPeriodInDays": 30}}
METRIC: dict[str, Any] = {"MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
METRIC |= {"Threshold": 0, "ComparisonOperator": "GreaterThanThreshold"}
SOURCE = {"State": "Enabled", "EventSourceArn": "arn:queue", "FunctionArn": "arn:function:approver"}


@dataclasses.dataclass
class Deployed(Examined):
    """A stage in order."""

    kit: Kit
    topic: str

    def then(self, operation: str, *documents: Any) -> None:
        """Let the next calls of an operation answer with these documents, before its default."""
        self.answers[operation].answers = [Answer(document=document) for document in documents]

    def deploy(self, *workflows: str) -> None:
        self.put_output("workflow", "Workflows", json.dumps(dict.fromkeys(workflows, ALIAS)))

    def put_output(self, stack: str, name: str, value: str | None) -> None:
        vars(self.stage).pop("present", None)
        self.stage._outputs.clear()
        outputs = [output for output in self.stage.described[stack]["Outputs"] if output["OutputKey"] != name]
        added = [{"OutputKey": name, "OutputValue": value}] if value else []
        self.stage.described[stack]["Outputs"] = outputs + added

    def set_alarm(self, actions: list[str], *, enabled: bool = True, state: str = "OK", **metric: Any) -> None:
        alarm: Any = {"AlarmName": ALARM, "AlarmDescription": "something waits", **(metric or METRIC)}
        client("cloudwatch").put_metric_alarm(AlarmActions=actions, ActionsEnabled=enabled, **alarm)
        client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="test")


@pytest.fixture
def deployed(kit: Kit, stage: DeployedStage, run: Run) -> Iterator[Deployed]:
    workflow = stage.settings.workflows["order-approval"]
    workflow = workflow.model_copy(update={"execution_timeout_seconds": 31_622_400, "retention_days": 30})
    mail = {"sender": "kit@example.com", "identities": ()}
    stage.change(workflows={"order-approval": workflow}, patterns=None, mail=mail)
    stage.change(ledger={"protected": True}, audit={"object_lock_days": 0})
    del stage.described["patterns"]
    for table in (TABLE, DIRECTORY_TABLE):
        protect(table, enabled=True)
        set_recovery(table, enabled=True)
    set_ttl(enabled=True)
    arn = client("secretsmanager").create_secret(Name="stripe", SecretString=json.dumps({"active": [SECRET]}))["ARN"]
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15551234567")
    stage.built = [
        ("workflow", "AWS::Lambda::Function", "order-approval"),
        ("workflow", "AWS::Lambda::EventSourceMapping", MAPPING),
        ("workflow", "AWS::SQS::Queue", "https://sqs.example.com/1/queue"),
        ("workflow", "AWS::CloudWatch::Alarm", ALARM),
        ("ledger", "AWS::SNS::Topic", topic),
    ]
    answers = {
        "lambda": {
            "GetFunctionConfiguration": Answer(document=LIVE),
            "GetEventSourceMapping": Answer(document=SOURCE),
            "GetAlias": Answer(document={"FunctionVersion": "7", "RevisionId": "r"}),
            "ListVersionsByFunction": Answer(document={"Versions": [{"Version": "7"}]}),
            "ListDurableExecutionsByFunction": Answer(document={"DurableExecutions": []}),
        },
        "sesv2": SES,
    }
    with answering_all(answers) as operations:
        made = Deployed("doctor", stage, run, operations, kit, topic)
        made.put_output("public", "Providers", json.dumps({"stripe": {"scheme": "stripe", "secret": arn}}))
        made.set_alarm([topic])
        yield made


def set_ttl(*, enabled: bool) -> None:
    specification = {"Enabled": enabled, "AttributeName": "ttl"}
    client("dynamodb").update_time_to_live(TableName=TABLE, TimeToLiveSpecification=specification)


def set_recovery(table: str, *, enabled: bool) -> None:
    recovery = {"PointInTimeRecoveryEnabled": enabled}
    client("dynamodb").update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)


def test_a_stage_in_order_has_no_finding_and_every_area_is_checked(deployed: Deployed) -> None:
    status, out, _ = deployed.run("doctor")
    *lines, total = out.splitlines()
    assert (status, total) == (0, f"{len(lines)} results, 0 findings")
    assert {line[2:15].strip() for line in lines} == {"stacks", *CHECKS} - {"audit copy"}
    assert "stripe has 1 active secret" in out
    assert SECRET not in out


def test_a_finding_is_printed_with_its_advice_and_ends_with_one(deployed: Deployed) -> None:
    deployed.set_alarm([])
    status, out, _ = deployed.run("doctor")
    assert status == 1
    removed = f"✗ alarms        {ALARM} sends no notifications: its action was removed"
    assert f"{removed}\n                → deploy again" in out
    assert out.splitlines()[-1].endswith("1 finding")


def leave_a_decision(it: Deployed) -> None:
    it.kit.open_task()
    it.kit.decide()
    assert it.findings() == {}, "a workflow has 15 minutes to act"
    it.kit.set(TASK_ID, "decided_at", it.kit.now - timedelta(minutes=16))


def leave_a_deadline(it: Deployed) -> None:
    it.kit.open_task()
    it.kit.set(TASK_ID, "expires_at", it.kit.now - timedelta(minutes=16))


def protect(table: str, *, enabled: bool) -> None:
    client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=enabled)


def use_sns(it: Deployed) -> None:
    it.stage.change(mail={"channel": "sns"})
    it.put_output("public", "ApprovalsTopic", client("sns").create_topic(Name="approvals")["TopicArn"])


def use_a_channel(it: Deployed, name: str) -> None:
    it.stage.change(mail={"channel": name})
    arn = client("secretsmanager").create_secret(Name=name, SecretString='{"active": ["s3cr3t"]}')["ARN"]
    it.put_output("public", "ChannelSecret", arn)
    assert it.findings() == {}
    empty_secret(arn)


def empty_secret(name: str) -> None:
    client("secretsmanager").put_secret_value(SecretId=name, SecretString='{"active": []}')


def unsubscribe(topic: str) -> None:
    (subscription,) = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    client("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


def deploy_another_channel(it: Deployed) -> None:
    it.stage.change(mail={"channel": "parley"}, channels={"parley": {"url": "https://new"}})
    for url in ("https://new", "https://old"):
        assert it.findings() == {}
        set_variables(it, CHANNEL="parley", CHANNEL_SETTINGS=json.dumps({"url": url}, separators=(",", ":")))


def set_variables(it: Deployed, **variables: str) -> None:
    it.answer("GetFunctionConfiguration", **LIVE | {"Environment": {"Variables": variables}})


def read_from(it: Deployed, source: str) -> None:
    it.then("GetEventSourceMapping", SOURCE, SOURCE | {"EventSourceArn": source})


def watch(it: Deployed, name: str, value: str, *, combined: bool = False) -> None:
    dimensions = [{"Name": name, "Value": value}, {"Name": "service", "Value": "relay"}]
    metric = {"Namespace": "n", "MetricName": "m", "Dimensions": dimensions}
    stat = {"Id": "m0", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}
    total = {"Id": "sum", "Expression": "SUM(METRICS())", "ReturnData": True}
    left = {name: METRIC[name] for name in ("EvaluationPeriods", "Threshold", "ComparisonOperator")}
    it.set_alarm([it.topic], **(left | {"Metrics": [total, stat]} if combined else METRIC | {"Dimensions": dimensions}))


EMPTY = 'its secret is not {"active": ["…"]} with at least one secret'
SHORT = {"ExecutionTimeout": 60, "RetentionPeriodInDays": 30}
UNSOUND = LIVE | {"State": "Failed", "StateReason": "no layer", "DurableConfig": None}
DEFECTS: dict[str, Callable[[Deployed], object]] = {
    "stacks: countersign-dev-public is DELETE_FAILED": lambda it: it.describe("public", StackStatus="DELETE_FAILED"),
    "stacks: countersign-dev-ledger lacks the outputs BusName": lambda it: it.put_output("ledger", "BusName", None),
    "stacks: the settings leave out countersign-dev-workflows-b": lambda it: it.stage.described.update(
        {"workflows-b": it.stage.described["monitoring"]}
    ),
    "stacks: countersign-dev-ledger can be deleted": lambda it: it.describe(
        "ledger", EnableTerminationProtection=False
    ),
    "workflows: order-approval has no alias live: no request can start it": (
        lambda it: setattr(
            it.answers["GetFunctionConfiguration"], "answers", [Answer(404, "ResourceNotFoundException")]
        )
    ),
    "workflows: order-approval is not durable: every request fails": lambda it: it.then(
        "GetFunctionConfiguration", UNSOUND
    ),
    "workflows: order-approval has a timeout of 60 s and a retention of 30 days, unlike its settings": (
        lambda it: it.then("GetFunctionConfiguration", LIVE | {"DurableConfig": SHORT})
    ),
    "workflows: other is deployed, but not in the settings": lambda it: it.deploy("order-approval", "other"),
    "workflows: order-approval is not deployed": lambda it: it.deploy(),
    "functions: order-approval is not active: no layer": lambda it: it.then("GetFunctionConfiguration", LIVE, UNSOUND),
    "event sources: approver receives nothing from arn:queue: its event source is Disabled": (
        lambda it: it.then("GetEventSourceMapping", SOURCE | {"State": "Disabled"})
    ),
    f"references: order-approval has LEDGER_TABLE older, and the stage has {TABLE}": (
        lambda it: set_variables(it, LEDGER_TABLE="older", BUS_NAME=BUS)
    ),
    "references: order-approval has BASE_URL https://old.example.com, and the stage has https://api.example.com": (
        lambda it: set_variables(it, BASE_URL="https://old.example.com", LEDGER_TABLE=TABLE)
    ),
    "references: approver reads arn:older-queue, which the stage does not have": (
        lambda it: read_from(it, "arn:older-queue")
    ),
    "references: alarm watches the FunctionName older, which the stage does not have": (
        lambda it: watch(it, "FunctionName", "older")
    ),
    "references: alarm watches the QueueName older, which the stage does not have": (
        lambda it: watch(it, "QueueName", "older", combined=True)
    ),
    f"tables: the ledger, {TABLE}, can be deleted": lambda _: protect(TABLE, enabled=False),
    f"tables: the ledger, {TABLE}, never removes ended tasks": lambda _: set_ttl(enabled=False),
    f"tables: the ledger, {TABLE}, has no point-in-time recovery": lambda _: set_recovery(TABLE, enabled=False),
    f"tasks: {TASK_ID} is decided, but its workflow has not acted on it": leave_a_decision,
    f"tasks: {TASK_ID} is open past its deadline": leave_a_deadline,
    "audit copy: the settings ask for a copy of the audit, and the stage has no bucket for it": lambda it: (
        it.stage.change(audit={"object_lock_days": 30})
    ),
    "dead letters: approvals-dlq holds 1 message": lambda it: client("sqs").send_message(
        QueueUrl=it.stage.queues["approvals-dlq"], MessageBody="{}"
    ),
    f"secrets: stripe receives 503: {EMPTY}": lambda _: empty_secret("stripe"),
    "mail: SES has not verified kit@example.com: no mail is sent": lambda it: it.answer(
        "GetEmailIdentity", 404, "NotFoundException"
    ),
    "mail: SES has stopped sending for this account: no mail is sent": lambda it: it.answer(
        "GetAccount", SendingEnabled=False
    ),
    "mail: the account is in the SES sandbox: mail reaches verified addresses only": (
        lambda it: it.answer("GetAccount", ProductionAccessEnabled=False)
    ),
    "mail: the channel is sns, but the stage has no topic: approvers receive nothing": lambda it: it.stage.change(
        mail={"channel": "sns"}
    ),
    "mail: 0 subscriptions of arn:aws:sns:eu-central-1:123456789012:approvals are confirmed": use_sns,
    f"mail: the channel parley sends nothing: {EMPTY}": lambda it: use_a_channel(it, "parley"),
    f"mail: the channel slack sends nothing: {EMPTY}": lambda it: use_a_channel(it, "slack"),
    "mail: the approver does not use the channel parley as the settings say": deploy_another_channel,
    f"alarms: {ALARM} is muted": lambda it: it.set_alarm([it.topic], enabled=False),
    f"alarms: {ALARM} is raised: something waits": lambda it: it.set_alarm([it.topic], state="ALARM"),
    "alarms: 0 subscriptions receive the alarms": lambda it: unsubscribe(it.topic),
}


@pytest.mark.parametrize(("finding", "defect"), DEFECTS.items(), ids=range(len(DEFECTS)))
def test_a_defect_is_a_finding(deployed: Deployed, finding: str, defect: Callable[[Deployed], object]) -> None:
    defect(deployed)
    ((found, advice),) = deployed.findings().items()
    assert found == finding
    assert advice


def test_a_function_that_is_being_updated_is_no_finding(deployed: Deployed) -> None:
    deployed.then("GetFunctionConfiguration", LIVE, LIVE | {"State": "Pending", "LastUpdateStatus": "InProgress"})
    assert deployed.findings() == {}


def test_work_of_a_paused_execution_is_no_finding(deployed: Deployed) -> None:
    it = deployed.kit
    it.open_task()
    it.set(TASK_ID, "expires_at", it.now - timedelta(days=1))
    it.ledger.submit(Request(REQUEST_ID, WORKFLOW), it.now)
    it.ledger.started(REQUEST_ID, EXECUTION)
    with answering("lambda", "GetDurableExecution", Answer(document={"Status": "PAUSED"})):
        assert deployed.findings() == {}
        assert f"resume-durable-execution --durable-execution-arn {EXECUTION}" in deployed.run("doctor")[1]


def test_a_mapping_on_another_stream_than_the_ledger_s_is_a_finding(deployed: Deployed) -> None:
    older = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{TABLE}/stream/2020-01-01T00:00:00.000"
    read_from(deployed, older)
    stream = client("dynamodb").describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    assert list(deployed.findings()) == [f"references: approver reads {older}, and the ledger's stream is {stream}"]
    read_from(deployed, stream)
    watch(deployed, "FunctionName", "order-approval")
    assert deployed.findings() == {}


def test_a_copy_that_is_locked_for_too_short_a_time_is_a_finding(deployed: Deployed, archive: object) -> None:
    deployed.stage.change(audit={"object_lock_days": 4_000})
    deployed.put_output("ledger", "AuditBucketName", "audit-archive")
    assert list(deployed.findings()) == ["audit copy: entries in audit-archive are locked for 3650 days (COMPLIANCE)"]


def test_where_a_stack_is_missing_nothing_else_is_checked(deployed: Deployed) -> None:
    del deployed.stage.described["monitoring"]
    assert list(deployed.findings()) == ["stacks: countersign-dev-monitoring is not deployed"]
    assert deployed.answers["GetFunctionConfiguration"].asked == []
    deployed.stage.described.clear()
    status, out, errors = deployed.run("doctor")
    assert (status, out) == (3, ""), "a stage without any stack is an error, not a finding"
    assert "not deployed" in errors


def test_a_check_without_the_right_to_it_is_a_finding_and_the_others_go_on(deployed: Deployed) -> None:
    deployed.answer("GetEmailIdentity", 403, "AccessDeniedException")
    with answering("secrets-manager", "GetSecretValue", Answer(400, "AccessDeniedException")):
        assert list(deployed.findings()) == [
            "secrets: unknown: needs GetSecretValue",
            "mail: unknown: needs GetEmailIdentity",
        ]


def test_aws_that_does_not_answer_ends_with_four_and_is_no_finding(deployed: Deployed) -> None:
    deployed.answer("GetAccount", 503, "ServiceUnavailable")
    assert deployed.run("doctor")[0] == 4
