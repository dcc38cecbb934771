"""Change the library at random places, and check that its tests fail: `make mutants`.

mutmut makes every mutant of `domain/`, `services/`, `workflows/` and `providers/`. For each of a sample it runs the
unit tests that call the changed function, and for `workflows/` those in `tests/workflows` too. A survivor is a change
that no test notices. The sample depends on the seed alone, so that it can be repeated.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutants"
"""The folder of the mutants. mutmut expects the library in `src/`."""

MUTATED = ("domain", "services", "workflows", "providers")
TESTED = (*MUTATED, "adapters", "approval", "contracts", "held_payment", "order_approval", "presentation", "review")
"""The folders below `tests/unit/` whose tests call them."""

BESIDE = (
    *("app.py", "benchmarks", "cdk.json", "docs", "extensions", "lambdas", "layers"),
    *("local", "operate", "settings", "stacks", "tools"),
)
"""The files that the tests read or import, besides the library and the tests."""

LEAST_SCORE = 80

KILLED = ("killed", "timeout", "segfault", "caught by type check")

# Tests that count invocations fail on a busy machine without a mutant, and those of traces when they run twice in one
# process. The upgrade check plays every workflow, which is slow.
LEFT_OUT = ("two_invocations", "traces", "upgrade_check")

# The random examples are the same in every run.
_CONFIGURATION = f"""
[tool.pytest.ini_options]
pythonpath = ["src", ".", "lambdas"]
addopts = ["--import-mode=importlib"]
timeout = 120

[tool.mutmut]
source_paths = ["src"]
only_mutate = {[f"src/countersign/{name}/*" for name in MUTATED]}
also_copy = {list(BESIDE)}
pytest_add_cli_args = ["--hypothesis-profile=ci", "-p", "no:cacheprovider", "-k", "not ({" or ".join(LEFT_OUT)})"]
pytest_add_cli_args_test_selection = {[*(f"tests/unit/{name}" for name in TESTED), "tests/workflows"]}
use_git_change_detection = false
"""


def main(
    count: Annotated[int, typer.Option(min=1, help="How many mutants.")] = 400,
    seed: Annotated[int, typer.Option(help="Which of them.")] = 1,
) -> int:
    """Print the score and the survivors; return 0 only if the tests noticed enough."""
    _copy()
    # Last on the path: the audit's environment has old versions of what the tests use.
    sys.path += map(str, (ROOT / ".local" / "audit-venv").glob("lib/python*/site-packages"))
    os.chdir(WORK)
    names = sample(_make(), count, seed)
    results = _run(names)
    score = 100 * sum(status in KILLED for status in results.values()) / len(results)
    for name, status in sorted(results.items()):
        if status not in KILLED:
            print(f"\n{status}: {name}\n{_difference(name)}")
    counted = ", ".join(f"{number} {status}" for status, number in Counter(results.values()).most_common())
    print(f"\nmutants: {score:.1f} % of {len(results)} noticed ({counted}), seed {seed}; {LEAST_SCORE} % must be")
    return 0 if score >= LEAST_SCORE else 1


def _hide_progress() -> None:
    """Leave out mutmut's line of progress, ten a second; to be called before mutmut imports it."""
    from mutmut.ui import terminal

    terminal.print_status = lambda *_, **__: None


def sample(names: list[str], count: int, seed: int) -> list[str]:
    """Return some of the mutants: the same for the same seed, whatever order they come in."""
    return random.Random(seed).sample(sorted(names), min(count, len(names)))  # noqa: S311  no secret  # nosec B311


def _copy() -> None:
    """Copy the checkout into the layout that mutmut expects."""
    shutil.rmtree(WORK, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    library = ROOT / "layers" / "countersign" / "python" / "countersign"
    shutil.copytree(library, WORK / "src" / "countersign", ignore=ignored)
    for name in (*BESIDE, "tests"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, WORK / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, WORK / name)
    (WORK / "pyproject.toml").write_text(_CONFIGURATION, encoding="utf-8")


def _make() -> list[str]:
    """Make every mutant, and return their names."""
    if not sys.stdout.isatty():
        _hide_progress()
    from mutmut import __main__ as mutmut

    Path("mutants").mkdir()
    mutmut.set_mutant_under_test("mutant_generation")
    with mutmut.CatchOutput(spinner_title="Generating mutants"):
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.setup_source_paths()
        mutmut.create_mutants(os.cpu_count() or 1)
    mutants, _ = mutmut.collect_source_file_mutation_data(mutant_names=())
    return [name for _, name, _ in mutants]


def _run(names: list[str]) -> dict[str, str]:
    """Run the tests of some mutants, and return how each ended."""
    from mutmut import __main__ as mutmut

    mutmut.collect_or_load_stats(mutmut.get_mutant_runner())
    for function, tests in mutmut.state().tests_by_mangled_function_name.items():
        if not function.startswith("countersign.workflows."):  # these tests wait for timers
            tests.difference_update([test for test in tests if test.startswith("tests/workflows/")])
    mutmut.save_stats()
    mutmut._run(names, os.cpu_count())  # noqa: SLF001  what its command line calls
    mutants, _ = mutmut.collect_source_file_mutation_data(mutant_names=names)
    return {name: mutmut.status_by_exit_code[result] for _, name, result in mutants}


def _difference(name: str) -> str:
    from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant

    return str(get_diff_for_mutant(name, path=find_mutant(name).path))


if __name__ == "__main__":
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    program.command()(main)
    sys.exit(program(standalone_mode=False))
