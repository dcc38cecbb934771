"""Load on the embedded cloud: approvals that wait all at once and are answered in a burst, and events with duplicates.

The emulator runs a few functions at once on this machine, and resumes one execution at a time: its times are no times
of AWS. What counts is that nothing is lost or happens twice, and how the figures grow with the number.
"""

import contextlib
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clients import AT_ONCE, Approvals, Payments, Tally, status_of, tally, until
from local.demo.demo import DemoError
from local.demo.scripts import SCRIPTS
from local.demo.showcase import SCENARIOS, PatternDemo, answer_all
from local.emulator.emulator import Emulator
from local.emulator.processes import group_members
from local.launch import bring_up, take_down
from operate.embedded.cloud import Cloud

SIZES = (100, 1_000)
"""How many approvals wait at once. Twice as many events are posted, three in ten of them a second time."""

COLUMNS = ("p50", "p95", "p99", "a second", "MB")

EVENTS, DUPLICATES = 500, 150

CLICKS = 20
WARM_UP = 16
"""Answers that are not measured: the first ones start the functions' processes."""

BOUND_SECONDS = 2.0

PATTERN = "parallel-checks"
RUNS = 200

_MEGABYTE = 1_000_000
_LOOK_SECONDS = 0.01


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
    _print_heading()
    bursts = [_measured(size) for size in SIZES]
    small, large = bursts[0], bursts[-1]
    for before, after in zip(small, large, strict=True):
        growth = [f"{after.figures[column] / before.figures[column]:.2f} x" for column in COLUMNS]
        _print_row(f"{after.what}, to {before.what}", ["", "", *growth])
    return all(burst.counted.is_right for size in bursts for burst in size)


def webhook_burst() -> bool:
    """Print how a burst of payment events went, many sent twice, all functions warm; tell whether each counted once."""
    _print_heading()
    with _a_cloud() as (running, cloud):
        warm_up = Payments(cloud, [f"warm-up-{number}" for number in range(WARM_UP)])
        warm_up.start()
        warm_up.wait()
        warm_up.answer()
        return _answered(running, _payments(cloud, EVENTS, DUPLICATES)).counted.is_right


def click_to_applied() -> bool:
    """Print the seconds from an accepted click to the task being APPLIED; tell whether the median keeps its bound."""
    with _a_cloud() as (_, cloud):
        approvals = _approvals(cloud, WARM_UP + CLICKS)
        approvals.start()
        approvals.wait()
        seconds = [_seconds_to_applied(approvals, request_id) for request_id in approvals.ids][WARM_UP:]
    median = statistics.median(seconds)
    print(f"click to APPLIED on the embedded cloud, {CLICKS} approvals, warm:")
    print(f"  median {median:.2f} s (under {BOUND_SECONDS:.0f}), from {min(seconds):.2f} to {max(seconds):.2f} s")
    return median < BOUND_SECONDS


def patterns_at_once() -> bool:
    """Print how many runs of a pattern, all at once, ended as they should, and in which time; tell whether all did."""
    with _a_cloud() as (_, cloud):
        made = [SCENARIOS[PATTERN](cloud=cloud, request_id=f"at-once-{number}", tell=_mute) for number in range(RUNS)]
        demos = [demo for demo in made if isinstance(demo, PatternDemo)]
        began = time.perf_counter()
        for demo in demos:
            demo.start()
        started = time.perf_counter() - began
        try:
            answer_all(cloud, demos)
        except DemoError as error:
            print(f"  {error}")
        seconds = time.perf_counter() - began
        reports = [demo.ended_report() or {} for demo in demos]
    statuses = Counter(report.get("status", "none") for report in reports)
    right = [report.get("result") for report in reports].count(SCRIPTS[PATTERN]["happy"].result)
    print(f"{RUNS} runs of {PATTERN} at once on the embedded cloud, two tasks each:")
    print(f"  started in {started:.0f} s, all over after {seconds:.0f} s")
    print(f"  {right} of {RUNS} ended right; all ends: {dict(statuses)}")
    return right == RUNS


def _measured(size: int) -> list[Burst]:
    with _a_cloud() as (running, cloud):
        clients = (_approvals(cloud, size), _payments(cloud, 2 * size, int(0.6 * size)))
        return [_answered(running, each) for each in clients]


def _answered(running: Emulator, clients: Approvals | Payments) -> Burst:
    """Have everything asked for, then answered in a burst, and print the row of it."""
    clients.start()
    clients.wait()
    began = time.perf_counter()
    milliseconds = clients.answer()
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(milliseconds, n=100)
    values = (cuts[49], cuts[94], cuts[98], len(milliseconds) / seconds, _resident_bytes(running) / _MEGABYTE)
    what = f"{len(milliseconds)} {clients.ends_as}"
    burst = Burst(what, tally(clients.cloud, clients), dict(zip(COLUMNS, values, strict=True)))
    lost, twice = len(burst.counted.lost), len(burst.counted.duplicated)
    _print_row(what, [f"{lost}", f"{twice}", *(f"{value:.0f}" for value in values)])
    return burst


def _seconds_to_applied(approvals: Approvals, request_id: str) -> float:
    approvals.approve(request_id)
    began = time.perf_counter()
    until(lambda: status_of(approvals.cloud, f"{request_id}.{approvals.task}") == "APPLIED", _LOOK_SECONDS)
    return time.perf_counter() - began


def _approvals(cloud: Cloud, count: int) -> Approvals:
    return Approvals(cloud, [f"approval-{number}" for number in range(count)])


def _payments(cloud: Cloud, events: int, duplicates: int) -> Payments:
    return Payments(cloud, [f"payment-{number}" for number in range(events - duplicates)], duplicates)


def _print_heading() -> None:
    print(f"load on the embedded cloud; milliseconds of one click, or of one event's POST, {AT_ONCE} at once:")
    _print_row("", ["lost", "twice", *COLUMNS])


def _print_row(what: str, cells: list[str]) -> None:
    print(f"  {what:28}", *(f"{cell:>8}" for cell in cells), flush=True)


@contextlib.contextmanager
def _a_cloud() -> Iterator[tuple[Emulator, Cloud]]:
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as ending:
        ending.callback(take_down, Path(home))
        yield bring_up(Path(home), with_parent=True)


def _mute(*_: str) -> None:
    """Steps of one run among many are nobody's news."""


def _resident_bytes(running: Emulator) -> int:
    """Return the memory of the emulator and of its functions' processes."""
    pages = 0
    for process in group_members(running.pid):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * 4096
