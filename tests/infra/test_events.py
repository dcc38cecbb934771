"""Event patterns, held against events as they come."""

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from countersign.services.lifecycle_events import EVENTS
from countersign.testing.builders import task_result
from tests.infra.templates import StageNamed, Synthesised

FUNCTIONS = "arn:aws:lambda:eu-west-1:123456789012:function:"
FUNCTION = f"{FUNCTIONS}countersign-prod-order-approval"


def rule(stage: Synthesised, path: str) -> Any:
    return stage.properties(stage.one("AWS::Events::Rule", path))


def matches(pattern: Any, event: Any) -> bool:
    return bool(EventPattern(None, pattern).matches_event(event))


def hand_off(kind: str, **fields: Any) -> dict[str, Any]:
    envelope = {"version": 1, "kind": kind, "task_id": "r1.approval", **fields}
    return {"source": "countersign", "detail-type": kind, "detail": envelope}


@pytest.mark.parametrize(
    ("kind", "queues"),
    [
        ("approval.requested", {"approvals"}),
        ("approval.reminder", {"approvals"}),
        ("approval.escalated", {"approvals"}),
        ("payment.requested", {"external-tasks"}),
        ("credit_check.requested", {"external-tasks"}),
        ("payment.reminder", set()),
        ("payment.held", set()),
        *((event, set()) for event in EVENTS.values()),
        ("TaskResult", {"results"}),
    ],
)
def test_hand_offs_go_to_their_queue(prod: Synthesised, kind: str, queues: set[str]) -> None:
    rules = {
        "approvals": "Approver/Approvals/Rule",
        "external-tasks": "ExternalTasks/Rule",
        "results": "Results/Inbound/Rule",
    }
    event = hand_off(kind)
    found = {name for name, path in rules.items() if matches(rule(prod, path)["EventPattern"], event)}
    assert found == queues


@pytest.mark.parametrize("kind", ["TaskApplied", "TaskReturned", "TaskExpired"])
def test_only_events_after_which_the_requester_is_told_go_to_the_approver(prod: Synthesised, kind: str) -> None:
    outcomes = rule(prod, "Approver/Approvals/Outcomes")
    assert (outcomes["EventBusName"], outcomes["Targets"][0]["InputPath"]) == ("HandOffs/Bus", "$.detail")
    assert matches(outcomes["EventPattern"], hand_off(kind, tell=True))
    assert not matches(outcomes["EventPattern"], hand_off(kind))
    assert not matches(outcomes["EventPattern"], {**hand_off(kind, tell=True), "source": "somebody.else"})


@pytest.mark.parametrize(
    ("kind", "received"),
    [("payment.held", True), ("deposit.held", True), ("payment.requested", False), ("TaskOpened", False)],
)
def test_held_events_go_to_the_held_payments_function_where_the_stage_names_operators(
    stage_named: StageNamed, kind: str, received: bool
) -> None:
    settled = rule(stage_named("local"), "HeldPayments/Held/Rule")
    assert matches(settled["EventPattern"], hand_off(kind)) is received
    assert not matches(settled["EventPattern"], {**hand_off(kind), "source": "somebody.else"})
    assert (settled["EventBusName"], settled["Targets"][0]["InputPath"]) == ("HandOffs/Bus", "$.detail")


def test_without_operators_no_rule_takes_held_events(bare: Synthesised) -> None:
    assert not [each for each in bare.of_type("AWS::Lambda::Function") if each.path.startswith("HeldPayments")]
    for each in bare.of_type("AWS::Events::Rule"):
        if "ScheduleExpression" not in each.properties:
            assert not matches(bare.properties(each)["EventPattern"], hand_off("payment.held"))


@pytest.mark.parametrize("path", ["Approver/Approvals/Rule", "ExternalTasks/Rule"])
def test_hand_offs_arrive_as_the_envelope_itself_from_the_kit_s_bus_only(prod: Synthesised, path: str) -> None:
    (target,) = rule(prod, path)["Targets"]
    assert (target["InputPath"], rule(prod, path)["EventBusName"]) == ("$.detail", "HandOffs/Bus")
    stranger = {**hand_off("approval.requested"), "source": "somebody.else"}
    assert not matches(rule(prod, path)["EventPattern"], stranger)


@pytest.mark.parametrize("source", ["shop", "com.example.payments", "countersign"])
def test_answers_of_machines_are_taken_whole_from_the_kit_s_bus_of_any_source(prod: Synthesised, source: str) -> None:
    inbound = rule(prod, "Results/Inbound/Rule")
    assert inbound["EventBusName"] == "HandOffs/Bus"
    assert "InputPath" not in inbound["Targets"][0], "who sent it stands in the event around the answer"
    assert matches(inbound["EventPattern"], task_result(source=source))


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        (hand_off("approval.requested"), True),
        ({"source": "countersign", "detail-type": "TaskDecided", "detail": {"task_id": "r1.approval"}}, True),
        (hand_off("payment.requested", callback={"url": "https://example.com", "token": "secret"}), False),
        ({"source": "somebody.else", "detail-type": "x", "detail": {}}, False),
        (task_result(), False),
    ],
)
def test_the_archive_keeps_our_events_but_no_token(prod: Synthesised, event: Any, kept: bool) -> None:
    assert matches(prod.one("AWS::Events::Archive").properties["EventPattern"], event) is kept


