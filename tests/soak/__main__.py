"""`python -m tests.soak --steps 10000 --seed 1`: soak the kit, and print the figures.

Exits 1 on a violated invariant, with the shortest sequence of steps that leads to it and the seed to repeat it; or if a
long soak has not reached every state.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.figures import Figures
from tests.soak.machine import Soak
from tests.soak.scene import ACTIONS

ENOUGH_STEPS = 10_000
"""The number of steps that must reach every state."""

_PRINTED_EVERY = 500


def soak(machine: type[Soak], steps: int, chance: int, tell: Callable[[Figures], None] = lambda _: None) -> Figures:
    """Run a machine for at least so many steps; the same seed gives the same steps.

    Args:
        machine: The machine.
        steps: The number of steps.
        chance: The seed.
        tell: Receives the figures after each example.

    Raises:
        AssertionError: An invariant is violated; Hypothesis has added the steps that lead to it.
    """
    figures = Figures()
    parts = 0
    while figures.steps < steps:
        parts += 1
        seeded = seed(f"{chance}/{parts}")(
            type(machine.__name__, (machine,), {"figures": figures, "tell": staticmethod(tell)})
        )
        examples = max(2, (steps - figures.steps) // machine.steps)
        run_state_machine_as_test(
            seeded,
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak as the command line says; return 0 without a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Soak the kit.")
    parser.add_argument("--steps", type=int, default=10_000, help="the least number of steps (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same steps for the same seed (default: %(default)s)")
    options = parser.parse_args(arguments)
    progress = _Progress()
    try:
        figures = soak(Soak, options.steps, options.seed, progress.tell)
    except Exception as error:  # noqa: BLE001  every error ends the soak and is printed
        traceback.print_exception(error)
        progress.figures.violations.append(str(error))
        print(f"a violation; to repeat it: make soak STEPS={options.steps} SEED={options.seed}")
        print(progress.figures.line())
        return 1
    never = figures.never(ACTIONS)
    if never:
        print(f"never reached: {', '.join(never)}")
    print(figures.line())
    return 1 if never and options.steps >= ENOUGH_STEPS else 0


class _Progress:
    """Prints the progress."""

    def __init__(self) -> None:
        self.figures = Figures()
        self._printed = 0

    def tell(self, figures: Figures) -> None:
        self.figures = figures
        if figures.steps >= self._printed + _PRINTED_EVERY:
            self._printed = figures.steps
            print(f"{figures.steps} steps, {figures.tasks} tasks, {figures.faults.total()} faults", flush=True)


if __name__ == "__main__":
    sys.exit(main())
