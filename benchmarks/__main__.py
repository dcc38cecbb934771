"""Run every measurement, or those that are named, such as `python -m benchmarks cold_start providers`."""

import sys

from benchmarks import (
    cold_start,
    layer,
    load,
    patterns,
    providers,
    review_page,
    round_trips,
    votes,
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
    "patterns_at_once": load.patterns_at_once,
    "click_to_applied": load.click_to_applied,
    "webhook_burst": load.webhook_burst,
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