@pytest.mark.parametrize(
    ("status", "function", "received"),
    [
        *((status, f"{FUNCTION}:7", True) for status in ("SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED")),
        ("FAILED", FUNCTION, True),
        ("RUNNING", f"{FUNCTION}:7", False),
        ("FAILED", f"{FUNCTIONS}countersign-dev-order-approval:7", False),
        ("FAILED", f"{FUNCTIONS}refunds-prod-order-approval:7", False),
    ],
)
def test_the_end_of_own_executions_is_received(prod: Synthesised, status: str, function: str, received: bool) -> None:
    ended = rule(prod, "Executions/Ended/Rule")
    arns = "arn:<Partition>:lambda:<Region>:<AccountId>:function:"
    pattern = json.loads(json.dumps(ended["EventPattern"]).replace(arns, FUNCTIONS))
    event = {
        "source": "aws.lambda",
        "detail-type": "Durable Execution Status Change",
        "detail": {
            "durableExecutionArn": f"{FUNCTION}:7/durable-execution/r1/0a1b",
            "durableExecutionName": "r1",
            "functionArn": function,
            "status": status,
            "startTimestamp": "2026-11-21T09:00:00Z",
        },
    }
    assert "EventBusName" not in ended, "AWS's own events are on the default bus"
    assert "InputPath" not in ended["Targets"][0]
    assert matches(pattern, event) is received


def record(
    name: str,
    sk: str,
    old: str | None = None,
    new: str | None = None,
    pk: str = "TASK#r1.approval",
    *,
    by_ttl: bool = False,
    bounced: tuple[int, int] = (0, 0),
    because: str = "",
) -> dict[str, Any]:
    images = {"OldImage": (old, bounced[0]), "NewImage": (new, bounced[1])}
    return {
        "eventName": name,
        **({"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}} if by_ttl else {}),
        "dynamodb": {
            "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
            **{
                image: {
                    "status": {"S": status},
                    **({"bounced": {"N": str(number)}} if number else {}),
                    **({"closed_because": {"S": because}} if because and image == "NewImage" else {}),
                }
                for image, (status, number) in images.items()
                if status
            },
        },
    }


@pytest.mark.parametrize(
    ("change", "consumers"),
    [
        (record("INSERT", "TASK", new="OPEN"), {"publisher"}),
        (record("MODIFY", "TASK", old="OPEN", new="OPEN"), {"publisher"}),
        (record("MODIFY", "TASK", old="OPEN", new="DECIDED"), {"relay", "publisher"}),
        (record("MODIFY", "TASK", old="OPEN", new="OPEN", bounced=(0, 1)), {"relay", "publisher"}),
        (record("MODIFY", "TASK", old="OPEN", new="OPEN", bounced=(1, 1)), {"publisher"}),
        (record("MODIFY", "TASK", old="OPEN", new="OPEN", bounced=(1, 2)), {"publisher"}),
        (record("MODIFY", "TASK", old="EXPIRED", new="EXPIRED", bounced=(0, 1)), {"publisher"}),
        (record("MODIFY", "TASK", old="DECIDED", new="DECIDED"), {"publisher"}),
        (record("MODIFY", "TASK", old="DECIDED", new="APPLIED"), {"publisher"}),
        (record("MODIFY", "TASK", old="OPEN", new="EXPIRED"), {"publisher"}),
        (
            record("MODIFY", "TASK", old="OPEN", new="CANCELLED", because="withdrawn_by_requester"),
            {"relay", "publisher"},
        ),
        (record("MODIFY", "TASK", old="OPEN", new="CANCELLED", because="withdrawn_by_caller"), {"relay", "publisher"}),
        (record("MODIFY", "TASK", old="OPEN", new="CANCELLED", because="withdrawn_by_operator"), {"publisher"}),
        (record("INSERT", "REQUEST", new="submitted"), set()),
        (record("MODIFY", "REQUEST", old="submitted", new="running"), set()),
        (record("MODIFY", "REQUEST", old="running", new="running"), set()),
        (record("MODIFY", "REQUEST", old="running", new="succeeded"), {"publisher"}),
        (record("MODIFY", "REQUEST", old="submitted", new="failed"), {"publisher"}),
        (record("REMOVE", "TASK", old="APPLIED"), set()),
        (record("INSERT", "OUTBOX#1"), {"publisher"}),
        (record("REMOVE", "OUTBOX#1"), set()),
        (record("INSERT", "RESPONSE#identity"), set()),
        (record("INSERT", "0000000001", pk="AUDIT#r1.approval"), {"archive"}),
        (record("MODIFY", "0000000001", pk="AUDIT#r1.approval"), {"archive"}),
        (record("REMOVE", "0000000001", pk="AUDIT#r1.approval"), {"archive"}),
        (record("INSERT", "LINK", pk="LINK#AUDIT#"), set()),
        (record("INSERT", "PARKED#msg_1", pk="EXTERNAL#pay#pay-1"), set()),
        (record("REMOVE", "PARKED#msg_1", pk="EXTERNAL#pay#pay-1"), set()),
        (record("REMOVE", "PARKED#msg_1", pk="EXTERNAL#pay#pay-1", by_ttl=True), {"publisher"}),
        (record("REMOVE", "EXTERNAL", pk="EXTERNAL#pay#pay-1", by_ttl=True), set()),
        (record("REMOVE", "TASK", old="APPLIED", by_ttl=True), set()),
    ],
)
def test_a_change_in_the_ledger_has_consumers(stage: Synthesised, change: dict[str, Any], consumers: set[str]) -> None:
    paths = {"relay": "Relay/Decided/Mapping", "publisher": "Publisher/Tasks/Mapping"}
    woken = set()
    for name, path in paths.items():
        mapping = stage.properties(stage.one("AWS::Lambda::EventSourceMapping", path))
        patterns = [json.loads(item["Pattern"]) for item in mapping["FilterCriteria"]["Filters"]]
        if any(matches(pattern, change) for pattern in patterns):
            woken.add(name)
    publisher_archives = {"publisher"} if stage.stacks.ledger.archive else set()
    assert woken == consumers - {"archive"} | (publisher_archives if "archive" in consumers else set())
