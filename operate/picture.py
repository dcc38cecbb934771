"""A timeline as a picture: one SVG file, without scripts, fonts or anything else from outside.

Every moment is a row, with its time on the left and a dot on the line of its task. Built as a tree of elements, so that
whatever people wrote is text in it, and never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from operate.durations import in_words
from operate.terminal import clean
from operate.timeline import Moment

_ROW, _TOP, _MARGIN = 26, 76, 20
_TIMES = 172
"""Where the lines of the tasks begin, right of the times."""

_LANE = 22
_LETTER = 8
"""About how wide a letter of the text is, in pixels: a picture cannot measure."""

_LONG_AFTER = timedelta(hours=1)
_COLOURS = {
    "applied": "good",
    "cancelled": "bad",
    "decided": "decided",
    "escalated": "ask",
    "expired": "bad",
    "opened": "ask",
    "refused": "bad",
    "reminded": "ask",
    "resent": "ask",
    "sent": "ask",
    "voted": "decided",
}
_STYLE = """
svg { background: #ffffff; font: 13px system-ui, sans-serif; }
text { fill: #1f2328; } .quiet { fill: #59636e; } .title { font-size: 18px; font-weight: 600; }
.time { font: 12px ui-monospace, monospace; fill: #59636e; }
line { stroke: #d1d9e0; stroke-width: 2; } .gap { stroke-dasharray: 3 4; }
circle { fill: #818b98; stroke: #ffffff; stroke-width: 2; }
.ask { fill: #0969da; } .decided { fill: #8250df; } .good { fill: #1a7f37; } .bad { fill: #cf222e; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; } text { fill: #f0f6fc; } .quiet, .time { fill: #9198a1; }
  line { stroke: #3d444d; } circle { fill: #9198a1; stroke: #0d1117; }
  .ask { fill: #4493f8; } .decided { fill: #ab7df8; } .good { fill: #3fb950; } .bad { fill: #f85149; }
}
"""


def draw(title: str, timeline: Sequence[Moment]) -> str:
    """Return the picture of a timeline.

    Args:
        title: What it is of.
        timeline: What happened, the earliest first; at least one moment.
    """
    lanes = {task_id: number for number, task_id in enumerate(dict.fromkeys(moment.task_id for moment in timeline))}
    text_x = _TIMES + _LANE * len(lanes) + 4
    labels = [_label(moment, lanes) for moment in timeline]
    width = text_x + int(max(map(len, (*labels, title))) * _LETTER) + _MARGIN
    ys = _rows(timeline)
    height = ys[-1] + _ROW + _MARGIN
    root = _canvas(title, timeline, width, height)
    for task_id, lane in lanes.items():
        _draw_lane(root, [y for y, moment in zip(ys, timeline, strict=True) if moment.task_id == task_id], lane)
    for number, (y, moment) in enumerate(zip(ys, timeline, strict=True)):
        if number:
            _draw_gap(root, ys[number - 1], y, moment.at - timeline[number - 1].at, text_x)
        _text(root, _MARGIN, y + 4, f"{moment.at:%Y-%m-%d %H:%M:%S}", "time")
        circle = {"cx": _x(lanes[moment.task_id]), "cy": y, "r": 6, "class": _COLOURS.get(moment.event, "")}
        SubElement(root, "circle", {name: str(value) for name, value in circle.items()})
        _text(root, text_x, y + 4, labels[number])
    indent(root)
    return tostring(root, "unicode", xml_declaration=True) + "\n"


def _canvas(title: str, timeline: Sequence[Moment], width: int, height: int) -> Element:
    size = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    SubElement(root, "title").text = clean(title)
    SubElement(root, "style").text = _STYLE
    _text(root, _MARGIN, 32, title, "title")
    first, last = timeline[0].at, timeline[-1].at
    _text(
        root, _MARGIN, 52, f"{len(timeline)} entries of the audit, over {in_words(last - first)}; times in UTC", "quiet"
    )
    return root


def _rows(timeline: Sequence[Moment]) -> list[int]:
    """Return the height of each moment; long after the one before, a row is left free to say so."""
    ys = [_TOP + _ROW // 2]
    for before, moment in pairwise(timeline):
        ys.append(ys[-1] + _ROW * (2 if moment.at - before.at > _LONG_AFTER else 1))
    return ys


def _draw_lane(root: Element, ys: Sequence[int], lane: int) -> None:
    line = {"x1": _x(lane), "x2": _x(lane), "y1": ys[0], "y2": ys[-1]}
    SubElement(root, "line", {name: str(value) for name, value in line.items()})


def _draw_gap(root: Element, above: int, below: int, span: timedelta, text_x: int) -> None:
    if below - above > _ROW:
        _text(root, text_x, (above + below) // 2 + 4, f"{in_words(span)} later", "quiet")


def _label(moment: Moment, lanes: dict[str, int]) -> str:
    return f"{moment.task_id}  {moment.words}" if len(lanes) > 1 else moment.words


def _x(lane: int) -> int:
    return _TIMES + _LANE * lane + 8


def _text(root: Element, x: int, y: int, text: str, kind: str = "") -> None:
    attributes = {"x": str(x), "y": str(y)} | ({"class": kind} if kind else {})
    SubElement(root, "text", attributes).text = clean(text)
