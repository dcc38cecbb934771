"""Every test, in processes side by side: `make test`.

Tests that share a long set-up share a process. Two come first, since most of their time they wait: the end-to-end tests
for the embedded cloud, and those of workflows for deadlines. The other processes, which have a lower priority, use the
processor meanwhile.
"""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
FORK = "tests/e2e/test_fork.py"
"""It has an embedded cloud of its own, so it need not wait for the other end-to-end tests."""

CLOUDS = "tests/integration/local"
"""They start embedded clouds of their own, and wait."""

TOGETHER = {
    "end to end": ("tests/e2e", f"--ignore={FORK}"),
    "workflows": ("tests/workflows",),
    "embedded clouds": (CLOUDS, FORK),
    "infrastructure": ("tests/infra",),
    "integration": ("tests/integration", f"--ignore={CLOUDS}"),
}
FIRST = ("end to end", "workflows")
LOWER = 5
"""What `nice` adds for the other processes."""

NO_TESTS = 5
"""Exit code of pytest when its arguments select none: https://docs.pytest.org/en/stable/reference/exit-codes.html."""


def groups() -> dict[str, Sequence[str]]:
    """Return the arguments that select each group of tests, by its name: every folder is in one of them."""
    named = {argument for arguments in TOGETHER.values() for argument in arguments}
    found = {"/".join(file.relative_to(ROOT).parts[:2]) for file in ROOT.glob("tests/**/test_*.py")}
    return {**TOGETHER, "unit and the rest": (*sorted(found - named), "extensions/tests")}


def main(arguments: Sequence[str]) -> int:
    """Run every group with these further arguments of pytest, or the files that they name; return 0 if none failed."""
    if any(each.startswith(("tests/", "extensions/")) for each in arguments):
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=ROOT)
    began, counted, failed = time.monotonic(), Counter[str](), False
    with TemporaryDirectory() as folder:
        running = {name: _start(name, (*selected, *arguments), Path(folder)) for name, selected in groups().items()}
        try:
            while running:
                time.sleep(0.2)
                for name in [name for name, process in running.items() if process.poll() is not None]:
                    is_bad = running.pop(name).returncode not in (0, NO_TESTS)
                    output = (Path(folder) / name).read_text("utf-8", "replace").rstrip()
                    summary = output.rpartition("\n")[2]
                    print(f"{name}: {output if is_bad else summary}", flush=True)
                    counted.update({word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", summary)})
                    failed = failed or is_bad
        finally:
            for process in running.values():
                process.terminate()
    counts = ", ".join(f"{counted[word]:,} {word}" for word in ("passed", "failed", "skipped"))
    print(f"all: {counts} in {time.monotonic() - began:.0f} s")
    return int(failed)


def _start(name: str, arguments: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    lower = 0 if name in FIRST else LOWER
    command = ["nice", "-n", str(lower), sys.executable, "-m", "pytest", "-q", *arguments]
    with (folder / name).open("wb") as output:
        return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
