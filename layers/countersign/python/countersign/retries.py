"""Retries: exponential backoff with full jitter, and a bounded retry after conflicting writes."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from countersign.domain.errors import LedgerConflictError, LedgerUnavailableError

ATTEMPTS = 12
"""How often a change is tried when other writers are faster."""

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.4

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def pause_seconds(attempt: int, first: float, longest: float) -> float:
    """Return the pause before the next attempt, in seconds.

    Full jitter after https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.

    Args:
        attempt: Number of the failed attempt, from 0.
        first: The upper bound after the first attempt, in seconds.
        longest: The upper bound of every pause, in seconds.
    """
    return random.uniform(0, min(first * 2**attempt, longest))  # noqa: S311  spreads attempts, keeps no secret  # nosec B311


def retry_on_conflict(attempt: Callable[[], Result], pause: Callable[[float], None] = time.sleep) -> Result:
    """Return the attempt's result; restart it after each conflicting write.

    Args:
        attempt: Reads, decides and writes; must be safe to restart.
        pause: Sleeps for this many seconds; tests pass their own.

    Raises:
        LedgerUnavailableError: Every attempt conflicted with another writer.
    """
    for number in range(ATTEMPTS):
        if number:
            pause(pause_seconds(number - 1, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))
        try:
            return attempt()
        except LedgerConflictError:
            continue
    raise LedgerUnavailableError(f"lost {ATTEMPTS} races for one item")


def retried(attempt: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorate a function that reads, decides and writes: restart it after each conflicting write."""

    @wraps(attempt)
    def until_written(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return retry_on_conflict(lambda: attempt(*args, **kwargs))

    return until_written
