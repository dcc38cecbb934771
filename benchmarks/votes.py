"""Everybody votes on one task at the same moment: whether each vote settles, and how many races are lost on the way."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import simulated
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.domain.clock import SystemClock
from countersign.domain.errors import CountersignError, LedgerConflictError
from countersign.domain.tasks import Change, Task
from countersign.retries import ATTEMPTS
from countersign.services.reviews import Reviews
from countersign.testing.fakes import MemoryDirectory

VOTERS = 20


class _Watched(DynamoLedger):
    """Counts the races that each person loses."""

    def __init__(self, client: Any, table_name: str) -> None:
        super().__init__(client, table_name)
        self.lost: Counter[str] = Counter()

    def commit(self, change: Change) -> Task:
        try:
            return super().commit(change)
        except LedgerConflictError:
            self.lost[change.events[0].actor] += 1
            raise


def measure() -> bool:
    """Print how many votes settled and how many races were lost; tell whether every vote settled."""
    with simulated.dynamodb() as client:
        ledger = _Watched(simulated.OneAtATime(client), simulated.TABLE)
        asked, reviews = simulated.Asked.by(ledger, VOTERS), Reviews(ledger, MemoryDirectory(), SystemClock())
        start = threading.Barrier(VOTERS)

        def vote(voter: int) -> bool:
            start.wait()
            try:
                return reviews.decide(asked.approval(voter)).refusal is None
            except CountersignError:
                return False

        with ThreadPoolExecutor(VOTERS) as threads:
            settled = sum(threads.map(vote, range(VOTERS)))
        task = ledger.task(asked.task.task_id)
    kept = len(task.votes) if task else 0
    most = max(ledger.lost.values(), default=0)
    print(f"{VOTERS} people vote on one task at the same moment, on a DynamoDB that takes one call at a time:")
    print(f"  {settled} votes settled, {kept} are kept")
    print(f"  {ledger.lost.total()} races lost in all, {most} by one person (who may lose {ATTEMPTS - 1})")
    return settled == kept == VOTERS
