"""Growth: what a click, an inbox and a sweep take on the embedded cloud while more and more tasks wait.

Most tasks are written into the ledger directly. At most 200 are those of executions, and are answered one after the
other; nothing may be lost or happen twice. The times are the emulator's, not those of AWS. A query of the ledger's
index without any of our code shows which part of their growth is the emulator's.
"""

import contextlib
import statistics
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import psutil

from benchmarks.clients import Approvals, a_cloud, deployed, timed
from benchmarks.waiting import IN_AN_INBOX, inbox_of, put_approvals
from countersign.adapters.keys import INDEX, INDEX_PK
from local.emulator.emulator import Emulator, group_members
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud

SIZES = (100, 1_000, 10_000)
EXECUTIONS = 200
BOUND = 1.3
"""The highest ratio of each figure, from the smallest to the largest size."""

_REPEATS = 25
_MEGABYTE = 1_000_000
_CALM_SECONDS = 5

Figures = dict[str, float]


def measure() -> bool:
    """Print the figures of each size, and how they grew; return whether each kept the bound and nothing was lost."""
    print(
        f"waiting tasks on the embedded cloud, at most {EXECUTIONS} of them of executions; milliseconds and megabytes:"
    )
    measured = [_measured(size) for size in SIZES]
    if not all(measured):
        return False
    growth = {name: measured[-1][name] / value for name, value in measured[0].items()}
    _print_row("growth", {name: f"{ratio:.2f} x" for name, ratio in growth.items()})
    return max(growth.values()) <= BOUND


def _measured(size: int) -> Figures:
    """Return the figures while so many tasks wait; none if an answer was lost or counted twice."""
    executions = min(size, EXECUTIONS)
    with a_cloud() as (running, cloud):
        put_approvals(cloud, range(size - executions + IN_AN_INBOX))
        approvals = Approvals(cloud, [f"approval-{number}" for number in range(executions)], at_once=1)
        approvals.start()
        approvals.wait()
        _wait_until_calm(running)
        figures = {"query": _median(lambda: _query(cloud)), "sweep": _median(_sweep_of(cloud))}
        inbox = inbox_of(cloud, 0)
        figures["inbox"] = _median(lambda: _look(inbox))
        cuts = statistics.quantiles(approvals.answer(), n=100)
        figures |= {"click p50": cuts[49], "click p99": cuts[98], "memory": _resident_bytes(running) / _MEGABYTE}
        tally = approvals.tally()
    _print_row(f"{size} waiting", {name: f"{value:.1f}" for name, value in figures.items()})
    if not tally.is_right:
        print(f"  lost: {', '.join(tally.lost)}; more than once: {', '.join(tally.duplicated)}")
    return figures if tally.is_right else {}


def _median(act: Callable[[], object]) -> float:
    """Return the milliseconds of an action, the median of several, after one that is not measured."""
    act()
    return statistics.median(timed(act)[0] for _ in range(_REPEATS))


def _query(cloud: Cloud) -> None:
    """Query a partition of the ledger's index that has no items."""
    aws.client("dynamodb", cloud.endpoint_url).query(
        TableName=cloud.table,
        IndexName=INDEX,
        KeyConditionExpression=f"{INDEX_PK} = :pk",
        ExpressionAttributeValues={":pk": {"S": "nothing"}},
    )


def _sweep_of(cloud: Cloud) -> Callable[[], None]:
    name, functions = deployed(cloud, "sweeper")["FunctionName"], aws.client("lambda", cloud.endpoint_url)

    def sweep() -> None:
        if "FunctionError" in functions.invoke(FunctionName=name, Payload=b"{}"):
            raise RuntimeError("a sweep failed")

    return sweep


def _look(inbox: str) -> None:
    answer = http.get(inbox)
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"an inbox was answered {answer.status} {answer.text[:200]}")


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
