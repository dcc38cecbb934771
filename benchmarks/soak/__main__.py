"""`python -m benchmarks.soak --steps 10000 --seed 1`: soak the kit, and print the figures.

Exits 1 on a violated invariant, with the shortest sequence of steps that leads to it and the seed to repeat it; or if a
long soak has not reached every state.
"""

import argparse
import sys
from collections import Counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.soak.faults import Kind
from benchmarks.soak.machine import Soak
from benchmarks.soak.scene import ACTIONS, SWEPT

ENOUGH_STEPS = 10_000
"""The number of steps that must reach every state."""

RARE = (
    "act answer",
    "act revise",
    "act withdraw",
    "decided in a later round",
    "ended while sent back",
    "take back 200",
)
"""The states of rounds and delegations that only a long soak must reach."""

_TASKS = ("APPLIED", "EXPIRED", "CANCELLED", "alarmed", "restored")
_EXECUTIONS = ("SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT")


def soak(machine: type[Soak], steps: int, chance: int) -> Counter[str]:
    """Run a machine for at least so many steps, and return its figures; the same seed gives the same steps.

    Args:
        machine: The machine.
        steps: The number of steps.
        chance: The seed.

    Raises:
        AssertionError: An invariant is violated; Hypothesis has added the steps that lead to it.
    """
    figures: Counter[str] = Counter()
    parts = 0
    while figures["steps"] < steps:
        parts += 1
        examples = max(2, (steps - figures["steps"]) // machine.steps)
        run_state_machine_as_test(
            seed(f"{chance}/{parts}")(type(machine.__name__, (machine,), {"figures": figures})),
            settings=settings(
                max_examples=examples,
                stateful_step_count=machine.steps,
                deadline=None,
                database=None,
                print_blob=False,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    return figures


def never_reached(figures: Counter[str]) -> list[str]:
    """Return the states that a soak has not reached."""
    return sorted({*ACTIONS, *Kind, *_TASKS, *_EXECUTIONS, *SWEPT, *RARE, "click 429"} - set(+figures))


def main() -> int:
    """Soak as the command line says; return 0 without a violation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Soak the kit.")
    parser.add_argument("--steps", type=int, default=10_000, help="the least number of steps (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same steps for the same seed (default: %(default)s)")
    options = parser.parse_args()
    try:
        figures = soak(Soak, options.steps, options.seed)
    except Exception:
        print(f"a violation; to repeat it: make soak STEPS={options.steps} SEED={options.seed}")
        raise
    print(" · ".join(f"{name} {number}" for name, number in sorted(figures.items())))
    never = never_reached(figures)
    if never:
        print(f"never reached: {', '.join(never)}")
    return 1 if never and options.steps >= ENOUGH_STEPS else 0


if __name__ == "__main__":
    sys.exit(main())
