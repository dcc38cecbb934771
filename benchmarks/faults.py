"""Faults on the embedded cloud: functions killed in the middle of their work, and a restart while executions wait.

Half of the requests are answered while the processes of functions are killed, whatever they do at that moment. Then the
cloud is stopped and started again with what it had kept, and the others are answered. All must end right.
"""

import contextlib
import os
import random
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.crowd import Approvals, Payments, tally
from local.emulator import Emulator
from local.launch import bring_up, restart, take_down
from local.processes import group_members

APPROVALS = 100
PAYMENTS = 100
SEED = 20_261_121

_PAUSE_SECONDS = (2, 5)
"""Between two kills."""

_PERSISTENT = {"PERSIST_STATE": "1"}


def measure() -> bool:
    """Print what became of every request; tell whether nothing was lost or happened twice."""
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as ending:
        ending.callback(take_down, Path(home))
        running, cloud = bring_up(Path(home), with_parent=True, variables=_PERSISTENT)
        approvals = [f"approval-{number}" for number in range(APPROVALS)]
        payments = [f"payment-{number}" for number in range(PAYMENTS)]
        crowds = (Approvals(cloud, approvals), Payments(cloud, payments))
        with killing_functions(running, random.Random(SEED)) as killed:  # noqa: S311  a fault, not a secret  # nosec B311
            for crowd in crowds:
                crowd.start()
                crowd.wait()
            early = (
                Approvals(cloud, approvals[::2]),
                Payments(cloud, payments[::2]),
            )
            for crowd in early:
                crowd.wait()
                crowd.answer()
        counted = [tally(cloud, crowd) for crowd in early]
        running.stop()
        restart(running, {})
        late = (Approvals(cloud, approvals[1::2]), Payments(cloud, payments[1::2]))
        for crowd in late:
            crowd.wait()
            crowd.answer()
        counted += [tally(cloud, crowd) for crowd in late]
    print(f"faults on the embedded cloud: {APPROVALS} approvals and {PAYMENTS} payments")
    print(f"  {len(killed)} processes of functions killed in the middle; then one restart, with half of them waiting")
    print(
        f"  {sum(each.ended for each in counted)} ended right, {sum(len(each.lost) for each in counted)} lost,"
        f" {sum(len(each.duplicated) for each in counted)} happened twice"
    )
    for each in counted:
        for name in (*each.lost, *each.duplicated):
            print(f"    {name}")
    return all(each.is_right for each in counted)


@contextlib.contextmanager
def killing_functions(running: Emulator, chance: random.Random) -> Iterator[list[int]]:
    """Kill a process of some function now and then; yields those that were killed.

    Only one that was there at the look before: on the emulator, functions that are killed while they start keep others
    of the same function from starting.
    """
    killed: list[int] = []
    enough = threading.Event()

    def kill() -> None:
        before: set[int] = set()
        while not enough.wait(chance.uniform(*_PAUSE_SECONDS)):
            functions = {process.pid for process in group_members(running.pid) if process.pid != running.pid}
            victims, before = sorted(functions & before), functions
            if victims:
                victim = chance.choice(victims)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    killed.append(victim)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        enough.set()
        killer.join()
