"""Safe display: untrusted text made harmless, and times in words."""

import re
from datetime import UTC, datetime, timedelta

from countersign.presentation import words

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
    break becomes a line feed. The text is not escaped: `markup` does that.
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
