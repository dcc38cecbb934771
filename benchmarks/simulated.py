"""A ledger on a simulated DynamoDB, with an open task that many are asked, and a review link for each of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.session import Session
from moto import mock_aws

from countersign.domain.audit import AuditEvent
from countersign.domain.clock import SystemClock
from countersign.domain.links import Link
from countersign.domain.tasks import Task
from countersign.domain.tokens import mint
from countersign.ports import Ledger
from countersign.services.reviews import Click
from countersign.testing.builders import any_click, any_rule, any_task

TABLE = "ledger"
LIMITS_TABLE = "limits"
DIRECTORY_TABLE = "directory"


@contextmanager
def dynamodb() -> Iterator[Any]:
    """Yield a client of a DynamoDB that holds the tables of the ledger and of the limits, empty."""
    with mock_aws():
        client = Session().create_client("dynamodb", region_name="eu-central-1")
        tables = {
            TABLE: {"pk": "HASH", "sk": "RANGE"},
            LIMITS_TABLE: {"pk": "HASH"},
            DIRECTORY_TABLE: {"address": "HASH"},
        }
        for table, keys in tables.items():
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            )
        yield client


class OneAtATime:
    """A client whose calls come one after the other, whichever thread makes them: the simulation isolates none."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def alone(**arguments: Any) -> Any:
            with self._lock:
                return call(**arguments)

        return alone


@dataclass(frozen=True)
class Asked:
    """An open task, all of whose voters must approve it.

    Attributes:
        task: The task as it was opened.
        tokens: The token of each voter's link, in their order.
    """

    task: Task
    tokens: tuple[str, ...]

    @classmethod
    def by(cls, ledger: Ledger, voters: int) -> "Asked":
        """Open a task that so many are asked, and mint their links."""
        now = SystemClock().now()
        people = tuple(f"voter{number:02}@example.com" for number in range(voters))
        task = any_task(audience=people, rule=any_rule("all"), opened_at=now, expires_at=now + timedelta(hours=1))
        ledger.open(task, (AuditEvent("opened", task.workflow),), now)
        return cls(task, tuple(_link(ledger, task, person) for person in people))

    def approval(self, voter: int) -> Click:
        """Return the click by which a voter approves."""
        return any_click(token=self.tokens[voter], shown=self.task.shown)


def _link(ledger: Ledger, task: Task, person: str) -> str:
    token, fingerprint = mint()
    ledger.put_link(Link(fingerprint, task.task_id, person), task.expires_at)
    return token
