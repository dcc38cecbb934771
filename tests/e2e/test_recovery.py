"""The steps of docs/recovery.md on the embedded cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from operate import stage
from operate.client import open_page, press
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from operate.program import main
from tests.e2e.scene import Scene


def test_tasks_that_the_ledger_lost_are_restored_while_their_executions_wait(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.write(tmp_path)
    monkeypatch.setattr(stage, "HOME", tmp_path)
    lost, kept, gone_on = scenes = Scene(cloud), Scene(cloud), Scene(cloud)
    lost.submit()
    kept.submit()
    other = gone_on.approver("otto")
    gone_on.submit(approvers=[gone_on.approver(), other], rule={"kind": "all"})
    links = {scene.request_id: scene.link() for scene in scenes}
    table, restored = aws.client("dynamodb", cloud.endpoint_url), f"{cloud.table}-restored"
    table.restore_table_to_point_in_time(
        SourceTableName=cloud.table, TargetTableName=restored, UseLatestRestorableTime=True
    )
    assert press(open_page(links[kept.request_id]), "approve").answer.status == 200
    kept.ended()
    assert press(open_page(links[gone_on.request_id]), "approve").answer.status == 200
    since = kept.items()
    task = {"pk": {"S": f"TASK#{gone_on.task_id}"}, "sk": {"S": "TASK"}}
    table.delete_item(TableName=cloud.table, Key=task)
    for item in lost.items().values():
        table.delete_item(TableName=cloud.table, Key={name: item[name] for name in ("pk", "sk")})
    assert open_page(links[lost.request_id]).answer.status == 404, "all its items are lost"

    assert main(["restore", "--from", restored, "--local"]) == 0
    assert "2 tasks among them" in capsys.readouterr().out
    assert kept.items() == since, "later changes of other tasks stay"
    assert press(open_page(links[lost.request_id]), "approve").answer.status == 200
    assert (lost.ended()["result"]["status"], lost.ledger.audit_breaks(lost.task_id)) == ("approved", [])
    assert lost.audit().index("restored") < lost.audit().index("voted")
    assert press(open_page(gone_on.link(other)), "approve").answer.status == 200
    result = gone_on.ended()["result"]
    assert (result["status"], len(result["votes"])) == ("approved", 2), "the vote before the loss counts"
    assert gone_on.ledger.audit_breaks(gone_on.task_id) == []
    table.delete_table(TableName=restored)
