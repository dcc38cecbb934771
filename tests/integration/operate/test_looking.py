"""tasks, show, timeline, export, audit verify: they print what the ledger has, and change nothing."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from countersign.adapters.audit_archive import S3AuditArchive
from countersign.domain.clock import to_text
from countersign.domain.strict_json import digest
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    COMMENT,
    NOW,
    PAYMENT_ID,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_exchange,
)
from tests.integration.conftest import ARCHIVE, Kit, Operation
from tests.integration.operate.conftest import DeployedStage, Run

SECOND_ID = "order-1002.approval"


@pytest.fixture
def tasks(kit: Kit) -> Kit:
    """An approval that is decided, one that is open for a day, and a payment that is older than both."""
    kit.open_task()
    kit.open_task(task_id=SECOND_ID, request_id="order-1002", expires_at=kit.now + timedelta(hours=20))
    kit.open_payment(opened_at=kit.now - timedelta(days=3))
    kit.decide(comment=COMMENT, token=kit.mint())
    return kit


def test_a_task_that_was_sent_back_is_shown_with_its_question_and_its_round(kit: Kit, run: Run) -> None:
    kit.open_task(round=2, exchanges=(any_exchange(answer="Blue", answered_at=NOW, revised=True), any_exchange()))
    _, out, _ = run("show", TASK_ID)
    assert re.search(rf"round +2\n +sent back +by {APPROVER}, .*: Which chairs\?", out)
    shown = json.loads(run("show", TASK_ID, "--json")[1])
    answered = {"answer": "Blue", "answered_at": to_text(NOW), "revised": True}
    expected = {"by": APPROVER, "comment": "Which chairs?", "at": to_text(NOW), **answered}
    assert (shown["round"], shown["exchanges"][0]) == (2, expected)


def listed(run: Run, *arguments: str) -> list[str]:
    status, out, _ = run("tasks", *arguments, "--json")
    assert status == 0
    return [task["task_id"] for task in json.loads(out)]


def test_open_and_decided_tasks_are_listed_the_next_deadline_first(tasks: Kit, run: Run) -> None:
    status, out, _ = run("tasks")
    decided, payment, second = out.splitlines()[1:]
    assert (status, decided.split()[:3]) == (0, [TASK_ID, "DECIDED", WORKFLOW])
    assert "ago" in decided
    assert (payment.split()[0], *payment.split()[4:6]) == (PAYMENT_ID, "-", "3d")
    assert (second.split()[0], second.split()[6]) == (SECOND_ID, "19h59m")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--status", "open"), [PAYMENT_ID, SECOND_ID]),
        (("--status", "DECIDED"), [TASK_ID]),
        (("--status", "open", "--status", "decided", "--workflow", WORKFLOW), [TASK_ID, SECOND_ID]),
        (("--older-than", "2d"), [PAYMENT_ID]),
        (("--due-within", "2h"), [PAYMENT_ID]),
    ],
)
def test_tasks_can_be_asked_for_by_status_workflow_age_and_time_left(
    tasks: Kit, run: Run, options: tuple[str, ...], expected: list[str]
) -> None:
    assert listed(run, *options) == expected


def test_ended_tasks_are_listed_by_their_status_and_no_match_prints_nothing(
    tasks: Kit, run: Run, callbacks: Operation
) -> None:
    assert run("tasks", "--status", "cancelled") == (0, "", "No task matches.\n")
    assert run("withdraw", SECOND_ID, "--because", "ordered twice")[0] == 0
    assert SECOND_ID not in listed(run)
    assert listed(run, "--status", "cancelled") == [SECOND_ID]


@pytest.mark.parametrize("words", ["--status nope", "--older-than soon", "--due-within -1h"])
def test_a_filter_that_makes_no_sense_ends_with_two(kit: Kit, run: Run, words: str) -> None:
    status, out, errors = run("tasks", *words.split())
    assert (status, out, words.split()[1] in errors) == (2, "", True), errors


def test_a_task_is_shown_with_its_votes_and_all_that_happened(tasks: Kit, run: Run) -> None:
    status, out, _ = run("show", TASK_ID)
    assert status == 0
    for words in ("DECIDED", f"{APPROVER} approve", COMMENT, "approved by", "opened by", "voted by", "the chain holds"):
        assert words in out


def test_looking_changes_nothing_and_shows_nothing_that_opens_or_completes_a_task(tasks: Kit, run: Run) -> None:
    token = tasks.link()
    before = tasks.items()
    for words in (
        *(("tasks",), ("tasks", "--json"), ("show", TASK_ID), ("show", TASK_ID, "--json"), ("show", PAYMENT_ID)),
        *(("show", PAYMENT_ID, "--json"), ("timeline", REQUEST_ID), ("export", "-")),
    ):
        status, out, _ = run(*words)
        assert (status, CALLBACK_ID in out) == (0, False), out
        assert token not in out
    assert tasks.items() == before


def test_an_entry_that_comes_between_two_reads_breaks_no_chain(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.open_task()
    read = kit.ledger.audit_documents
    looks = [read(TASK_ID)]
    kit.decide(token=kit.mint())
    monkeypatch.setattr(kit.ledger, "audit_documents", lambda task_id: looks.pop() if looks else read(task_id))
    assert kit.ledger.audit_breaks(TASK_ID) == []


def test_a_broken_chain_is_shown(tasks: Kit, run: Run) -> None:
    tasks.set(TASK_ID, "audit_head", "0" * 64)
    assert "not the one that the task names" in run("show", TASK_ID)[1]
    assert json.loads(run("show", TASK_ID, "--json")[1])["audit_breaks"] != []


@pytest.mark.parametrize("words", [("show", "order-9.approval"), ("show", ""), ("timeline", "order-9")])
def test_an_unknown_id_ends_with_one_and_says_how_to_find_it(kit: Kit, run: Run, words: tuple[str, str]) -> None:
    status, out, errors = run(*words)
    assert (status, out, words[1] in errors) == (1, "", True), errors
    assert "`tasks` lists the tasks that wait" in errors


def test_the_timeline_of_a_request_has_all_of_its_tasks(tasks: Kit, run: Run) -> None:
    status, out, _ = run("timeline", REQUEST_ID)
    assert (status, TASK_ID in out) == (0, True), out
    assert PAYMENT_ID in out
    assert SECOND_ID not in out
    assert len(json.loads(run("timeline", REQUEST_ID, "--json")[1])) == len(out.splitlines())


def test_the_exported_audit_is_whole_and_can_be_verified_from_the_file(tasks: Kit, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    assert run("export", str(file))[:2] == (0, f"{file} has 6 entries\n")
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    own = [entry for entry in entries if entry["task_id"] == TASK_ID]
    assert [entry["event"] for entry in own] == ["opened", "minted", "voted", "decided"]
    assert [entry["previous"] for entry in own[1:]] == [entry["hash"] for entry in own[:-1]]
    tasks.open_task(task_id="r2.approval", request_id="r2", audit_ttl=4_000_000_000)
    expiring = json.loads(run("export", "-", "--request", "r2")[1])
    for entry in (*own, expiring):
        assert digest({name: value for name, value in entry.items() if name != "hash"}) == entry["hash"]


def test_an_export_can_be_of_one_request_or_period(tasks: Kit, run: Run) -> None:
    _, _, entry = run("export", "-", "--format", "csv", "--request", "order-1002")[1].partition("\r\n")
    assert entry.startswith(SECOND_ID)
    assert run("export", "-", "--until", "2020-01-01")[:2] == (0, "")
    assert len(run("export", "-", "--since", "2020-01-01")[1].splitlines()) == 6


def test_an_export_that_makes_no_sense_leaves_no_file(tasks: Kit, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    assert run("export", str(file), "--since", "2026-01-02", "--until", "2026-01-01")[0] == 2
    assert (run("export", str(file), "--since", "yesterday")[0], list(tmp_path.iterdir())) == (1, [])


def test_the_audit_is_verified_on_the_stage_against_the_copy_that_it_keeps(
    tasks: Kit, stage: DeployedStage, archive: S3AuditArchive, run: Run
) -> None:
    stage.described["ledger"]["Outputs"].append({"OutputKey": "AuditBucketName", "OutputValue": ARCHIVE})
    status, out, _ = run("audit", "verify", TASK_ID, "--json")
    found = json.loads(out)
    assert (status, found["archive"], found["broken"]) == (0, ARCHIVE, 0)
    assert "not copied yet" in found["chains"][0]["notes"][0]
