"""A burst of signed payment events on the embedded cloud, many sent twice: how fast, and whether each counts once."""

import contextlib
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.clients import items, until
from local.client import RequestsApi
from local.demo.sandbox import PROVIDER, Event, Payment, Sandbox
from local.launch import bring_up, take_down
from operate.embedded.cloud import Cloud

EVENTS = 500
DUPLICATES = 150
WARM_UP = 16

_AT_ONCE = 8
"""Each is a process of the emulator's, of some 50 MB."""

_REPORT = "  {} events in {:.0f} s: {:.0f} per second; p50 {:.0f} ms, p99 {:.0f} ms, with {} at once"


def measure() -> bool:
    """Print throughput and latency; tell whether every payment was settled, exactly once."""
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as ending:
        ending.callback(take_down, Path(home))
        _, cloud = bring_up(Path(home), with_parent=True)
        payments = [Payment(f"burst-{number}", f"{number + 1}.00", "EUR") for number in range(EVENTS - DUPLICATES)]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(lambda payment: _ask(cloud, payment), payments))
            until(lambda: _statuses(cloud)["OPEN"] == len(payments))
            # Warm, as every benchmark of the embedded cloud: the first posts start the functions' processes.
            list(threads.map(lambda payment: _post(cloud, Event.of(payment, "pending")), payments[:WARM_UP]))
            events = [Event.of(payment, "paid") for payment in payments]
            began = time.perf_counter()
            milliseconds = list(threads.map(lambda event: _post(cloud, event), _with_duplicates(events)))
            seconds = time.perf_counter() - began
        until(lambda: _statuses(cloud)["APPLIED"] == len(payments))
        settled = _decisions(cloud)
    p99 = statistics.quantiles(milliseconds, n=100)[98]
    print(f"webhook burst on the embedded cloud, {DUPLICATES} of {EVENTS} events are duplicates, warm:")
    print(_REPORT.format(EVENTS, seconds, EVENTS / seconds, statistics.median(milliseconds), p99, _AT_ONCE))
    once = sum(count == 1 for count in settled.values())
    print(f"  {once} of {len(payments)} payments were settled exactly once")
    return once == len(settled) == len(payments)


def _with_duplicates(events: list[Event]) -> list[Event]:
    """Return the events, some of them twice in a row: both are posted at the same moment."""
    posts: list[Event] = []
    for number, event in enumerate(events):
        posts += [event, event] if number < DUPLICATES else [event]
    return posts


def _ask(cloud: Cloud, payment: Payment) -> None:
    document = {
        "order_id": payment.external_id,
        "provider": PROVIDER,
        "external_id": payment.external_id,
        "amount": payment.amount,
        "currency": payment.currency,
        "deadline_seconds": 3_600,
    }
    accepted = RequestsApi(cloud.api_url).submit("payment", payment.external_id, document)
    if accepted.status != 202:
        raise RuntimeError(f"POST /requests answered {accepted.status}: {accepted.text}")


def _post(cloud: Cloud, event: Event) -> float:
    """Post an event, and return how many milliseconds its answer took."""
    began = time.perf_counter()
    answer = Sandbox(cloud).post(event, cloud.providers[PROVIDER])
    if answer is None or answer.status not in (200, 202):
        raise RuntimeError(f"POST /webhooks/{PROVIDER} answered {answer.status if answer else 'nothing'}")
    return 1_000 * (time.perf_counter() - began)


def _statuses(cloud: Cloud) -> Counter[str]:
    """Return how many tasks have which status."""
    return Counter(item["status"]["S"] for item in items(cloud) if item["sk"]["S"] == "TASK")


def _decisions(cloud: Cloud) -> Counter[str]:
    """Return how often each task was decided, by its audit."""
    entries = (item for item in items(cloud) if item["pk"]["S"].startswith("AUDIT#"))
    return Counter(entry["pk"]["S"] for entry in entries if entry["event"]["S"] == "decided")
