"""Pauses between attempts: doubling, capped, with full jitter, so that those who lost together part."""

import random


def pause_seconds(attempt: int, first: float, longest: float) -> float:
    """Return how long to wait before the next attempt.

    Full jitter after https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.

    Args:
        attempt: Number of the attempt that failed, from 0.
        first: The longest pause after the first attempt, in seconds.
        longest: The longest pause of all, in seconds.
    """
    return random.uniform(0, min(first * 2**attempt, longest))  # noqa: S311  spreads attempts, keeps no secret  # nosec B311
