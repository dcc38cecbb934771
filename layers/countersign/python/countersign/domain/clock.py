"""Time: one place that reads the clock, and the one text form that the ledger compares."""

from datetime import UTC, datetime
from typing import Protocol

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Clock(Protocol):
    """Where the time comes from; tests pass their own."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Return ISO 8601 in UTC with six decimals and `Z`: a fixed width, so that texts compare as the times do."""
    # strftime writes the year 1 in one digit; some systems send it where they have no time.
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def from_text(text: str) -> datetime:
    """Read what `to_text` wrote.

    Raises:
        ValueError: The text has another form.
    """
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)


def moment_of(text: str) -> datetime:
    """Read a date or a time in any form of ISO 8601, as people and other systems write it; UTC unless it says another.

    Raises:
        ValueError: It is neither.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
