"""Each correction, and MiniStack without it.

If the second half of a test fails, MiniStack now answers as AWS does: remove the correction.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.clouds import FUNCTION, Cloud, never, until, zipped

A_WHILE = 0.7


def error_code(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def marks_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def runs_on(cloud: Cloud, arn: str) -> bool:
    return never(lambda: cloud.execution(arn)["Status"] != "RUNNING", A_WHILE)


# ---- configuration ----


def template(kind: str, outputs: dict[str, Any] | None = None, **properties: Any) -> str:
    """Return a template with one resource, `It`."""
    return json.dumps({"Resources": {"It": {"Type": kind, "Properties": properties}}, "Outputs": outputs or {}})


def durable_config_after_cloudformation(cloud: Cloud) -> Any:
    function: dict[str, Any] = {
        "FunctionName": "of-a-stack",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ZipFile": "def handler(event, context): return None"},
        "DurableConfig": {"ExecutionTimeout": 60, "RetentionPeriodInDays": 1},
    }
    cloud.create_stack("durable", template("AWS::Lambda::Function", **function))
    return cloud.client("lambda").get_function_configuration(FunctionName="of-a-stack").get("DurableConfig")


def test_cloudformation_keeps_the_durable_config(corrected: Cloud, uncorrected: Cloud) -> None:
    assert durable_config_after_cloudformation(corrected) == {"ExecutionTimeout": 60, "RetentionPeriodInDays": 1}
    assert durable_config_after_cloudformation(uncorrected) is None


def test_a_function_with_a_durable_config_is_durable(corrected: Cloud, uncorrected: Cloud) -> None:
    def answer_of_a_plain_creation(cloud: Cloud) -> dict[str, Any]:
        client = cloud.client("lambda")
        configuration = client.get_function(FunctionName=FUNCTION)["Configuration"]
        assert configuration["DurableConfig"]["ExecutionTimeout"] == 600
        code = "def handler(event, context): return {'Status': 'SUCCEEDED'}"
        cloud.create("plain", code, DurableConfig={"ExecutionTimeout": 60})
        answer: dict[str, Any] = client.invoke(FunctionName="plain")
        answer["Payload"].read()
        return answer

    assert "DurableExecutionArn" in answer_of_a_plain_creation(corrected)
    assert "DurableExecutionArn" not in answer_of_a_plain_creation(uncorrected)


# ---- tables of stacks ----


def upkeep_of_a_table(cloud: Cloud) -> tuple[str, str]:
    """Create a stack with a table that has recovery and TTL, and return their states."""
    properties: dict[str, Any] = {
        "TableName": "kept",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
    }
    cloud.create_stack("kept", template("AWS::DynamoDB::Table", **properties))
    dynamodb = cloud.client("dynamodb")
    backups = dynamodb.describe_continuous_backups(TableName="kept")["ContinuousBackupsDescription"]
    ttl = dynamodb.describe_time_to_live(TableName="kept")["TimeToLiveDescription"]
    return backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], ttl["TimeToLiveStatus"]


def test_cloudformation_keeps_the_recovery_and_the_ttl_of_tables(corrected: Cloud, uncorrected: Cloud) -> None:
    assert upkeep_of_a_table(corrected) == ("ENABLED", "ENABLED")
    assert upkeep_of_a_table(uncorrected) == ("DISABLED", "DISABLED")


# ---- secrets of stacks ----


def stack_with_a_secret(cloud: Cloud, name: str) -> dict[str, str]:
    """Create a stack with a secret, and return its `Ref` and its attribute `Id`."""
    cloud.create_stack(name, template_of_a_secret("first"))
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def template_of_a_secret(text: str) -> str:
    outputs = {"Ref": {"Value": {"Ref": "It"}}, "Id": {"Value": {"Fn::GetAtt": ["It", "Id"]}}}
    return template("AWS::SecretsManager::Secret", outputs, SecretString=text)


def test_a_reference_to_a_secret_is_its_arn(corrected: Cloud, uncorrected: Cloud) -> None:
    created = stack_with_a_secret(corrected, "secret-by-arn")
    assert created["Ref"] == created["Id"]
    assert created["Ref"].startswith("arn:aws:secretsmanager:")
    of_upstream = stack_with_a_secret(uncorrected, "secret-by-arn")
    assert of_upstream["Ref"] != of_upstream["Id"]


def test_a_secret_of_a_stack_is_updated_and_deleted_with_it(corrected: Cloud) -> None:
    arn = stack_with_a_secret(corrected, "secret-that-goes")["Ref"]
    cloudformation, manager = corrected.client("cloudformation"), corrected.client("secretsmanager")
    cloudformation.update_stack(StackName="secret-that-goes", TemplateBody=template_of_a_secret("second"))
    until(lambda: manager.get_secret_value(SecretId=arn)["SecretString"] == "second" or None)
    cloudformation.delete_stack(StackName="secret-that-goes")
    until(lambda: gone(corrected, arn) or None)


def gone(cloud: Cloud, arn: str) -> bool:
    try:
        cloud.client("secretsmanager").describe_secret(SecretId=arn)
    except ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code == "ResourceNotFoundException"
    return False


# ---- operations ----


def test_a_timeout_of_zero_is_no_timeout(corrected: Cloud, uncorrected: Cloud) -> None:
    # The SDK sends HeartbeatTimeoutSeconds 0 with every callback that has no heartbeat.
    waiting = corrected.run("ask")
    corrected.callback_id(waiting)
    assert runs_on(corrected, waiting)

    uncorrected.call("ask")
    ended = until(lambda: next((e for e in uncorrected.executions() if e["Status"] == "FAILED"), None))
    assert "Callback.Heartbeat" in uncorrected.execution(ended["DurableExecutionArn"])["Error"]["ErrorMessage"]


def test_a_heartbeat_keeps_a_callback_alive_and_silence_ends_it(corrected: Cloud) -> None:
    arn = corrected.run("ask_a_worker")
    callback_id = corrected.callback_id(arn)
    client = corrected.client("lambda")

    def beat_and_look() -> bool:
        client.send_durable_execution_callback_heartbeat(CallbackId=callback_id)
        return bool(corrected.execution(arn)["Status"] != "RUNNING")

    assert never(beat_and_look, 4)
    assert "Callback.Heartbeat" in json.dumps(corrected.ended(arn)["Error"])


def test_attempts_of_a_step_are_counted(corrected: Cloud, uncorrected: Cloud, tmp_path: Path) -> None:
    failed = corrected.ended(corrected.run("fail_step", marks=str(tmp_path / "corrected")))
    assert (failed["Status"], failed["Error"]["ErrorMessage"]) == ("FAILED", "attempt 2")
    assert marks_of(tmp_path / "corrected") == 2

    uncorrected.call("fail_step", marks=str(tmp_path / "uncorrected"))
    until(lambda: marks_of(tmp_path / "uncorrected") > 3 or None)  # and for ever


def test_a_retry_runs_within_the_invocation_that_scheduled_it(corrected: Cloud) -> None:
    arn = corrected.run("retry_beside_work")
    assert (corrected.ended(arn)["Result"], corrected.invocations(arn)) == ("2", 1)


# ---- resumption ----


def test_the_outcome_of_the_first_invocation_counts(corrected: Cloud, uncorrected: Cloud, tmp_path: Path) -> None:
    arn = corrected.run("answer")
    assert corrected.ended(arn)["Result"] == '"answered"'

    arn = uncorrected.run("answer", marks=str(tmp_path / "ran"))
    until(lambda: marks_of(tmp_path / "ran") or None)
    assert runs_on(uncorrected, arn)


def test_timers_fire_after_the_first_invocation(corrected: Cloud, uncorrected: Cloud) -> None:
    slept = corrected.run("sleep")
    timed_out = corrected.run("ask", timeout=1)
    overslept = uncorrected.run("sleep")

    assert corrected.ended(slept)["Result"] == '"slept"'
    assert "Callback.Timeout" in corrected.ended(timed_out)["Error"]["ErrorMessage"]
    assert runs_on(uncorrected, overslept)


def test_an_execution_has_one_invocation_at_a_time(corrected: Cloud, uncorrected: Cloud, tmp_path: Path) -> None:
    def callback_completed_while_a_step_runs(cloud: Cloud, marks: Path) -> str:
        arn = cloud.run("ask_and_work", seconds=1, marks=str(marks))
        callback_id = cloud.callback_id(arn)
        until(lambda: marks_of(marks) or None)
        cloud.complete(callback_id)
        return arn

    arn = callback_completed_while_a_step_runs(corrected, tmp_path / "corrected")
    assert (corrected.ended(arn)["Result"], marks_of(tmp_path / "corrected")) == ('"yes"', 1)

    callback_completed_while_a_step_runs(uncorrected, tmp_path / "uncorrected")
    until(lambda: marks_of(tmp_path / "uncorrected") == 2 or None)


def test_executions_run_at_the_same_time(corrected: Cloud, uncorrected: Cloud, tmp_path: Path) -> None:
    arns = [corrected.run("meet", guests=3, patience=15, marks=str(tmp_path / "corrected")) for _ in range(3)]
    assert [corrected.ended(arn)["Result"] for arn in arns] == ['"met"'] * 3

    before = len(uncorrected.executions())
    for _ in range(2):
        uncorrected.call("meet", guests=2, patience=1.5, marks=str(tmp_path / "uncorrected"))
    assert len(uncorrected.executions()) == before + 2
    until(lambda: next((e for e in uncorrected.executions() if result_of(uncorrected, e) == '"alone"'), None))


def result_of(cloud: Cloud, execution: dict[str, Any]) -> str | None:
    return cloud.execution(execution["DurableExecutionArn"]).get("Result")


def test_an_execution_stays_on_its_version(corrected: Cloud, uncorrected: Cloud) -> None:
    def answer_after_an_update(cloud: Cloud) -> str | None:
        cloud.deploy("versioned")
        arn = cloud.run("sleep" if cloud.corrected else "ask_and_work", function="versioned", seconds=1)
        changed = zipped("def handler(event, context): return {'Status': 'SUCCEEDED', 'Result': 'changed'}")
        cloud.client("lambda").update_function_code(FunctionName="versioned", ZipFile=changed)
        cloud.client("lambda").update_function_configuration(FunctionName="versioned", Handler="index.handler")
        if not cloud.corrected:
            cloud.complete(cloud.callback_id(arn))
        return cloud.ended(arn).get("Result")

    assert (answer_after_an_update(corrected), answer_after_an_update(uncorrected)) == ('"slept"', "changed")


def test_an_invocation_that_crashes_is_repeated(corrected: Cloud, uncorrected: Cloud, tmp_path: Path) -> None:
    arn = corrected.run("crash_once", marks=str(tmp_path / "once"))
    assert corrected.ended(arn)["Result"] == '"recovered"'

    arn = uncorrected.run("crash_once", marks=str(tmp_path / "uncorrected"))
    until(lambda: marks_of(tmp_path / "uncorrected") == 2 or None)
    assert runs_on(uncorrected, arn)


def test_an_execution_whose_invocations_all_crash_fails(corrected: Cloud, tmp_path: Path) -> None:
    assert corrected.ended(corrected.run("crash", marks=str(tmp_path / "crashes")))["Status"] == "FAILED"
    assert marks_of(tmp_path / "crashes") == 5


RAISING = {
    "import of_nothing": ("Runtime.ImportModuleError", 1),
    "\ndef handler(event, context): return event['a']": ("KeyError", 2),
}


@pytest.mark.parametrize("code", RAISING, ids=["no such module", "the handler raises"])
def test_an_error_has_its_class_and_its_place(corrected: Cloud, uncorrected: Cloud, code: str) -> None:
    def error(cloud: Cloud) -> dict[str, Any]:
        cloud.create(f"raises-{len(code)}", code)
        answer = cloud.client("lambda").invoke(FunctionName=f"raises-{len(code)}")
        told: dict[str, Any] = json.loads(answer["Payload"].read())
        return told

    told, (kind, line) = error(corrected), RAISING[code]
    assert told["errorType"] == kind
    assert f'File "/var/task/index.py", line {line}, in ' in told["stackTrace"][-1]
    assert error(uncorrected)["errorType"] in ("RuntimeError", "Runtime.HandlerError")


def test_an_execution_whose_function_cannot_be_imported_fails_with_the_place_and_logs_the_traceback(
    corrected: Cloud,
) -> None:
    durable = {"ExecutionTimeout": 60, "RetentionPeriodInDays": 1}
    corrected.create("unimportable", "import of_nothing", DurableConfig=durable)
    corrected.client("lambda").publish_version(FunctionName="unimportable")
    error = corrected.ended(corrected.run("raise", function="unimportable"))["Error"]
    assert "/var/task/index.py" in error["StackTrace"][-1]
    assert 'index.py", line 1' in corrected.emulator.log.read_text().partition("Lambda unimportable output:")[2]


# ---- environments ----

FRAGILE = """
import pathlib, time
marks = pathlib.Path({marks!r})
if (marks / "die").exists():
    raise SystemExit("killed while it starts")
