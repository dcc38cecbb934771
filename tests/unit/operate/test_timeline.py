"""Timelines as text."""

from datetime import timedelta

from countersign.domain.audit import GENESIS, AuditEntry, AuditEvent
from countersign.domain.clock import to_text
from countersign.testing.builders import APPROVER, NOW, OTHER_APPROVER, TASK_ID, WORKFLOW
from operate.timeline import Moment, drawn, moments


def entry(seconds: int, event: AuditEvent, task_id: str = TASK_ID) -> AuditEntry:
    return AuditEntry(task_id, 1, to_text(NOW + timedelta(seconds=seconds)), event, "", GENESIS)


def moment(seconds: int = 0, event: str = "opened", detail: str = "", task_id: str = TASK_ID) -> Moment:
    return Moment(NOW + timedelta(seconds=seconds), task_id, event, WORKFLOW, detail)


def test_a_moment_says_what_happened_who_did_it_and_what_the_audit_knows_more() -> None:
    opened = AuditEvent("opened", WORKFLOW, data={"audience": [APPROVER, OTHER_APPROVER]})
    rung = AuditEvent("rung", "relay", data={"state": "delivered", "error": ""})
    voted = AuditEvent("voted", APPROVER, data={"decision": "approve", "comment": "Go", "superseded": False, "n": 2})
    said = [found.words for found in moments([entry(2, voted), entry(0, opened), entry(9, rung)])]
    assert said == [
        f"opened by {WORKFLOW}: audience {APPROVER} and {OTHER_APPROVER}",
        f"voted by {APPROVER}: decision approve, comment Go, n 2",
        "rung by relay: state delivered",
    ]


def test_a_long_comment_is_cut() -> None:
    (found,) = moments([entry(0, AuditEvent("voted", APPROVER, data={"comment": "x" * 1000}))])
    assert len(found.detail) == 160
    assert found.detail.endswith("…")


def test_lines_tell_the_time_and_how_much_later_and_the_task_where_there_are_several() -> None:
    lines = drawn([moment(), moment(90, "decided")], with_tasks=True)
    assert lines[0].startswith("2026-03-01 09:00:00Z")
    assert f"+1m30s  ● {TASK_ID}  decided by {WORKFLOW}" in lines[1]
    assert TASK_ID not in drawn([moment()], with_tasks=False)[0]
