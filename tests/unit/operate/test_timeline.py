"""Timelines, as text and as a picture."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from countersign.domain.audit import GENESIS, AuditEntry, AuditEvent
from countersign.domain.clock import to_text
from operate.picture import draw
from operate.timeline import Moment, drawn, moments
from tests.builders import APPROVER, NOW, OTHER_APPROVER, TASK_ID, WORKFLOW

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script> & \x1b[31m\x00\u202e"


def entry(seconds: int, event: AuditEvent, task_id: str = TASK_ID) -> AuditEntry:
    return AuditEntry(task_id, 1, to_text(NOW + timedelta(seconds=seconds)), event, "", GENESIS)


def moment(seconds: int = 0, event: str = "opened", detail: str = "", task_id: str = TASK_ID) -> Moment:
    return Moment(NOW + timedelta(seconds=seconds), task_id, event, WORKFLOW, detail)


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{SVG}text")]


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


def test_the_picture_is_well_formed_and_shows_every_moment_in_order() -> None:
    shown = texts(draw("Request order-1001", [moment(), moment(5, "voted"), moment(6, "decided")]))
    assert shown[0] == "Request order-1001"
    labels = [text for text in shown if " by " in text]
    assert labels == [f"{event} by {WORKFLOW}" for event in ("opened", "voted", "decided")]


def test_what_people_wrote_is_text_in_the_picture_and_never_markup() -> None:
    picture = draw(HOSTILE, [moment(detail=HOSTILE)])
    root = ET.fromstring(picture)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "style",
        "text",
        "line",
        "circle",
    }
    assert sum("</text><script>alert(1)</script> & �[31m��" in text for text in texts(picture)) == 2


def test_each_task_has_a_line_of_its_own_and_long_pauses_are_told() -> None:
    first, second = f"{TASK_ID}-1", f"{TASK_ID}-2"
    picture = draw("x", [moment(task_id=first), moment(7_200, task_id=second)])
    dots = [circle.get("cx") for circle in ET.fromstring(picture).iter(f"{SVG}circle")]
    assert len(set(dots)) == 2
    assert "2h later" in texts(picture)
    assert any(text.startswith(first) for text in texts(picture))


@pytest.mark.parametrize("letters", [1, 300])
def test_the_picture_is_wide_enough_for_its_longest_line_and_high_enough_for_all(letters: int) -> None:
    root = ET.fromstring(draw("x", [moment(second, detail="m" * letters) for second in range(40)]))
    width, height = int(root.get("width", "0")), int(root.get("height", "0"))
    assert width > letters * 7
    assert max(int(circle.get("cy", "0")) for circle in root.iter(f"{SVG}circle")) < height
