"""A persistent emulator, stopped and started again: executions go on, closed callbacks stay closed."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local import emulator
from local.launch import restart
from tests.integration.local.clouds import Cloud, until

pytestmark = pytest.mark.xdist_group("emulators")

PERSISTENT = {"PERSIST_STATE": "1", "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}


def started(home: Path, *, corrected: bool = True) -> Cloud:
    cloud = Cloud(emulator.start(home, with_parent=True, corrected=corrected, variables=PERSISTENT), corrected)
    cloud.deploy()
    return cloud


def test_waiting_executions_go_on(tmp_path: Path) -> None:
    cloud = started(tmp_path)
    try:
        asked, slept, answered = cloud.run("ask"), cloud.run("sleep", seconds=2), cloud.run("ask")
        callback_id, closed = cloud.callback_id(asked), cloud.callback_id(answered)
        until(lambda: cloud.invocations(slept) or None)
        cloud.complete(closed)
        cloud.ended(answered)

        cloud.emulator.stop()
        cloud = Cloud(restart(cloud.emulator, {}), corrected=True)

        assert cloud.execution(answered)["Status"] == "SUCCEEDED"
        with pytest.raises(cloud.client("lambda").exceptions.CallbackTimeoutException):
            cloud.complete(closed)
        cloud.complete(callback_id, "still there")
        assert cloud.ended(asked)["Result"] == '"still there"'
        assert cloud.ended(slept)["Result"] == '"slept"'
    finally:
        cloud.emulator.stop()


def test_an_interrupted_invocation_is_repeated(tmp_path: Path) -> None:
    cloud = started(tmp_path)
    marks = tmp_path / "marks"
    try:
        arn = cloud.run("ask_and_work", seconds=3, marks=str(marks))
        callback_id = cloud.callback_id(arn)
        until(lambda: marks.exists() or None)
        cloud.emulator.stop()
        cloud = Cloud(restart(cloud.emulator, {}), corrected=True)
        cloud.complete(callback_id)
        assert cloud.ended(arn)["Result"] == '"yes"'
        assert marks.stat().st_size == 2
    finally:
        cloud.emulator.stop()


def test_upstream_forgets_closed_callbacks(tmp_path: Path) -> None:
    cloud = started(tmp_path, corrected=False)
    try:
        arn = cloud.run("ask_and_work", seconds=0)
        callback_id = cloud.callback_id(arn)
        cloud.complete(callback_id)
        cloud.ended(arn)
        cloud.emulator.stop()
        restarted = emulator.start(tmp_path, with_parent=True, corrected=False, variables=PERSISTENT)
        cloud = Cloud(restarted, corrected=False)
        with pytest.raises(ClientError, match="ResourceNotFound"):
            cloud.complete(callback_id)
    finally:
        cloud.emulator.stop()