def handler(event, context):
    (marks / "works").touch()
    time.sleep(event["seconds"])
    return "done"
"""


def test_an_environment_that_dies_at_its_start_ends_no_other(
    corrected: Cloud, uncorrected: Cloud, tmp_path: Path
) -> None:
    def works_while_another_dies(cloud: Cloud, marks: Path) -> str:
        marks.mkdir()
        cloud.create("fragile", FRAGILE.format(marks=str(marks)))

        def invoke(seconds: float) -> str:
            payload = json.dumps({"seconds": seconds})
            return str(cloud.client("lambda").invoke(FunctionName="fragile", Payload=payload)["Payload"].read())

        with ThreadPoolExecutor() as threads:
            worker = threads.submit(invoke, 2)
            until(lambda: (marks / "works").exists() or None)
            (marks / "die").touch()
            assert "exited immediately" in invoke(0)
            (marks / "die").unlink()
            assert "done" in invoke(0)
            return worker.result()

    assert "done" in works_while_another_dies(corrected, tmp_path / "corrected")
    assert "died" in works_while_another_dies(uncorrected, tmp_path / "uncorrected")


WHERE = "import where\ndef handler(event, context): return where.__file__"


def folders_of_a_layer(cloud: Cloud) -> set[str]:
    """Return the folders in which two functions find one layer."""
    lambda_ = cloud.client("lambda")
    layer = lambda_.publish_layer_version(LayerName="shared", Content={"ZipFile": zipped("", "python/where.py")})
    found = set()
    for name in ("first", "second"):
        cloud.create(name, WHERE, Layers=[layer["LayerVersionArn"]])
        found.add(json.loads(lambda_.invoke(FunctionName=name)["Payload"].read()))
    return found


def test_environments_share_what_a_layer_holds(corrected: Cloud, uncorrected: Cloud) -> None:
    assert (len(folders_of_a_layer(corrected)), len(folders_of_a_layer(uncorrected))) == (1, 2)


# ---- callbacks ----


def test_an_unknown_callback_is_an_invalid_parameter(corrected: Cloud, uncorrected: Cloud) -> None:
    for operation in ("success", "failure", "heartbeat"):
        send = f"send_durable_execution_callback_{operation}"
        answers = [
            error_code(getattr(c.client("lambda"), send), CallbackId="bm9uZQ==") for c in (corrected, uncorrected)
        ]
        assert answers == ["InvalidParameterValueException", "ResourceNotFoundException"]


def test_a_completed_callback_is_closed(corrected: Cloud) -> None:
    arn = corrected.run("ask")
    callback_id = corrected.callback_id(arn)
    corrected.complete(callback_id)
    assert error_code(corrected.complete, callback_id=callback_id) == "CallbackTimeoutException"
    corrected.ended(arn)
    assert error_code(corrected.complete, callback_id=callback_id) == "CallbackTimeoutException"


def test_the_callback_of_a_stopped_execution_is_closed(corrected: Cloud, uncorrected: Cloud) -> None:
    def callback_of_a_stopped_execution(cloud: Cloud) -> str:
        arn = cloud.run("ask")
        callback_id = cloud.callback_id(arn)
        cloud.client("lambda").stop_durable_execution(DurableExecutionArn=arn)
        return callback_id

    closed = callback_of_a_stopped_execution(corrected)
    assert error_code(corrected.complete, callback_id=closed) == "CallbackTimeoutException"
    uncorrected.complete(callback_of_a_stopped_execution(uncorrected))


# ---- names ----


def test_an_execution_has_the_name_that_it_is_given(corrected: Cloud, uncorrected: Cloud) -> None:
    arn = corrected.start("answer", name="order-1")["DurableExecutionArn"]
    function = f"arn:aws:lambda:eu-central-1:000000000000:function:{FUNCTION}:1"
    assert arn.startswith(f"{function}/durable-execution/order-1/")
    assert corrected.execution(arn)["DurableExecutionName"] == "order-1"

    uncorrected.start("answer", name="order-1")
    assert "order-1" not in [execution["DurableExecutionName"] for execution in uncorrected.executions()]


def test_a_name_is_started_once(corrected: Cloud, tmp_path: Path) -> None:
    marks = str(tmp_path / "starts")
    first = corrected.start("answer", name="order-2", marks=marks)
    again = corrected.start("answer", name="order-2", marks=marks)
    assert (again["DurableExecutionArn"], again["StatusCode"]) == (first["DurableExecutionArn"], 202)
    corrected.ended(first["DurableExecutionArn"])
    assert corrected.start("answer", name="order-2", marks=marks)["StatusCode"] == 202
    assert marks_of(tmp_path / "starts") == 1

    conflict = error_code(corrected.start, do="answer", name="order-2", amount="other")
    assert conflict == "DurableExecutionAlreadyStartedException"


def test_an_asynchronous_start_answers_with_the_arn(corrected: Cloud, uncorrected: Cloud) -> None:
    assert "DurableExecutionArn" in corrected.start("answer")
    assert "DurableExecutionArn" not in uncorrected.start("answer")


# ---- status changes ----


def status_changes(cloud: Cloud) -> Callable[[], list[dict[str, Any]]]:
    """Subscribe a queue to the default bus; return a function that reads its events."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue_url = sqs.create_queue(QueueName="statuses")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.lambda"], "detail-type": ["Durable Execution Status Change"]}
    events.put_rule(Name="statuses", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="statuses", Targets=[{"Id": "queue", "Arn": queue_arn}])
    seen: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(json.loads(message["Body"])["detail"] for message in messages)
        return seen

    return read


