"""Read and write addresses, times and spans of time on the command line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from countersign.domain.clock import moment_of
from countersign.domain.identity import is_address, normalise
from operate.errors import OperateError, usage

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST_SECONDS = 3_650 * 86_400


def address(text: str) -> str:
    """Return an e-mail address in the directory's form."""
    normal = normalise(text)
    if not is_address(normal):
        raise OperateError(f"ADDRESS must be an e-mail address, got: {text}")
    return normal


def moment(text: str) -> datetime:
    """Read a date or a time."""
    try:
        return moment_of(text)
    except (OverflowError, ValueError):
        raise OperateError(f"TIME must be a date or a time in ISO 8601, such as 2026-08-01, got: {text}") from None


def duration(text: str) -> timedelta:
    """Read a span of time; a number alone counts seconds."""
    found = re.fullmatch(r"([0-9]{1,10})([smhdw]?)", text.strip().lower())
    seconds = int(found[1]) * _SECONDS[found[2] or "s"] if found else 0
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise usage(f"SPAN must be a span of time up to ten years, such as 90s, 15m, 2h, 3d or 1w, got: {text}")
    return timedelta(seconds=seconds)


def in_words(span: timedelta) -> str:
    """Return a span in its two largest units, such as `2d4h`; with a minus sign if it is negative."""
    seconds = int(abs(span).total_seconds())
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        number, seconds = divmod(seconds, _SECONDS[unit])
        if number or parts:
            parts.append(f"{number}{unit}")
    return ("-" if span < timedelta() else "") + ("".join(part for part in parts[:2] if part[0] != "0") or "0s")


TaskId = Annotated[str, typer.Argument(metavar="TASK", help="Id of the task: <request id>.<name of the wait>.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", parser=address, help="E-mail address.")]
