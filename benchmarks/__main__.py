"""Run every measurement, or those that are named: `python -m benchmarks [cold_start] [layer] [click_to_applied]`."""

import sys

from benchmarks import click_to_applied, cold_start, layer

MEASUREMENTS = {"cold_start": cold_start.measure, "layer": layer.measure, "click_to_applied": click_to_applied.measure}


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
