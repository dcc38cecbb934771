"""Spans of time as operators write and read them: `90s`, `15m`, `2h`, `3d`, `1w`."""

from __future__ import annotations

import re
from datetime import timedelta

from operate.errors import usage

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST_SECONDS = 3_650 * 86_400


def duration(text: str) -> timedelta:
    """Read a span of time; a number alone counts seconds.

    Raises:
        OperateError: It is none, or longer than ten years.
    """
    found = re.fullmatch(r"([0-9]{1,10})([smhdw]?)", text.strip().lower())
    seconds = int(found[1]) * _SECONDS[found[2] or "s"] if found else 0
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise usage(f"must be a span of time up to ten years, got: {text}", "Write 90s, 15m, 2h, 3d or 1w.")
    return timedelta(seconds=seconds)


def in_words(span: timedelta) -> str:
    """Return a span by its two largest units, such as `2d4h`; with a minus when it is over."""
    seconds = int(abs(span).total_seconds())
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        number, seconds = divmod(seconds, _SECONDS[unit])
        if number or parts:
            parts.append(f"{number}{unit}")
    return ("-" if span < timedelta() else "") + ("".join(part for part in parts[:2] if part[0] != "0") or "0s")
