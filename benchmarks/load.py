"""Load on the embedded cloud: approvals that wait all at once and are answered in a burst, and events with duplicates.

The emulator runs a few functions at once, on this machine: its times are no times of AWS. What counts is that nothing
is lost or happens twice, and how the figures grow with the number.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.crowd import Approvals, Payments, Tally, tally
from local.emulator import Emulator
from local.launch import bring_up, take_down
from local.processes import group_members

SIZES = (100, 1_000)
"""How many approvals wait at once. Twice as many events are posted, three in ten of them a second time."""

_MEGABYTE = 1_000_000


def measure() -> bool:
    """Print what happened at each size; tell whether nothing was lost or happened twice."""
    print("load on the embedded cloud; milliseconds of one click, or of one event's POST, 8 at once:")
    print(f"  {'':22} {'lost':>5} {'twice':>6} {'p50':>6} {'p95':>6} {'p99':>6} {'per second':>11} {'memory':>9}")
    kept = [_measured(size) for size in SIZES]
    return all(kept)


def _measured(size: int) -> bool:
    with _a_cloud() as (running, approvals_and_payments):
        kept = []
        for crowd in approvals_and_payments(size):
            crowd.start()
            crowd.wait()
            began = time.perf_counter()
            milliseconds = crowd.answer()
            seconds = time.perf_counter() - began
            counted = tally(crowd.cloud, crowd)
            _print(f"{len(milliseconds)} {crowd.ends_as}", counted, milliseconds, seconds, running)
            kept.append(counted.is_right)
    return all(kept)


def _print(what: str, counted: Tally, milliseconds: list[float], seconds: float, running: Emulator) -> None:
    cuts = statistics.quantiles(milliseconds, n=100)
    print(
        f"  {what:22} {len(counted.lost):5} {len(counted.duplicated):6} {cuts[49]:6.0f} {cuts[94]:6.0f} {cuts[98]:6.0f}"
        f" {len(milliseconds) / seconds:11.1f} {_resident_bytes(running) / _MEGABYTE:6.0f} MB",
        flush=True,
    )


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
