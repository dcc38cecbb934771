"""Run every measurement, or the named ones: `python -m benchmarks cold_start patterns`."""

import sys

from benchmarks import client_import, cold_start, patterns, webhook_work

MEASUREMENTS = {
    "cold_start": cold_start.measure,
    "client_import": client_import.measure,
    "webhook_work": webhook_work.measure,
    "patterns": patterns.measure,
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
