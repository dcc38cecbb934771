"""Time: the one place that reads the clock, and the text form that the ledger compares."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of the time; tests pass their own."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Return ISO 8601 in UTC with six decimals and `Z`: its fixed width makes texts sort like times."""
    # strftime writes the year 1, which some systems send for no time, with one digit.
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def from_text(text: str) -> datetime:
    """Read a text of `to_text`.

    Raises:
        ValueError: The text has another form.
    """
    # Not by strptime, whose own first call is a hundredth of a page's cold start.
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or to_text(moment) != text:
        raise ValueError(f"{text!r} is not a time such as 2026-03-01T09:00:00.000000Z")
    return moment


def moment_of(text: str) -> datetime:
    """Read a date or a time in any form of ISO 8601; without a zone it is UTC.

    Raises:
        ValueError: The text has another form.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