def test_status_changes_are_events_on_the_default_bus(corrected: Cloud, uncorrected: Cloud) -> None:
    changes, none = status_changes(corrected), status_changes(uncorrected)
    corrected.deploy("brief", execution_timeout=1)
    arns = {
        "SUCCEEDED": corrected.run("answer"),
        "FAILED": corrected.run("fail"),
        "STOPPED": corrected.run("ask"),
        "TIMED_OUT": corrected.run("ask", function="brief"),
    }
    corrected.client("lambda").stop_durable_execution(DurableExecutionArn=arns["STOPPED"])

    def ends() -> dict[str, str] | None:
        found = {c["status"]: c["durableExecutionArn"] for c in changes() if c["durableExecutionArn"] in arns.values()}
        return found if len(found) == 5 else None

    found = until(ends)
    assert found.pop("RUNNING") in arns.values()
    assert found == arns
    last = next(change for change in changes() if change["status"] == "TIMED_OUT")
    assert set(last) == {
        *("durableExecutionArn", "durableExecutionName", "functionArn", "status", "startTimestamp", "endTimestamp")
    }
    assert last["functionArn"].endswith(":function:brief:1")
    assert last["durableExecutionName"] == last["durableExecutionArn"].split("/")[-2]

    uncorrected.client("lambda").stop_durable_execution(DurableExecutionArn=uncorrected.run("ask"))
    assert never(lambda: bool(none()), A_WHILE)
