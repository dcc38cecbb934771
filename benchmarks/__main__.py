"""Run every measurement, or those that are named, such as `python -m benchmarks cold_start providers`."""

import sys

from benchmarks import (
    click_to_applied,
    cold_start,
    layer,
    patterns,
    patterns_at_once,
    providers,
    review_page,
    round_trips,
    votes,
    webhook_burst,
    webhook_work,
)

MEASUREMENTS = {
    "cold_start": cold_start.measure,
    "layer": layer.measure,
    "round_trips": round_trips.measure,
    "votes": votes.measure,
    "webhook_work": webhook_work.measure,
    "review_page": review_page.measure,
    "providers": providers.measure,
    "patterns": patterns.measure,
    "patterns_at_once": patterns_at_once.measure,
    "click_to_applied": click_to_applied.measure,
    "webhook_burst": webhook_burst.measure,
}


def main(names: list[str]) -> int:
    """Print each measurement's lines; return 1 when one of them breaks its bound."""
    unknown = set(names) - set(MEASUREMENTS)
    if unknown:
        print(f"no measurement named {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
        return 2
    within = [MEASUREMENTS[name]() for name in names or MEASUREMENTS]
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
