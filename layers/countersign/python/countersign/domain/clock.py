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
    return moment.astimezone(UTC).strftime(_FORMAT)


def from_text(text: str) -> datetime:
    """Read what `to_text` wrote.

    Raises:
        ValueError: The text has another form.
    """
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
