"""Timelines in text form."""

from datetime import timedelta

from countersign.domain.audit import GENESIS, AuditEntry, AuditEvent
from countersign.domain.clock import to_text
from countersign.testing.builders import APPROVER, NOW, OTHER_APPROVER, TASK_ID, WORKFLOW
from operate.timeline import drawn, moments


def entry(seconds: int, event: AuditEvent) -> AuditEntry:
    return AuditEntry(TASK_ID, 1, to_text(NOW + timedelta(seconds=seconds)), event, "", GENESIS)


OPENED = entry(0, AuditEvent("opened", WORKFLOW, data={"audience": [APPROVER, OTHER_APPROVER]}))
VOTED = entry(90, AuditEvent("voted", APPROVER, data={"decision": "approve", "comment": "", "n": 2}))


def test_a_line_has_time_offset_event_actor_and_data() -> None:
    assert list(drawn(moments([VOTED, OPENED]), with_tasks=False)) == [
        f"2026-03-01 09:00:00Z          ● opened by {WORKFLOW}: audience {APPROVER} and {OTHER_APPROVER}",
        f"2026-03-01 09:01:30Z  +1m30s  ● voted by {APPROVER}: decision approve, n 2",
    ]
    (line,) = drawn(moments([OPENED]), with_tasks=True)
    assert f"● {TASK_ID}  opened by" in line


def test_a_long_comment_is_cut() -> None:
    (found,) = moments([entry(0, AuditEvent("voted", APPROVER, data={"comment": "x" * 1000}))])
    assert len(found.detail) == 160
    assert found.detail.endswith("…")
