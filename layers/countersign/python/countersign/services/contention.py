"""Lost races: read again and decide anew, a bounded number of times."""

import time
from collections.abc import Callable
from typing import TypeVar

from countersign.domain.errors import LedgerConflictError, LedgerUnavailableError
from countersign.retries import pause_seconds

ATTEMPTS = 12
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.4

Result = TypeVar("Result")


def retry_on_conflict(attempt: Callable[[], Result], pause: Callable[[float], None] = time.sleep) -> Result:
    """Return the attempt's result, starting it anew after each lost race.

    Args:
        attempt: Reads, decides and writes; must be safe to start anew.
        pause: Waits this many seconds, full jitter, doubling; tests pass their own.

    Raises:
        LedgerUnavailableError: Every attempt lost.
    """
    for number in range(ATTEMPTS):
        if number:
            pause(pause_seconds(number - 1, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))
        try:
            return attempt()
        except LedgerConflictError:
            continue
    raise LedgerUnavailableError(f"lost {ATTEMPTS} races for one item")
