"""`prove`: what it refuses, and claims that fail where a fault is planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.client import CallerRefusedError, Client, Started
from countersign.functions.clients import client
from countersign.services.operations import Operations
from countersign.testing.builders import any_task
from operate.context import Context
from operate.prove import disruptive, report, safe
from operate.prove.run import CannotProveError, NotProvedError
from operate.prove.run import Run as Proof
from operate.releases import Releases
from operate.stage import Target
from operate.terminal import Terminal
from tests.integration.conftest import TABLE, Answer, Kit, answering
from tests.integration.operate.conftest import OPERATOR, DeployedStage, Run

SERVICES = {"AnswersRecorded": "review", "TaskExpired": "publisher", "TimeToDecision": "publisher"}
SERVICES |= {"MailsBounced": "bus-events"}
OF_LAMBDA = {"DurableExecutionOperations": "order-approval", "Errors": "requests", "IteratorAge": "relay"}


@pytest.fixture
def deployed(stage: DeployedStage) -> DeployedStage:
    """The stage `dev`, deployed with the operator's role."""
    stage.change(prove={"role": "arn:aws:iam::123456789012:role/prover"})
    vars(stage)["operator"] = "arn:aws:sts::123456789012:assumed-role/prover/olga"
    stage.described["public"]["Outputs"].append({"OutputKey": "ProvePolicy", "OutputValue": "arn:aws:iam::1:policy/p"})
    return stage


@pytest.fixture
def proof(deployed: DeployedStage, monkeypatch: pytest.MonkeyPatch) -> Proof:
    """A run on it without patience."""
    monkeypatch.setattr(safe, "_METRICS_SECONDS", 0.01)
    functions = [("relay", "relay"), ("requests", "requests_api")]
    described = [{"FunctionName": name, "Handler": f"{folder}.handler.handler"} for name, folder in functions]
    monkeypatch.setattr(DeployedStage, "functions", lambda _: described)
    return Proof(Context(Target(stage="dev"), Terminal()), 0.01, 0.01)


def without_role(stage: DeployedStage) -> None:
    stage.change(prove={"role": ""})


def half_deployed(stage: DeployedStage) -> None:
    del stage.described["workflow"]


def without_policy(stage: DeployedStage) -> None:
    stage.described["public"]["Outputs"].pop()


def protected(stage: DeployedStage) -> None:
    stage.change(ledger={"protected": True})


def as_somebody_else(stage: DeployedStage) -> None:
    vars(stage)["operator"] = OPERATOR


@pytest.mark.parametrize(
    ("spoil", "status", "said"),
    [
        (protected, 2, ("the stage dev is protected: --disruptive would disturb it", "Leave out --disruptive")),
        (without_role, 2, ("settings/dev.toml names no role", "[prove] with role =", "make deploy STAGE=dev")),
        (half_deployed, 3, ("countersign-dev-workflow is not deployed", "make deploy")),
        (without_policy, 3, ("lacks the output ProvePolicy", "make deploy STAGE=dev")),
        (as_somebody_else, 3, (f"you act as {OPERATOR}", "role/prover", "--profile")),
    ],
)
def test_a_stage_on_which_nothing_can_be_proved_is_refused(
    deployed: DeployedStage, run: Run, spoil: Callable[[DeployedStage], None], status: int, said: tuple[str, ...]
) -> None:
    spoil(deployed)
    found, out, err = run("prove", "--disruptive")
    assert (found, out) == (status, "")
    assert all(words in " ".join(err.split()) for words in said), err


def test_a_stage_that_is_protected_in_the_account_is_not_disturbed_whatever_its_settings_say(
    deployed: DeployedStage, run: Run, kit: Kit
) -> None:
    client("dynamodb").update_table(TableName=TABLE, DeletionProtectionEnabled=True)
    status, _, err = run("prove", "--disruptive")
    assert (status, "the stage dev is protected" in err) == (2, True), err
    assert "its settings differ from what is deployed" in " ".join(err.split())


