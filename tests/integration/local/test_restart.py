"""A persistent emulator after a restart: executions continue, closed callbacks stay closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from countersign import mcp
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.client import Client
from local.emulator import emulator
from local.launch import restart
from tests.integration.conftest import TABLE, create_tables
from tests.integration.local.clouds import Cloud, never, until
from tests.integration.test_mcp import QUESTION, run, staged, used

PERSISTENT = {"PERSIST_STATE": "1", "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}

A_WHILE = 3


def start(home: Path, *, corrected: bool = True) -> Cloud:
    return Cloud(emulator.start(home, with_parent=True, corrected=corrected, variables=PERSISTENT), corrected)


def test_waiting_executions_continue_and_an_interrupted_invocation_is_repeated(tmp_path: Path) -> None:
    cloud, marks = start(tmp_path), tmp_path / "marks"
    cloud.deploy()
    try:
        asked, slept, answered = cloud.run("ask"), cloud.run("sleep", seconds=2), cloud.run("ask")
        callback_id, closed = cloud.callback_id(asked), cloud.callback_id(answered)
        until(lambda: cloud.invocations(slept) or None)
        cloud.complete(closed)
        cloud.ended(answered)
        working = cloud.run("ask_and_work", seconds=3, marks=str(marks))
        callback_of_work = cloud.callback_id(working)
        until(lambda: marks.exists() or None)

        cloud.emulator.stop()
        cloud = Cloud(restart(cloud.emulator, {}), corrected=True)

        assert cloud.execution(answered)["Status"] == "SUCCEEDED"
        with pytest.raises(cloud.client("lambda").exceptions.CallbackTimeoutException):
            cloud.complete(closed)
        cloud.complete(callback_id, "still there")
        cloud.complete(callback_of_work)
        assert (cloud.ended(asked)["Result"], cloud.ended(slept)["Result"]) == ('"still there"', '"slept"')
        assert (cloud.ended(working)["Result"], marks.stat().st_size) == ('"yes"', 2)
    finally:
        cloud.emulator.stop()


def test_an_agent_that_asked_before_a_restart_reads_the_decision_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, heard = start(tmp_path), []

    async def ask(agent: Any) -> None:
        heard.append(await used(agent, "request_approval", question=QUESTION))

    try:
        create_tables(cloud.client("dynamodb"))
        with staged(DynamoLedger(cloud.client("dynamodb"), TABLE), monkeypatch) as stage:
            run(stage, mcp.server(Client(stage.url)), ask)
        cloud.emulator.stop()
        cloud = Cloud(restart(cloud.emulator, {}), corrected=True)
        with staged(DynamoLedger(cloud.client("dynamodb"), TABLE), monkeypatch) as stage:
            stage.decide(heard[0]["request_id"], "approved")
            run(stage, mcp.server(Client(stage.url)), ask)
    finally:
        cloud.emulator.stop()
    assert [answer["state"] for answer in heard] == ["waiting", "approved"]
    assert heard[0]["request_id"] == heard[1]["request_id"]


def test_upstream_forgets_closed_callbacks(tmp_path: Path) -> None:
    cloud = start(tmp_path, corrected=False)
    cloud.deploy()
    try:
        arn = cloud.run("ask_and_work", seconds=0)
        callback_id = cloud.callback_id(arn)
        cloud.complete(callback_id)
        cloud.ended(arn)
        cloud.emulator.stop()
        cloud = start(tmp_path, corrected=False)
        with pytest.raises(ClientError, match="ResourceNotFound"):
            cloud.complete(callback_id)
    finally:
        cloud.emulator.stop()


NOTES_KEYS = """
def handler(event, context):
    with open({notes!r}, "a") as file:
        file.writelines(record["dynamodb"]["Keys"]["pk"]["S"] + " " for record in event["Records"])
"""


def follow_a_table(cloud: Cloud, notes: Path) -> str:
    """Create a table and a function that writes down the keys of its stream; return the id of their mapping."""
    table = cloud.client("dynamodb").create_table(
        TableName="followed",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    cloud.create("follower", NOTES_KEYS.format(notes=str(notes)))
    mapping: str = cloud.client("lambda").create_event_source_mapping(
        FunctionName="follower", EventSourceArn=table["LatestStreamArn"], StartingPosition="TRIM_HORIZON"
    )["UUID"]
    return mapping


@pytest.mark.parametrize("corrected", [True, False])
def test_a_function_on_a_stream_continues(tmp_path: Path, *, corrected: bool) -> None:
    def write(key: str) -> None:
        cloud.client("dynamodb").put_item(TableName="followed", Item={"pk": {"S": key}})

    def has_read_on(mapping: str) -> bool:
        last = cloud.client("lambda").get_event_source_mapping(UUID=mapping)["LastProcessingResult"]
        return str(last).startswith("OK")

    def noted(key: str) -> bool:
        return notes.exists() and key in notes.read_text().split()

    cloud, notes = start(tmp_path, corrected=corrected), tmp_path / "notes"
    try:
        mapping = follow_a_table(cloud, notes)
        write("before")
        until(lambda: (noted("before") and has_read_on(mapping)) or None)
        cloud.emulator.stop()
        cloud = start(tmp_path, corrected=corrected)
        write("after")
        if corrected:
            until(lambda: noted("after") or None)
        else:
            assert never(lambda: noted("after"), A_WHILE)
    finally:
        cloud.emulator.stop()
