"""Two hundred parallel checks at once on the embedded cloud: whether all of them end right, and how long they take.

The emulator resumes one execution at a time, so that the time is its own; what counts is that nothing is lost.
"""

import contextlib
import tempfile
import time
from collections import Counter
from pathlib import Path

from local.demo.demo import DemoError
from local.demo.scripts import PLAYS
from local.demo.showcase import SCENARIOS, PatternDemo, play_out
from local.launch import bring_up, take_down

PATTERN = "parallel-checks"
RUNS = 200


def measure() -> bool:
    """Print how many runs ended as they should, and in which time; tell whether all did."""
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as ending:
        ending.callback(take_down, Path(home))
        _, cloud = bring_up(Path(home), with_parent=True)
        made = [
            SCENARIOS[PATTERN](cloud=cloud, request_id=f"at-once-{number}", tell=_say_nothing) for number in range(RUNS)
        ]
        demos = [demo for demo in made if isinstance(demo, PatternDemo)]
        began = time.perf_counter()
        for demo in demos:
            demo.start()
        started = time.perf_counter() - began
        try:
            play_out(cloud, demos)
        except DemoError as error:
            print(f"  {error}")
        seconds = time.perf_counter() - began
        reports = [demo.ended_report() or {} for demo in demos]
    results = [report.get("result") for report in reports]
    statuses = Counter(report.get("status", "none") for report in reports)
    right = results.count(PLAYS[PATTERN]["happy"].result)
    print(f"{RUNS} runs of {PATTERN} at once on the embedded cloud, two tasks each:")
    print(f"  started in {started:.0f} s, all over after {seconds:.0f} s")
    print(f"  {right} of {RUNS} ended right; all ends: {dict(statuses)}")
    return right == RUNS


def _say_nothing(*_: str) -> None:
    """Steps of one run among many are nobody's news."""
