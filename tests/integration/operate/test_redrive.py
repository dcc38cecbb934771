"""redrive: what was given up is processed again, by whatever gave it up, and nothing is lost on the way."""

import json
from typing import Any

import pytest

from countersign.functions.clients import client
from countersign.testing.builders import TASK_ID
from tests.integration.conftest import ALIAS, REGION, TABLE, Answer, Kit, answering, streams, wire_record
from tests.integration.operate.conftest import OPERATOR, DeployedStage, Run

FUNCTION = "order-approval"
RELAY = f"arn:aws:lambda:{REGION}:111122223333:function:relay"
ENVELOPE = {"kind": "approval.requested", "task_id": TASK_ID}
START = {"request_id": "order-1001", "workflow": "order-approval", "input": {}}


def put(stage: DeployedStage, name: str, body: Any, **attributes: str) -> None:
    given = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()}
    text = body if isinstance(body, str) else json.dumps(body)
    client("sqs").send_message(QueueUrl=stage.queues[name], MessageBody=text, MessageAttributes=given)


def taken(stage: DeployedStage, name: str) -> list[dict[str, Any]]:
    answer = client("sqs").receive_message(
        QueueUrl=stage.queues[name], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def attribute(stage: DeployedStage, name: str, attribute: str) -> str:
    answer = client("sqs").get_queue_attributes(QueueUrl=stage.queues[name], AttributeNames=["All"])
    return str(answer["Attributes"][attribute])


def waiting(stage: DeployedStage, name: str) -> int:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return sum(int(attribute(stage, name, each)) for each in names)


def test_messages_go_back_to_their_queue_as_they_were_and_the_task_s_audit_says_who_did_it(
    kit: Kit, stage: DeployedStage, run: Run
) -> None:
    kit.open_task()
    for number in range(12):
        put(stage, "approvals-dlq", ENVELOPE | {"number": number}, trace="t")
    assert run("redrive", "approvals-dlq")[:2] == (0, "approvals-dlq: 12 processed again\n")
    messages = [*taken(stage, "approvals"), *taken(stage, "approvals")]
    assert sorted(json.loads(message["Body"])["number"] for message in messages) == list(range(12))
    assert messages[0]["MessageAttributes"]["trace"]["StringValue"] == "t"
    assert waiting(stage, "approvals-dlq") == 0
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
def workflow(stage: DeployedStage) -> DeployedStage:
    stage.built = [("workflow", "AWS::Lambda::Function", FUNCTION)]
    return stage


def configuration(stage: DeployedStage) -> Answer:
    target = {"TargetArn": attribute(stage, "order-approval-starts-dlq", "QueueArn")}
    durable = {"ExecutionTimeout": 600, "RetentionPeriodInDays": 1}
    return Answer(document={"FunctionName": FUNCTION, "DeadLetterConfig": target, "DurableConfig": durable})


def test_a_start_that_was_given_up_is_made_again_under_the_request_s_id(workflow: DeployedStage, run: Run) -> None:
    put(workflow, "order-approval-starts-dlq", START)
    with (
        answering("lambda", "GetFunctionConfiguration", configuration(workflow)),
        answering("lambda", "Invoke", Answer(202)) as invocations,
    ):
        assert run("redrive", "order-approval-starts-dlq")[0] == 0
    (asked,) = invocations.asked
    assert json.loads(asked.body) == START
    assert f"{FUNCTION}/invocations?Qualifier=live" in asked.url
    assert asked.headers["X-Amz-Durable-Execution-Name"] in (b"order-1001", "order-1001")
    assert asked.headers["X-Amz-Invocation-Type"] in (b"Event", "Event")


def test_a_start_that_became_another_execution_stays_and_is_told(workflow: DeployedStage, run: Run) -> None:
    put(workflow, "order-approval-starts-dlq", START)
    put(workflow, "order-approval-starts-dlq", "no json")
    started = Answer(409, "DurableExecutionAlreadyStartedException")
    with (
        answering("lambda", "GetFunctionConfiguration", configuration(workflow)),
        answering("lambda", "Invoke", started),
    ):
        status, out, errors = run("redrive", "order-approval-starts-dlq")
    assert (status, out) == (1, "order-approval-starts-dlq: 0 processed again, 2 kept\n")
    assert "another input" in errors
    assert "no JSON" in errors
    assert len(taken(workflow, "order-approval-starts-dlq")) == 2, "they can be received again at once"


def test_a_queue_of_which_nothing_is_known_is_left_alone(stage: DeployedStage, run: Run) -> None:
    put(stage, "order-approval-starts-dlq", START)
    status, _, errors = run("redrive", "order-approval-starts-dlq")
    assert status == 1
    assert "no function of the stage uses" in errors
    assert waiting(stage, "order-approval-starts-dlq") == 1


# Records of the stream


def mapping(stage: DeployedStage) -> Answer:
    pattern = {"dynamodb": {"Keys": {"sk": {"S": ["TASK"]}}, "NewImage": {"status": {"S": ["DECIDED"]}}}}
    return Answer(
        document={
            "EventSourceMappings": [
                {
                    "DestinationConfig": {"OnFailure": {"Destination": attribute(stage, "relay-dlq", "QueueArn")}},
                    "FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)}]},
                }
            ]
        }
    )


def given_up(kit: Kit) -> dict[str, Any]:
    """Return what Lambda puts into the queue of a decision that the relay gave up."""
    numbers = [record["dynamodb"]["SequenceNumber"] for record in kit.stream()]
    arn = client("dynamodb").describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    batch = {"streamArn": arn, "shardId": _shard(arn), "startSequenceNumber": numbers[0]}
    batch["endSequenceNumber"] = numbers[-1]
    return {"requestContext": {"functionArn": RELAY}, "DDBStreamBatchInfo": batch}


def _shard(arn: str) -> str:
    (shard,) = streams().describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return str(shard["ShardId"])


@pytest.fixture
def decided(kit: Kit, stage: DeployedStage, monkeypatch: pytest.MonkeyPatch) -> Kit:
    kit.open_task()
    kit.decide()
    put(stage, "relay-dlq", given_up(kit))
    make = DeployedStage.client
    monkeypatch.setattr(
        DeployedStage,
        "client",
        lambda self, name, attempts=3: streams() if name == "dynamodbstreams" else make(self, name),
    )
    return kit


def test_records_that_the_relay_gave_up_are_read_from_the_stream_and_given_to_it_again(
    decided: Kit, stage: DeployedStage, run: Run
) -> None:
    with (
        answering("lambda", "ListEventSourceMappings", mapping(stage)),
        answering("lambda", "Invoke", Answer(document={"batchItemFailures": []})) as invocations,
    ):
        assert run("redrive", "relay-dlq")[:2] == (0, "relay-dlq: 1 processed again\n")
    ((record,),) = [document["Records"] for document in invocations.documents]
    assert record["dynamodb"]["Keys"]["pk"]["S"] == f"TASK#{TASK_ID}"
    assert record["dynamodb"]["NewImage"]["status"]["S"] == "DECIDED"
    assert record["eventName"] == "MODIFY"
    assert wire_record(record) == record
    assert decided.audited()[-1] == "redriven"


@pytest.mark.parametrize(
    ("operation", "answer", "why"),
    [
        (("lambda", "Invoke"), Answer(document={"batchItemFailures": [{"itemIdentifier": "1"}]}), "failed again"),
        (("lambda", "Invoke"), Answer(headers={"X-Amz-Function-Error": "Unhandled"}), "failed again"),
        (
            ("dynamodb-streams", "GetShardIterator"),
            Answer(400, "TrimmedDataAccessException"),
            "`tasks --status DECIDED`",
        ),
    ],
)
def test_records_that_cannot_be_processed_stay_in_the_queue(
    decided: Kit, stage: DeployedStage, run: Run, operation: tuple[str, str], answer: Answer, why: str
) -> None:
    with answering("lambda", "ListEventSourceMappings", mapping(stage)), answering(*operation, answer):
        status, _, errors = run("redrive", "relay-dlq")
    assert status == 1
    assert why in errors
    assert waiting(stage, "relay-dlq") == 1


# All of them


def test_all_queues_are_redriven_and_machines_are_told_of_each(stage: DeployedStage, run: Run) -> None:
    assert run("redrive", "--all")[:2] == (0, "All dead-letter queues are empty.\n")
    put(stage, "approvals-dlq", ENVELOPE)
    status, out, _ = run("redrive", "--all", "--json")
    assert status == 0
    results = {result["queue"]: result["moved"] for result in json.loads(out)}
    assert results == {"approvals-dlq": 1, "approvals-rule-dlq": 0, "order-approval-starts-dlq": 0, "relay-dlq": 0}


@pytest.mark.parametrize("words", [(), ("approvals-dlq", "--all"), ("approvals",), ("nope-dlq",)])
def test_without_a_queue_that_there_is_nothing_happens_and_those_that_there_are_are_named(
    stage: DeployedStage, run: Run, words: tuple[str, ...]
) -> None:
    put(stage, "approvals-dlq", ENVELOPE)
    status, out, errors = run("redrive", *words)
    assert (status, out) == (2, "")
    assert "approvals-dlq, approvals-rule-dlq" in errors
    assert waiting(stage, "approvals-dlq") == 1
    assert ALIAS not in errors
