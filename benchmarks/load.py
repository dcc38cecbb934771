"""Load on the embedded cloud: approvals that wait all at once and are answered in a burst, and events with duplicates.

The emulator runs a few functions at once, on this machine: its times are no times of AWS. What counts is that nothing
is lost or happens twice, and how the figures grow with the number.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clients import Approvals, Payments, Tally, tally
from local.emulator.emulator import Emulator
from local.emulator.processes import group_members
from local.launch import bring_up, take_down

SIZES = (100, 1_000)
"""How many approvals wait at once. Twice as many events are posted, three in ten of them a second time."""

COLUMNS = ("p50", "p95", "p99", "a second", "MB")

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Burst:
    """How a burst of answers went.

    Attributes:
        what: What was answered, and how.
        counted: What the ledger says afterwards.
        figures: By the heading of their column: milliseconds, answers a second, megabytes.
    """

    what: str
    counted: Tally
    figures: dict[str, float]


def measure() -> bool:
    """Print what happened at each size, and how it grew; tell whether nothing was lost or happened twice."""
    print("load on the embedded cloud; milliseconds of one click, or of one event's POST, 8 at once:")
    _row("", ["lost", "twice", *COLUMNS])
    bursts = [_measured(size) for size in SIZES]
    small, large = bursts[0], bursts[-1]
    for before, after in zip(small, large, strict=True):
        growth = [f"{after.figures[column] / before.figures[column]:.2f} x" for column in COLUMNS]
        _row(f"{after.what}, to {before.what}", ["", "", *growth])
    return all(burst.counted.is_right for size in bursts for burst in size)


def _measured(size: int) -> list[Burst]:
    with _a_cloud() as (running, crowds):
        bursts = []
        for crowd in crowds(size):
            crowd.start()
            crowd.wait()
            began = time.perf_counter()
            milliseconds = crowd.answer()
            seconds = time.perf_counter() - began
            cuts = statistics.quantiles(milliseconds, n=100)
            values = (cuts[49], cuts[94], cuts[98], len(milliseconds) / seconds, _resident_bytes(running) / _MEGABYTE)
            figures = dict(zip(COLUMNS, values, strict=True))
            burst = Burst(f"{len(milliseconds)} {crowd.ends_as}", tally(crowd.cloud, crowd), figures)
            lost, twice = len(burst.counted.lost), len(burst.counted.duplicated)
            _row(burst.what, [f"{lost}", f"{twice}", *(f"{value:.0f}" for value in values)])
            bursts.append(burst)
    return bursts


def _row(what: str, cells: list[str]) -> None:
    print(f"  {what:28}", *(f"{cell:>8}" for cell in cells), flush=True)


@contextlib.contextmanager
def _a_cloud() -> Iterator[tuple[Emulator, Callable[[int], tuple[Approvals, Payments]]]]:
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as ending:
        ending.callback(take_down, Path(home))
        running, cloud = bring_up(Path(home), with_parent=True)

        def crowds(size: int) -> tuple[Approvals, Payments]:
            duplicates = int(0.6 * size)
            return (
                Approvals(cloud, [f"approval-{number}" for number in range(size)]),
                Payments(cloud, [f"payment-{number}" for number in range(2 * size - duplicates)], duplicates),
            )

        yield running, crowds


def _resident_bytes(running: Emulator) -> int:
    """Return the memory of the emulator and of its functions' processes."""
    pages = 0
    for process in group_members(running.pid):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * 4096
