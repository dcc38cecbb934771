"""redrive: messages that were given up are processed again, and none is lost."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from countersign.functions.clients import client
from countersign.testing.builders import TASK_ID
from tests.integration.conftest import REGION, TABLE, Answer, Kit, answering, statuses, streams
from tests.integration.operate.conftest import OPERATOR, DeployedStage, Run

FUNCTION, STARTS = "order-approval", "order-approval-starts-dlq"
ENVELOPE = {"kind": "approval.requested", "task_id": TASK_ID}
START = {"request_id": "order-1001", "workflow": "order-approval", "input": {}}


def put(stage: DeployedStage, name: str, body: Any, **attributes: str) -> None:
    given = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()}
    text = body if isinstance(body, str) else json.dumps(body)
    client("sqs").send_message(QueueUrl=stage.queues[name], MessageBody=text, MessageAttributes=given)


def taken(stage: DeployedStage, name: str) -> list[dict[str, Any]]:
    """Receive the visible messages of a queue; twelve messages take two calls."""
    calls = [{"QueueUrl": stage.queues[name], "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}] * 2
    return [message for call in calls for message in client("sqs").receive_message(**call).get("Messages", [])]


def arn_of(stage: DeployedStage, name: str) -> str:
    answer = client("sqs").get_queue_attributes(QueueUrl=stage.queues[name], AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def test_messages_go_back_to_their_queue_as_they_were_and_the_audit_of_the_task_names_the_operator(
    kit: Kit, stage: DeployedStage, run: Run
) -> None:
    kit.open_task()
    for number in range(12):
        put(stage, "approvals-dlq", ENVELOPE | {"number": number}, trace="t")
    assert run("redrive", "approvals-dlq")[:2] == (0, "approvals-dlq: 12 processed again\n")
    messages = taken(stage, "approvals")
    assert sorted(json.loads(message["Body"])["number"] for message in messages) == list(range(12))
    assert messages[0]["MessageAttributes"]["trace"]["StringValue"] == "t"
    assert run("redrive", "approvals-dlq")[1] == "approvals-dlq: 0 processed again\n"
    entry = kit.audit()[-1].event
    assert (entry.event, entry.actor, entry.data) == ("redriven", OPERATOR, {"queue": "approvals-dlq"})


@pytest.mark.parametrize(
    ("event", "delivered"),
    [
        ({"source": "countersign", "detail": ENVELOPE}, ENVELOPE),
        ({"source": "aws.lambda", "detail": {"status": "FAILED"}}, None),
    ],
)
def test_an_event_that_was_not_delivered_reaches_the_queue_as_its_rule_would_have_put_it(
    stage: DeployedStage, run: Run, event: dict[str, Any], delivered: dict[str, Any] | None
) -> None:
    put(stage, "approvals-rule-dlq", event)
    assert run("redrive", "approvals-rule-dlq")[0] == 0
    (message,) = taken(stage, "approvals")
    assert json.loads(message["Body"]) == (delivered or event)


# Invocations


@pytest.fixture
def starts(stage: DeployedStage) -> Iterator[DeployedStage]:
    """A stage in which the start of a workflow was given up."""
    stage.built = [("workflow", "AWS::Lambda::Function", FUNCTION)]
    target = {"TargetArn": arn_of(stage, STARTS)}
    durable = {"ExecutionTimeout": 600, "RetentionPeriodInDays": 1}
    put(stage, STARTS, START)
    function = Answer(document={"FunctionName": FUNCTION, "DeadLetterConfig": target, "DurableConfig": durable})
    with answering("lambda", "GetFunctionConfiguration", function):
        yield stage


def test_a_start_is_made_again_under_the_id_of_its_request(starts: DeployedStage, run: Run) -> None:
    with answering("lambda", "Invoke", Answer(202)) as invocations:
        assert run("redrive", STARTS)[0] == 0
    (asked,) = invocations.asked
    assert json.loads(asked.body) == START
    assert f"{FUNCTION}/invocations?Qualifier=live" in asked.url
    assert asked.headers["X-Amz-Durable-Execution-Name"] in (b"order-1001", "order-1001")
    assert asked.headers["X-Amz-Invocation-Type"] in (b"Event", "Event")


def test_messages_that_cannot_be_processed_stay_and_can_be_received_at_once(starts: DeployedStage, run: Run) -> None:
    put(starts, STARTS, "no json")
    with answering("lambda", "Invoke", Answer(409, "DurableExecutionAlreadyStartedException")):
        status, out, errors = run("redrive", STARTS)
    assert (status, out, "another input" in errors) == (1, f"{STARTS}: 0 processed again, 2 kept\n", True), errors
    assert "not a JSON object" in errors
    assert len(taken(starts, STARTS)) == 2


def test_a_queue_that_no_function_uses_is_left_alone(starts: DeployedStage, run: Run) -> None:
    starts.built = []
    status, _, errors = run("redrive", STARTS)
    assert (status, "no function of the stage uses" in errors) == (1, True), errors


# Records of the stream


@pytest.fixture
def decided(kit: Kit, stage: DeployedStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    """A decision that the relay gave up."""
    kit.open_task()
    kit.decide()
    records = kit.stream()
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records if statuses(record)[1] == "DECIDED"]
    first = records[0]["dynamodb"]["SequenceNumber"]
    arn = client("dynamodb").describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    (shard,) = streams().describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    batch = {"streamArn": arn, "shardId": shard["ShardId"]}
    batch |= {"startSequenceNumber": first, "endSequenceNumber": numbers[0]}
    function = f"arn:aws:lambda:{REGION}:111122223333:function:relay"
    put(stage, "relay-dlq", {"requestContext": {"functionArn": function}, "DDBStreamBatchInfo": batch})
    make = DeployedStage.client
    monkeypatch.setattr(
        DeployedStage, "client", lambda it, name, *_: streams() if name == "dynamodbstreams" else make(it, name)
    )
    pattern = {"dynamodb": {"Keys": {"sk": {"S": ["TASK"]}}, "NewImage": {"status": {"S": ["DECIDED"]}}}}
    mapping = {
        "DestinationConfig": {"OnFailure": {"Destination": arn_of(stage, "relay-dlq")}},
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)}]},
    }
    with answering("lambda", "ListEventSourceMappings", Answer(document={"EventSourceMappings": [mapping]})):
        yield kit


def test_records_of_the_relay_are_read_from_the_stream_and_given_to_it_again(decided: Kit, run: Run) -> None:
    with answering("lambda", "Invoke", Answer(document={"batchItemFailures": []})) as invocations:
        assert run("redrive", "relay-dlq")[:2] == (0, "relay-dlq: 1 processed again\n")
    ((record,),) = [document["Records"] for document in invocations.documents]
    assert record["dynamodb"]["Keys"]["pk"]["S"] == f"TASK#{TASK_ID}"
    assert (record["dynamodb"]["NewImage"]["status"]["S"], record["eventName"]) == ("DECIDED", "MODIFY")
    assert decided.audited()[-1] == "redriven"


FAILED_AGAIN = Answer(document={"batchItemFailures": [{"itemIdentifier": "1"}]})
GONE = Answer(400, "TrimmedDataAccessException")


@pytest.mark.parametrize(
    ("service", "operation", "answer", "why"),
    [
        ("lambda", "Invoke", FAILED_AGAIN, "failed again"),
        ("lambda", "Invoke", Answer(headers={"X-Amz-Function-Error": "Unhandled"}), "failed again"),
        ("dynamodb-streams", "GetShardIterator", GONE, "`tasks --status DECIDED`"),
    ],
)
def test_records_that_cannot_be_processed_stay_in_the_queue(
    decided: Kit, stage: DeployedStage, run: Run, service: str, operation: str, answer: Answer, why: str
) -> None:
    with answering(service, operation, answer):
        status, _, errors = run("redrive", "relay-dlq")
    assert (status, why in errors) == (1, True), errors
    assert len(taken(stage, "relay-dlq")) == 1


# The queues


def test_all_queues_are_redriven_and_json_has_each(stage: DeployedStage, run: Run) -> None:
    assert run("redrive", "--all")[:2] == (0, "All dead-letter queues are empty.\n")
    put(stage, "approvals-dlq", ENVELOPE)
    status, out, _ = run("redrive", "--all", "--json")
    moved = {"approvals-dlq": 1, "approvals-rule-dlq": 0, STARTS: 0, "relay-dlq": 0}
    expected = [{"queue": name, "moved": count, "kept": []} for name, count in moved.items()]
    assert (status, json.loads(out)) == (0, expected)


@pytest.mark.parametrize("words", [(), ("approvals-dlq", "--all"), ("approvals",), ("nope-dlq",)])
def test_without_one_dead_letter_queue_nothing_happens_and_the_names_are_listed(
    stage: DeployedStage, run: Run, words: tuple[str, ...]
) -> None:
    put(stage, "approvals-dlq", ENVELOPE)
    status, out, errors = run("redrive", *words)
    assert (status, out, "approvals-dlq, approvals-rule-dlq" in errors) == (2, "", True), errors
    assert len(taken(stage, "approvals-dlq")) == 1
