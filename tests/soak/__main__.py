"""`python -m tests.soak --steps 10000 --seed 1`: soak the kit, say how it goes, and end with the figures.

Exits 1 when something that must hold did not, with the shortest way there that was found, and the seed to repeat it;
or when a long soak has not reached everything.
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
"""With so many, everything must have been reached."""

_TOLD_EVERY = 500


def soak(machine: type[Soak], steps: int, chance: int, tell: Callable[[Figures], None] = lambda _: None) -> Figures:
    """Let a machine make at least so many steps: the same ones for the same seed.

    Args:
        machine: What is soaked.
        steps: How many steps.
        chance: The seed.
        tell: Is told of the figures after each example.

    Raises:
        AssertionError: Something that must hold did not; Hypothesis has added how to get there.
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
    """Soak as the command line says; return 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Soak the kit.")
    parser.add_argument("--steps", type=int, default=10_000, help="how many steps at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same steps for the same seed (default: %(default)s)")
    options = parser.parse_args(arguments)
    progress = _Progress()
    try:
        figures = soak(Soak, options.steps, options.seed, progress.tell)
    except Exception as error:  # noqa: BLE001  whatever it is, it ends the soak and is told
        traceback.print_exception(error)
        progress.figures.violations.append(str(error))
        print(f"a violation; to repeat it: make soak STEPS={options.steps} SEED={options.seed}")
        print(progress.figures.line())
        return 1
    never = figures.never(ACTIONS)
    if never:
        print(f"never reached, so that nothing is proven of it: {', '.join(never)}")
    print(figures.line())
    return 1 if never and options.steps >= ENOUGH_STEPS else 0


class _Progress:
    """Prints a line now and then."""

    def __init__(self) -> None:
        self.figures = Figures()
        self._told = 0

    def tell(self, figures: Figures) -> None:
        self.figures = figures
        if figures.steps >= self._told + _TOLD_EVERY:
            self._told = figures.steps
            print(f"{figures.steps} steps, {figures.tasks} tasks, {figures.faults.total()} faults", flush=True)


if __name__ == "__main__":
    sys.exit(main())
