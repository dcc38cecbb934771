"""The export of the audit as files."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.task_items import audit_document
from countersign.domain.audit import GENESIS, AuditEvent, append
from countersign.testing.builders import APPROVER, NOW, TASK_ID
from operate.errors import OperateError
from operate.export import FIELDS, Format, is_within, opened, write


def entry(comment: str = "Go", actor: str = APPROVER) -> dict[str, Any]:
    event = AuditEvent("voted", actor, "review link", data={"comment": comment})
    document = audit_document(append(TASK_ID, 0, GENESIS, "shown", event, NOW)) | {"ttl": 1_800_000_000}
    return {name: document[name] for name in FIELDS}


def as_csv(*entries: dict[str, Any]) -> list[dict[str, str]]:
    file = io.StringIO()
    assert write(entries, Format.CSV, file) == len(entries)
    return list(csv.DictReader(io.StringIO(file.getvalue())))


def test_json_lines_and_csv_have_all_fields() -> None:
    file, given = io.StringIO(), [entry('says "x", and\ny'), entry("ü")]
    assert write(given, Format.JSONL, file) == 2
    assert [json.loads(line) for line in file.getvalue().splitlines()] == given
    rows = as_csv(*given)
    assert tuple(rows[0]) == FIELDS
    numbers = [{name: int(row[name]) for name in ("seq", "ttl")} for row in rows]
    read = [row | read | {"data": json.loads(row["data"])} for row, read in zip(rows, numbers, strict=True)]
    assert read == given


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_csv_cell_is_a_formula(start: str) -> None:
    (row,) = as_csv(entry(actor=f"{start}cmd|' /C calc'!A0"))
    assert row["actor"].startswith("'")


def test_a_period_includes_its_start_and_not_its_end() -> None:
    second = timedelta(seconds=1)
    assert is_within(entry(), NOW, NOW + second)
    assert is_within(entry(), None, None)
    assert not is_within(entry(), None, NOW)
    assert not is_within(entry(), NOW + second, None)


def test_a_file_gets_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "audit.csv"
    with pytest.raises(TypeError), opened(str(target)) as file:
        file.writelines(["half", None])  # type: ignore[list-item]  # what breaks off an export
    assert list(tmp_path.iterdir()) == []
    with opened(str(target)) as file:
        file.write("whole")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("audit.csv", "whole")]
    with pytest.raises(OperateError, match="cannot be written: No such file"), opened(str(tmp_path / "no" / "file")):
        pass