def test_a_workflow_that_was_rolled_back_stays_rolled_back(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    versions: dict[int, dict[str, str]] = {3: {}, 5: {}, 6: {"Description": "countersign (countersign prove)"}}
    monkeypatch.setattr(Releases, "of", lambda *_: Releases("f", 3, versions, "r"))
    with pytest.raises(CannotProveError, match="start on version 3, the newest is 5"):
        disruptive.deploy(proof)


def test_a_run_ends_after_twenty_minutes(proof: Proof) -> None:
    proof.patience, proof._began = 3600, proof._began - 1200
    with pytest.raises(NotProvedError, match="the end did not happen in time"):
        proof.until(lambda: None, "the end")


def test_the_dollars_are_those_of_the_page_on_costs() -> None:
    assert 0.000_1 < report._dollars_a_request() < 0.001


def test_a_caller_without_the_right_fails_the_claim(
    deployed: DeployedStage, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kit: Kit
) -> None:
    def refuse(*_: Any) -> Started:
        raise CallerRefusedError(403, "", "Forbidden")

    monkeypatch.setattr(Client, "request", refuse)
    monkeypatch.setattr("operate.commands.proving.SAFE", {"approval": safe.approval})
    monkeypatch.setattr("operate.commands.proving.AFTERWARDS", {"audit": safe.audit})
    monkeypatch.setattr("operate.commands.proving.restore", lambda _: iter(()))
    status, out, _ = run("prove", "--report", str(tmp_path / "r.1"))
    assert (status, "403" in out) == (1, True), out
    assert "Forbidden" in (tmp_path / "r.1.md").read_text()


def test_a_right_that_aws_denies_fails_the_claim(proof: Proof, kit: Kit) -> None:
    proof.requests.append("prove-1")
    with answering("dynamodb", "Query", Answer(400, "AccessDeniedException", {})):
        (result,) = report.proved(proof, {"audit": safe.audit})
    assert result.verdict is report.Verdict.NOT_PROVED
    assert "IAM does not let you call Query" in result.evidence


def test_the_operators_link_is_in_the_audit_and_verified(proof: Proof, kit: Kit) -> None:
    task = any_task(task_id="prove-1.approval", request_id="prove-1")
    kit.open_task(task_id=task.task_id, request_id="prove-1")
    operations: Operations = proof.context.operations
    assert operations.prove_link("prove-1.approval", task.audience[0]).startswith("prove-")
    (minted,) = [each for each in proof.stage.ledger.audit("prove-1.approval") if each.event.event == "minted"]
    assert (minted.event.actor, minted.event.identified_by) == (proof.stage.operator, "iam")
    proof.requests.append("prove-1")
    assert safe.audit(proof).startswith("1 tasks")


def test_what_an_interrupted_run_left_open_is_found_without_reading_the_tasks_of_others(proof: Proof, kit: Kit) -> None:
    kit.open_task()
    for number in (1, 2):
        kit.open_task(task_id=f"prove-{number}.approval", request_id=f"prove-{number}")
    with answering("dynamodb", "BatchGetItem") as reads:
        assert sorted(proof.withdraw_open_tasks()) == ["prove-1.approval", "prove-2.approval"]
        assert list(proof.withdraw_open_tasks()) == []
    keys = [key["pk"]["S"] for read in reads.documents for key in read["RequestItems"][TABLE]["Keys"]]
    assert {key.partition("-")[0] for key in keys} == {"TASK#prove", "QUESTION#prove"}


def write_metrics(stage: DeployedStage, **renamed: str) -> None:
    metrics = [("AWS/Lambda", name, [{"Name": "FunctionName", "Value": of}]) for name, of in OF_LAMBDA.items()]
    for name, service in SERVICES.items():
        dimensions = [{"Name": "service", "Value": service}, {"Name": "stage", "Value": stage.settings.title}]
        metrics.append(("Countersign", name, dimensions))
    for namespace, name, dimensions in metrics:
        data: Any = {"MetricName": renamed.get(name, name), "Dimensions": dimensions, "Value": 1}
        client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[data])
        if name in ("MailsBounced", *OF_LAMBDA):
            watch(stage, namespace, name, dimensions)


def watch(stage: DeployedStage, namespace: str, name: str, dimensions: list[dict[str, str]], **more: Any) -> None:
    number = str(len(stage.built))
    metric: dict[str, Any] = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
    alarm = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Period": 60, "Statistic": "Sum"}
    client("cloudwatch").put_metric_alarm(AlarmName=number, Threshold=0, **metric, **alarm, **more)
    stage.built.append(("workflow", "AWS::CloudWatch::Alarm", number))


def test_metrics_that_alarms_watch_are_proved_and_a_renamed_one_is_not(proof: Proof, deployed: DeployedStage) -> None:
    write_metrics(deployed)
    assert "MailsBounced" in safe.metrics(proof)


@pytest.mark.parametrize("name", [*SERVICES, *OF_LAMBDA])
def test_a_renamed_metric_fails_the_claim(proof: Proof, deployed: DeployedStage, name: str) -> None:
    write_metrics(deployed, **{name: "Renamed"})
    with pytest.raises(NotProvedError, match=name):
        safe.metrics(proof)


def test_an_alarm_on_dimensions_that_no_metric_has_fails_the_claim(proof: Proof, deployed: DeployedStage) -> None:
    write_metrics(deployed)
    watch(deployed, "Countersign", "TaskExpired", [{"Name": "service", "Value": "publisher"}])
    with pytest.raises(NotProvedError, match=r"dimensions that no metric has: TaskExpired"):
        safe.metrics(proof)


def test_alarms_notify_a_topic_that_somebody_receives(proof: Proof, deployed: DeployedStage) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    watch(deployed, "Countersign", "MailsBounced", [], AlarmActions=[topic])
    with pytest.raises(NotProvedError, match=r"nobody receives the alarms of .*: confirm the subscription"):
        safe.alarms(proof)
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    assert safe.alarms(proof) == "1 alarms notify alarms"
    watch(deployed, "Countersign", "RingsFailed", [])
    with pytest.raises(NotProvedError, match="without an action, or muted: 1"):
        safe.alarms(proof)


def test_what_an_interrupted_run_has_changed_is_put_back(
    proof: Proof, deployed: DeployedStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disruptive, "_restore_version", lambda _: False)
    sqs, queue, letters = client("sqs"), deployed.queues["approvals"], deployed.queues["approvals-dlq"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
    sqs.tag_queue(QueueUrl=queue, Tags={"countersign-prove-visibility": "90"})
    for body in ('{"poison": "prove-1"}', '{"task_id": "prove-1.approval"}'):
        sqs.send_message(QueueUrl=letters, MessageBody=body)
    assert (len(list(disruptive.restore(proof))), list(disruptive.restore(proof))) == (2, [])
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes == {"VisibilityTimeout": "90"}
    count = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["All"])["Attributes"]
    assert int(count["ApproximateNumberOfMessages"]) + int(count["ApproximateNumberOfMessagesNotVisible"]) == 1
