"""Faults on the embedded cloud: functions killed in the middle of their work, and a restart while executions wait.

All requests are started, and half of them answered, while processes of functions are killed at work. Then the cloud is
stopped and started again with its persisted state, and the other half is answered. Each request must end as its
answer says, exactly once.
"""

import contextlib
import os
import random
import signal
import threading
from collections.abc import Iterator

import psutil

from benchmarks.clients import Approvals, Payments, Tally, a_cloud
from local.emulator.emulator import Emulator, group_members
from local.launch import restart
from operate.embedded import aws
from operate.embedded.cloud import Cloud

APPROVALS = 100
PAYMENTS = 100
SEED = 20_261_121

_PAUSE_SECONDS = (1, 3)
"""Pause between kills. An execution fails after five kills in a row, as on AWS. Most processes at work are starting."""

_LOOK_SECONDS = 0.1
"""A process that uses the processor within this time is at work."""

_VISIBLE_AGAIN_SECONDS = 20
"""The time after which a queue delivers a killed function's messages again; as deployed, it is minutes."""

_VARIABLES = {"PERSIST_STATE": "1", "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}


def measure() -> bool:
    """Print the results; return whether nothing was lost or happened twice."""
    approvals = [f"approval-{number}" for number in range(APPROVALS)]
    payments = [f"payment-{number}" for number in range(PAYMENTS)]
    with a_cloud(_VARIABLES) as (running, cloud):
        _give_back_soon(cloud)
        print(f"faults on the embedded cloud: {APPROVALS} approvals and {PAYMENTS} payments", flush=True)
        early = (Approvals(cloud, approvals[::2]), Payments(cloud, payments[::2]))
        late = (Approvals(cloud, approvals[1::2]), Payments(cloud, payments[1::2]))
        with killing_functions(running, random.Random(SEED)) as killed:  # noqa: S311  a fault, not a secret  # nosec B311
            for each in (*early, *late):
                each.start()
            for each in (*early, *late):
                each.wait()
            _say(f"all are started and handed off; {len(killed)} functions killed at work so far")
            for each in early:
                each.answer()
            _say(f"half are answered; {len(killed)} functions killed at work")
        counted = [each.tally() for each in early]
        running.stop()
        restart(running, _VARIABLES)
        _say("the cloud was stopped, and started again with its state")
        for each in late:
            each.answer()
        counted += [each.tally() for each in late]
    return _report(counted)


@contextlib.contextmanager
def killing_functions(running: Emulator, chance: random.Random) -> Iterator[list[int]]:
    """Kill the process of a function at work, every few seconds; yield the ids of the killed ones."""
    killed: list[int] = []
    enough = threading.Event()

    def kill() -> None:
        while not enough.wait(chance.uniform(*_PAUSE_SECONDS)):
            before = _processor_time(running)
            enough.wait(_LOOK_SECONDS)
            at_work = [pid for pid, used in sorted(_processor_time(running).items()) if used > before.get(pid, 0)]
            if at_work:
                victim = chance.choice(at_work)
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


def _processor_time(running: Emulator) -> dict[int, float]:
    """Return the processor time of each process of a function, in seconds."""
    seconds = {}
    for process in group_members(running.pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds[process.pid] = times.user + times.system
    seconds.pop(running.pid, None)
    return seconds


def _give_back_soon(cloud: Cloud) -> None:
    sqs = aws.client("sqs", cloud.endpoint_url)
    for queue in sqs.list_queues()["QueueUrls"]:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(_VISIBLE_AGAIN_SECONDS)})


def _report(counted: list[Tally]) -> bool:
    _say(
        f"{sum(each.ended for each in counted)} ended right, {sum(len(each.lost) for each in counted)} lost,"
        f" {sum(len(each.duplicated) for each in counted)} happened twice"
    )
    for each in counted:
        for name in (*each.lost, *each.duplicated):
            _say(f"  {name}")
    return all(each.is_right for each in counted)


def _say(what: str) -> None:
    print(f"  {what}", flush=True)
