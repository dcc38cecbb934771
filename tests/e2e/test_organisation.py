"""Approvals as organisations run them, on the embedded cloud: several voters, reminders, more time, a proven audit."""

import subprocess
import sys
import time

import pytest

from local import aws
from local.client import open_page, press
from local.cloud import Cloud
from tests.e2e.scene import Scene, until


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    return Scene(cloud)


def operate(cloud: Cloud, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the operator's programs against the embedded cloud."""
    command = [sys.executable, "-m", module, *arguments, "--table", cloud.table]
    return subprocess.run(command, env=aws.environment(cloud.endpoint_url), capture_output=True, text=True, check=False)


def test_two_of_three_approve_over_a_rejection_after_a_reminder_and_the_audit_holds(scene: Scene) -> None:
    people = [scene.approver(name) for name in ("maria", "hugo", "li")]
    scene.submit(approvers=people, rule={"kind": "quorum", "k": 2}, reminders_seconds=[3])
    for person, decision in zip(people[:2], ["reject", "approve"], strict=True):
        assert press(scene.page(person), decision).answer.status == 200
    _, reminder = scene.reminder(people[2])
    assert "1 of 2 approvals" in open_page(reminder).text
    assert press(open_page(reminder), "approve").answer.status == 200
    result = scene.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", people[1:])
    assert [vote["decision"] for vote in result["votes"]] == ["reject", "approve", "approve"]
    until(lambda: "rung" in scene.audit(), "the record of the ring")
    assert {"voted", "reminded", "decided", "applied"} <= set(scene.audit())
    verified = operate(scene.cloud, "countersign.audit", "verify", scene.task_id)
    assert (verified.returncode, verified.stdout) == (0, "1 chains checked, 0 broken\n"), verified.stderr


def test_a_changed_vote_is_recorded_and_the_audit_has_both(scene: Scene) -> None:
    people = [scene.approver(name) for name in ("maria", "hugo")]
    scene.submit(approvers=people, rule={"kind": "all", "veto": False})
    page = scene.page(people[0])
    assert [press(page, decision).answer.status for decision in ("approve", "reject")] == [200, 200]
    assert scene.audit().count("voted") == 2
    assert scene.ended()["result"]["status"] == "rejected"


def test_in_order_the_second_is_asked_when_the_first_has_approved(scene: Scene) -> None:
    people = [scene.approver(name) for name in ("maria", "hugo")]
    scene.submit(approvers=people, rule={"kind": "in_order"})
    assert press(scene.page(people[0]), "approve").answer.status == 200
    assert press(scene.page(people[1]), "approve").answer.status == 200
    report = scene.ended()
    assert report["result"]["decided_by"] == people
    assert [task["task_id"] for task in report["tasks"]] == [f"{scene.task_id}-1", f"{scene.task_id}-2"]


def test_a_click_after_the_old_deadline_counts_when_an_operator_extended_it(scene: Scene) -> None:
    scene.submit(deadline_seconds=6)
    link = scene.link()
    extended = operate(scene.cloud, "countersign", "extend", scene.task_id, "--by", "600")
    assert extended.returncode == 0, extended.stderr
    time.sleep(7)
    assert press(open_page(link), "approve").answer.status == 200
    assert scene.ended()["result"]["status"] == "approved"
    assert "extended" in scene.audit()
