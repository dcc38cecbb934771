"""Safe display: untrusted text made harmless, times in words, and the template environment that applies both.

Jinja2 is imported with the first template: its import slows a cold start, and most answers do not need it.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countersign.presentation import words

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_LINE_BREAKS = re.compile("\r\n|[\r\u000b\u000c\u0085\u2028\u2029]")
# Invisible characters that are harmless in honest text: zero-width spaces, direction marks, tags.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\ufeff\U000e0000-\U000e0fff]")
# Controls, bidirectional embeddings, overrides and isolates (https://www.unicode.org/reports/tr9/, "Trojan Source"),
# lone surrogates, which no encoder accepts, and noncharacters.
_DECEPTIVE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]+"
)
# No living script needs four marks on one letter; hundreds cover the lines above.
_STACKED_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def visible(text: str) -> str:
    """Return text without control, invisible or direction-changing characters.

    Deceptive characters are replaced by U+FFFD, so that a reader notices them; invisible ones are removed. Every line
    break becomes a line feed. The text is not escaped: templates do that.
    """
    text = _LINE_BREAKS.sub("\n", text).replace("\t", " ")
    text = _UNSEEN.sub("", text)
    text = _DECEPTIVE.sub("\ufffd", text)
    return _STACKED_MARKS.sub(r"\1", text)


def single_line(text: str, limit: int | None = None) -> str:
    """Return visible text on one line, with single spaces.

    Args:
        text: Any text.
        limit: The most characters to return; a cut text ends in an ellipsis. None for all.
    """
    line = " ".join(visible(text).split())
    if limit is None or len(line) <= limit:
        return line
    return f"{line[: limit - 1].rstrip()}…"


def moment(at: datetime) -> str:
    """Return an aware time in words, in UTC: `Friday, 21 November 2025, 14:30 UTC`."""
    return words.say("moment", at=at.astimezone(UTC))


def time_left(left: timedelta) -> str:
    """Return the time left in words, rounded down: `2 days left`."""
    for unit, seconds, from_count in (("days", 86_400, 2), ("hours", 3_600, 2), ("minutes", 60, 1)):
        count = int(left.total_seconds() // seconds)
        if count >= from_count:
            return words.say_count(f"left.{unit}", count)
    return words.say("left.moment")


@cache
def environment(folder: Path) -> "Environment":
    """Return the template environment of a folder, made once.

    Every printed value is made `visible` and escaped; neither can be turned off. Templates have `say(key, …)` for a
    text whose values are isolated in `<bdi>`, `words(key, …)` for the same as plain text (in attributes and the title),
    and the filters `single_line`, `time_left` and `time`, a time in its HTML element.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.globals.update(say=_say, words=words.say)
    templates.filters |= {"single_line": single_line, "time": _time, "time_left": time_left}
    return templates


def _finalize(value: Any) -> Any:
    # Markup comes from this module or a macro, and its values have passed through here.
    return value if hasattr(value, "__html__") or not isinstance(value, str) else visible(value)


def _say(key: str, **values: object) -> "Markup":
    from markupsafe import escape

    return escape(words.TEXTS[key]).format(**{name: _isolated(value) for name, value in values.items()})


def _isolated(value: object) -> object:
    from markupsafe import Markup

    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return Markup("<bdi>{}</bdi>").format(visible(value))


def _time(at: datetime) -> "Markup":
    from markupsafe import Markup

    machine = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{}</time>').format(machine, moment(at))
