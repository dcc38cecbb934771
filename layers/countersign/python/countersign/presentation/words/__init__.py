"""Every word that people read, on pages and in mails: one module a language, named by its tag, such as `de`.

Pages and messages are for one reader at a time, and a function serves one request at a time. So the reader's language,
time zone and directory are set once for each (`reading`, `turn_to`), and no other function takes them.

To add a language, add its module and run `python -m tools.formats`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, tzinfo
from functools import cache
from importlib import import_module
from typing import Any

from countersign.domain.identity import normalise
from countersign.domain.questions import Person
from countersign.presentation.formats import FORMATS

ENGLISH = "en"
"""The language in which no text is missing."""

_MOST_CHOICES, _LONGEST_HEADER = 20, 500

_CATEGORIES = ("zero", "one", "two", "few", "many", "other")
"""CLDR's categories of counts, in the order of the digits in `plurals` of the formats."""


class Reader:
    """The person for whom a page or a message is made.

    Attributes:
        language: The tag of a language with a module.
        time_zone: An IANA time zone; an unknown one counts as UTC.
        people: What the directory says about people, by address.
    """

    language: str = ENGLISH
    time_zone: str = "UTC"
    people: Mapping[str, Person] = {}


READER = Reader()
"""The current reader."""


@contextmanager
def reading(language: str = "", time_zone: str = "") -> Iterator[None]:
    """Make pages and messages in a language and a time zone within the block; empty ones stay as they are."""
    before = dict(vars(READER))
    READER.language, READER.time_zone = language or READER.language, time_zone or READER.time_zone
    try:
        yield
    finally:
        vars(READER).clear()
        vars(READER).update(before)


def turn_to(reader: str, people: Mapping[str, Person]) -> None:
    """Go on, within `reading`, for one person, in their own language and time zone if the directory has them.

    Args:
        reader: The person's address.
        people: What the directory says about people, by normalised address: their names are shown.
    """
    person = people.get(normalise(reader), {})
    if person.get("language") in languages():
        READER.language = person["language"]
    if time_zone(person.get("time_zone", "")):
        READER.time_zone = person["time_zone"]
    READER.people = people


def accepted(header: str) -> str:
    """Return the language that a browser prefers among those there are; empty if it names none.

    Args:
        header: `Accept-Language` (RFC 9110, §12.5.4); of a tag such as `de-AT`, the language counts. What is malformed,
            and all after the first 20 languages, is ignored.
    """
    best, weight = "", 0.0
    for choice in header[:_LONGEST_HEADER].split(",")[:_MOST_CHOICES]:
        tag, _, parameter = choice.lower().partition(";")
        language, quality = tag.strip().partition("-")[0], _quality(parameter)
        if quality > weight and language in FORMATS:
            best, weight = language, quality
    return best


def _quality(parameter: str) -> float:
    """Return the weight of a choice of `Accept-Language`: 1 without one, 0 for a malformed one."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    is_number = name == "q" and value.replace(".", "", 1).isdecimal()
    return quality if is_number and (quality := float(value)) <= 1 else 0.0


def languages() -> frozenset[str]:
    """Return the tags of all languages."""
    return frozenset(FORMATS)


@cache
def time_zone(name: str) -> tzinfo | None:
    """Return a time zone by its name in IANA's data, such as `Europe/Berlin`; None if it has no such zone."""
    if name in ("", "UTC"):
        return UTC if name else None
    # Imported here: most stages show UTC, and time zones would slow the cold start of their pages.
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):  # unknown, a folder, not a relative path
        return None


def catalogue() -> Mapping[str, str]:
    """Return the texts of the reader's language, by key."""
    return _texts(READER.language)


def formats() -> Mapping[str, Any]:
    """Return how the reader's language writes numbers, amounts, dates and counts."""
    return FORMATS[READER.language]


def say(key: str, /, **values: object) -> str:
    """Return a text with its values filled in.

    Args:
        key: The text's key, such as `review.approve`.
        **values: The values for the names in braces; must be safe to show, they are inserted unchanged. Numbers are
            grouped.

    Raises:
        LookupError: No text has this key, or a value is missing.
    """
    said = {name: number(value) if isinstance(value, int) else value for name, value in values.items()}
    return catalogue()[key].format_map(said)


def label(text: str) -> str:
    """Return a row's label in the reader's language if it is one of the kit's own; any other unchanged."""
    return catalogue().get(f"label.{text}", text)


def say_count(key: str, count: int) -> str:
    """Return the text for a count, with `{count}` filled in; `key` is without its category, such as `.one`."""
    return say(f"{key}.{category(count)}", count=count)


def category(count: int) -> str:
    """Return the category of a count, not negative, in the reader's language, such as `one` or `other`."""
    return _CATEGORIES[int(formats()["plurals"][count if count < 200 else 100 + count % 100])]


def number(value: int) -> str:
    """Return a number, not negative, with its digits in groups."""
    return grouped(str(value))


def grouped(digits: str) -> str:
    """Return digits in groups: by thousands, or as the language does."""
    form = formats()
    first, others = form["grouping"]
    groups = [digits[-first:]]
    rest = digits[:-first]
    while rest:
        groups.insert(0, rest[-others:])
        rest = rest[:-others]
    return str(form["group"]).join(groups)


def listed(items: Sequence[str], joined: Callable[..., str] = say) -> str:
    """Return items in one text: `first, second and third`; empty for none.

    Args:
        items: The items.
        joined: Returns a text of the catalogue, such as `say` or `markup.say`.
    """
    *others, last = items or ("",)
    if not others:
        return last
    text = joined("people.two", first=others.pop(), last=last)
    for item in reversed(others):
        text = joined("people.more", first=item, last=text)
    return text


@cache
def _texts(language: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = import_module(f"{__name__}.{language}").TEXTS
    return texts
