"""`python -m countersign.audit verify`: it holds for what the kit wrote, and tells of what somebody else did."""

from typing import Any

import pytest

from countersign import audit
from countersign.adapters.attributes import to_item
from countersign.aws import client
from tests.builders import TASK_ID
from tests.integration.conftest import TABLE, Kit


def verify(capsys: pytest.CaptureFixture[str], *task_ids: str) -> tuple[int, list[str]]:
    status = audit.main(["verify", *task_ids, "--table", TABLE])
    return status, capsys.readouterr().out.splitlines()


def tamper(seq: int, **changes: Any) -> None:
    key = to_item({"pk": f"AUDIT#{TASK_ID}", "sk": f"{seq:010d}"})
    item = client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]
    client("dynamodb").put_item(TableName=TABLE, Item=item | to_item(changes))


@pytest.fixture
def decided(kit: Kit) -> Kit:
    kit.open_task()
    kit.decide()
    return kit


def test_the_chain_of_a_decided_task_holds(decided: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(capsys) == (0, ["1 chains checked, 0 broken"])
    assert verify(capsys, TASK_ID) == (0, ["1 chains checked, 0 broken"])


def test_a_changed_entry_is_told(decided: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(2, actor="mallory@example.com")
    status, lines = verify(capsys)
    assert status == 1
    assert f"{TASK_ID}: entry 2 was changed" in lines
    assert lines[-1] == "1 chains checked, 1 broken"


def test_a_deleted_entry_is_told(decided: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    last = decided.task().audit_seq
    key = to_item({"pk": f"AUDIT#{TASK_ID}", "sk": f"{last:010d}"})
    client("dynamodb").delete_item(TableName=TABLE, Key=key)
    assert verify(capsys) == (
        1,
        [
            f"{TASK_ID}: the task counts {last} entries, the chain ends with entry {last - 1}",
            "1 chains checked, 1 broken",
        ],
    )
