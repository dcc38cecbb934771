"""Safe display: untrusted text made harmless; amounts, people and times as the reader writes them."""

import re
from datetime import UTC, datetime

from countersign.domain import money as amounts
from countersign.domain.identity import normalise, role_name
from countersign.domain.questions import Shown
from countersign.presentation import words

MAX_NAME_CHARACTERS = 64
"""The longest name of a person that is shown."""

MAX_ADDRESS_CHARACTERS = 254
"""The longest address that mail can carry (RFC 5321, §4.5.3.1.3)."""

_QUOTATION_MARKS = str.maketrans(dict.fromkeys('"“”„«»', "'"))

_TWO_DAYS = 2 * 86_400

_LINE_BREAKS = re.compile("\r\n|[\r\u000b\u000c\u0085\u2028\u2029]")
# Invisible characters that are harmless in honest text: zero-width spaces, direction marks, tags.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\ufeff\U000e0000-\U000e0fff]")
# Controls, bidirectional embeddings, overrides and isolates (https://www.unicode.org/reports/tr9/, "Trojan Source"),
# lone surrogates, which no encoder accepts, and noncharacters.
_DECEPTIVE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]+"
)
# Breaking spaces with all spaces around them, and several no-break spaces.
_SPACES = re.compile("\\s*[^\\S\u00a0\u202f]\\s*|[\u00a0\u202f]{2,}")
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
    """Return visible text on one line, with single spaces; a single no-break space stays.

    Args:
        text: Any text.
        limit: The most characters to return; a cut text ends in an ellipsis. None for all.
    """
    line = _SPACES.sub(" ", visible(text)).strip()
    if limit is None or len(line) <= limit:
        return line
    return f"{line[: limit - 1].rstrip()}…"


def moment(at: datetime) -> str:
    """Return an aware time in the reader's time zone: `Friday, 21 November 2025, 15:30 CET`. Dates never break."""
    local = _local(at)
    form = words.formats()
    text: str = form["moment"].format(
        weekday=form["weekdays"][local.weekday()],
        month=form["months"][local.month - 1],
        day=local.day,
        year=local.year,
        hour=f"{local:%H}",
        minute=f"{local:%M}",
        zone=_zone_name(local),
    )
    return text


def time_left(until: datetime, now: datetime) -> str:
    """Return the time left in words: from two days on, the days that the reader counts in a calendar.

    On a Friday, a deadline on the next Wednesday is five days ahead: `5 days left`. Hours and minutes are rounded down.
    """
    seconds = int((until - now).total_seconds())
    if seconds >= _TWO_DAYS:
        return words.say_count("left.days", (_local(until).date() - _local(now).date()).days)
    for unit, length, from_count in (("hours", 3_600, 2), ("minutes", 60, 1)):
        if seconds // length >= from_count:
            return words.say_count(f"left.{unit}", seconds // length)
    return words.say("left.moment")


def money(text: str) -> str:
    """Return an amount such as `1234567.5 EUR` as the reader writes it, without a space at which it could break.

    It is grouped, with the decimals of its currency by ISO 4217, and is never rounded: `1,234,567.50 EUR`. Any other
    text is returned unchanged.
    """
    parsed = amounts.parsed(text)
    if parsed is None:
        return text
    units, _, decimals = f"{parsed[0]:f}".partition(".")
    number = words.formats()["decimal"].join(filter(None, (words.grouped(units), decimals)))
    return f"{number}\N{NO-BREAK SPACE}{parsed[1]}"


def name_of(address: str) -> str:
    """Return a person's name in the directory, on one line; empty without one."""
    return single_line(words.READER.people.get(normalise(address), {}).get("name", ""), MAX_NAME_CHARACTERS)


def person(address: str) -> str:
    """Return a person on one line: `Maria Rossi (maria@example.com)`, or the address alone without a name."""
    name, shown = name_of(address), single_line(address, MAX_ADDRESS_CHARACTERS)
    return words.say("person", name=name, address=shown) if name else shown


def agent(question: Shown) -> str:
    """Return the name of the agent that asks, that of its role; empty if a person asks."""
    return role_name(question.agent)


def asker(question: Shown) -> str:
    """Return who asks, as `person` does; or an agent, `Agent invoices`."""
    return words.say("agent", name=agent(question)) if question.agent else person(question.requester)


def title(question: Shown, limit: int | None = None) -> str:
    """Return a title as `single_line` does, an agent's in quotation marks, which it cannot close itself."""
    line = single_line(question.title, limit)
    return words.say("agent.quoted", text=line.translate(_QUOTATION_MARKS)) if question.agent else line


def _local(at: datetime) -> datetime:
    return at.astimezone(words.time_zone(words.READER.time_zone) or UTC)


def _zone_name(local: datetime) -> str:
    """Return the usual abbreviation, such as `CET`, or the difference from UTC for a zone without letters."""
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{local:%:z}"
