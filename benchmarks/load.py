"""Load on the embedded cloud: approvals that wait all at once and are answered in a burst, and events with duplicates.

The emulator runs a few functions at once on this machine, and resumes one execution at a time, so its times are not
those of AWS. The result is whether anything is lost or happens twice, and how the figures grow with the number.
"""

import contextlib
import statistics
import time

import psutil

from benchmarks.clients import AT_ONCE, Approvals, Clients, Payments, Tally, a_cloud
from local.emulator.emulator import Emulator, group_members

SIZES = (100, 1_000)
"""The numbers of approvals that wait at once. Twice as many events are posted, three in ten of them twice."""

COLUMNS = ("p50", "p95", "p99", "a second", "s to end", "MB")

_MEGABYTE = 1_000_000


def measure() -> bool:
    """Print what happened at each size, and how it grew; return whether nothing was lost or happened twice."""
    print(f"load on the embedded cloud; milliseconds of one click, or of one event's POST, {AT_ONCE} at once:")
    _print_row("", ["lost", "twice", *COLUMNS])
    small, large = (_measured(size) for size in SIZES)
    for (before, after), name in zip(zip(small, large, strict=True), ("approvals", "events"), strict=True):
        growth = [f"{one / other:.2f} x" for one, other in zip(after[1], before[1], strict=True)]
        _print_row(f"{name}, {SIZES[1]} to {SIZES[0]}", ["", "", *growth])
    return all(counted.is_right for counted, _ in small + large)


def _measured(size: int) -> list[tuple[Tally, list[float]]]:
    """Return what the ledger says of approvals and of payments, and the figures of each."""
    with a_cloud() as (running, cloud):
        approvals = Approvals(cloud, [f"approval-{number}" for number in range(size)])
        twice = int(0.6 * size)
        payments = Payments(cloud, [f"payment-{number}" for number in range(2 * size - twice)], twice)
        return [_answered(running, approvals), _answered(running, payments)]


def _answered(running: Emulator, clients: Clients) -> tuple[Tally, list[float]]:
    """Start all requests, answer them in a burst, and print the row of it."""
    clients.start()
    clients.wait()
    began = time.perf_counter()
    milliseconds = clients.answer()
    seconds = time.perf_counter() - began
    megabytes = _resident_bytes(running) / _MEGABYTE
    counted = clients.tally()
    cuts = statistics.quantiles(milliseconds, n=100)
    to_end = time.perf_counter() - began
    figures = [cuts[49], cuts[94], cuts[98], len(milliseconds) / seconds, to_end, megabytes]
    cells = [len(counted.lost), len(counted.duplicated), *figures]
    _print_row(f"{len(milliseconds)} {clients.ends_as}", [f"{cell:.0f}" for cell in cells])
    return counted, figures


def _print_row(what: str, cells: list[str]) -> None:
    print(f"  {what:28}", *(f"{cell:>8}" for cell in cells), flush=True)


def _resident_bytes(running: Emulator) -> int:
    """Return the memory of the emulator and of its functions' processes."""
    resident = 0
    for process in group_members(running.pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            resident += process.memory_info().rss
    return resident
