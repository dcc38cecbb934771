"""Growth: what a click, an inbox and a sweep take on the embedded cloud while more and more tasks wait.

Most tasks are written into the ledger directly. At most 200 are those of executions, and are answered one after the
other; nothing may be lost or happen twice. The times are the emulator's, not those of AWS.

A part of the growth is the emulator's alone: it holds all items in memory, and compares every item of an index's
partition with a query. So the queries of a sweep are also measured without our code.
"""

import contextlib
import statistics
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import psutil

from benchmarks.clients import Approvals, a_cloud, deployed, timed
from benchmarks.waiting import IN_AN_INBOX, inbox_of, put_approvals
from countersign.adapters.keys import (
    DUE_SHARDS,
    INDEX,
    INDEX_PK,
    INDEX_SK,
    PARKED_SHARDS,
    RESERVED_SHARDS,
    UNSENT_SHARDS,
)
from local.emulator.emulator import Emulator, group_members
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud

SIZES = (100, 1_000, 10_000)
EXECUTIONS = 200
BOUND = 1.3
"""The highest ratio of each figure, from the smallest to the largest size."""

_OF_THE_EMULATOR = {"sweep", "its queries", "emulator"}
"""The figures without a bound: that of a sweep is on the rest of it."""

_REPEATS = 25
_MEGABYTE = 1_000_000
_CALM_SECONDS = 5

Figures = dict[str, float]


def measure() -> bool:
    """Print the figures of each size, and how they grew; return whether each kept the bound and nothing was lost."""
    print(f"waiting tasks on the embedded cloud, at most {EXECUTIONS} of executions; milliseconds and megabytes:")
    measured = [_measured(size) for size in SIZES]
    if not all(measured):
        return False
    growth = {name: measured[-1][name] / value for name, value in measured[0].items()}
    _print_row("growth", {name: f"{ratio:.2f} x" for name, ratio in growth.items()})
    bounded = {name: ratio for name, ratio in growth.items() if name not in _OF_THE_EMULATOR}
    print(f"  at most {BOUND} x: {', '.join(bounded)}")
    return max(bounded.values()) <= BOUND


def _measured(size: int) -> Figures:
    """Return the figures while so many tasks wait; none if an answer was lost or counted twice."""
    executions = min(size, EXECUTIONS)
    with a_cloud() as (running, cloud):
        put_approvals(cloud, range(size - executions + IN_AN_INBOX))
        approvals = Approvals(cloud, [f"approval-{number}" for number in range(executions)], at_once=1)
        approvals.start()
        approvals.wait()
        _wait_until_calm(running)
        figures = _of_what_reads(_sweep_of(cloud), lambda: _queries(cloud), _look_of(cloud))
        cuts = statistics.quantiles(approvals.answer(), n=100)
        figures |= {"click p50": cuts[49], "click p99": cuts[98]}
        tally = approvals.tally()
        emulator = psutil.Process(running.pid).memory_info().rss / _MEGABYTE
        figures |= {"emulator": emulator, "functions": _resident_bytes(running) / _MEGABYTE - emulator}
    _print_row(f"{size} waiting", {name: f"{value:.0f}" for name, value in figures.items()})
    if not tally.is_right:
        print(f"  lost: {', '.join(tally.lost)}; more than once: {', '.join(tally.duplicated)}")
    return figures if tally.is_right else {}


def _of_what_reads(sweep: Callable[[], None], queries: Callable[[], None], look: Callable[[], None]) -> Figures:
    """Return the milliseconds of each action, medians of several rounds in turn, after one that is not measured."""
    rounds = [[timed(act)[0] for act in (sweep, queries, look)] for _ in range(_REPEATS + 1)][1:]
    rest = [swept - queried for swept, queried, _ in rounds]
    sweeps, queried, looks = zip(*rounds, strict=True)
    figures = {"sweep": sweeps, "its queries": queried, "rest of sweep": rest, "inbox": looks}
    return {name: statistics.median(each) for name, each in figures.items()}


def _queries(cloud: Cloud) -> None:
    """Make the queries of a sweep that finds nothing."""
    table = aws.client("dynamodb", cloud.endpoint_url)
    for shard in (*DUE_SHARDS, *UNSENT_SHARDS, *RESERVED_SHARDS, *PARKED_SHARDS):
        table.query(
            TableName=cloud.table,
            IndexName=INDEX,
            KeyConditionExpression=f"{INDEX_PK} = :pk AND {INDEX_SK} <= :until",
            ExpressionAttributeValues={":pk": {"S": shard}, ":until": {"S": "2026"}},
        )


def _sweep_of(cloud: Cloud) -> Callable[[], None]:
    name, functions = deployed(cloud, "sweeper")["FunctionName"], aws.client("lambda", cloud.endpoint_url)

    def sweep() -> None:
        if "FunctionError" in functions.invoke(FunctionName=name, Payload=b"{}"):
            raise RuntimeError("a sweep failed")

    return sweep


def _look_of(cloud: Cloud) -> Callable[[], None]:
    inbox = inbox_of(cloud, 0)

    def look() -> None:
        answer = http.get(inbox)
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"an inbox was answered {answer.status} {answer.text[:200]}")

    return look


def _wait_until_calm(running: Emulator) -> None:
    """Wait until the emulator's processes have nothing to do: those of the stream follow behind the writes."""
    before = 0.0
    while (used := _processor_seconds(running)) > before + 0.1 * _CALM_SECONDS:
        before = used
        time.sleep(_CALM_SECONDS)


def _processor_seconds(running: Emulator) -> float:
    return _sum_of(running, lambda process: process.cpu_times().user + process.cpu_times().system)


def _resident_bytes(running: Emulator) -> float:
    """Return the memory of the emulator and of its functions' processes."""
    return _sum_of(running, lambda process: process.memory_info().rss)


def _sum_of(running: Emulator, figure: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for process in group_members(running.pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += figure(process)
    return total


def _print_row(what: str, cells: Mapping[str, str]) -> None:
    print(f"  {what:16}", *(f"{name} {cell:>8}" for name, cell in cells.items()), flush=True)
