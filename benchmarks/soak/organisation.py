"""Absences, aliases, an outage of the bus, and a damaged ledger."""

from contextlib import suppress
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import strategies as st
from hypothesis.stateful import precondition

from benchmarks.soak.asking import PEOPLE, REQUESTER
from benchmarks.soak.faults import Crash, Fault, Kind
from benchmarks.soak.invariants import ViolationError
from benchmarks.soak.machines import Machines
from benchmarks.soak.scene import PICK, action, chosen, is_open
from benchmarks.soak.world import BOSS, ESCALATION
from countersign.adapters.attributes import to_item
from countersign.adapters.directory import DynamoDirectory
from countersign.adapters.keys import task_key
from countersign.domain.clock import SystemClock
from countersign.domain.errors import CountersignError
from countersign.domain.people import Absence
from countersign.domain.tasks import Task
from countersign.functions.clients import client
from countersign.services.operations import Operations
from operate.commands.acting import restore
from operate.errors import Status
from operate.ledger import OperatorLedger
from tests.integration.conftest import DIRECTORY_TABLE, TABLE

OPERATOR = "arn:aws:iam::111122223333:user/operator"
STAND_INS = (*PEOPLE, "nora@example.com")
ALIASES = (
    ("li@example.com", REQUESTER),
    ("otto@example.com", "maria@example.com"),
    ("nora@example.com", "ben@example.com"),
)
"""Aliases that the directory learns during the soak."""

RESTORED = "restored"
"""The name of the table that is restored from the snapshot."""

OUTAGES = (Kind.THROTTLED, Kind.SERVER_ERROR, Kind.UNREACHABLE, Kind.LOST_RESPONSE, Kind.CRASH_BEFORE, Kind.CRASH_AFTER)
MOST_RUNS = 4
"""The number of runs after which a command must have succeeded."""


class Organisation(Machines):
    """The keeper of the directory, the bus, and an operator who restores the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = DynamoDirectory(self.world.tables, DIRECTORY_TABLE)
        self.snapshot: list[dict[str, Any]] = []

    @action(pick=PICK, stand_in=PICK, hours=st.sampled_from([0, 1, 48]))
    def somebody_goes_away_or_comes_back(self, pick: int, stand_in: int, hours: int) -> None:
        person, to = (*PEOPLE, BOSS)[pick % 5], STAND_INS[stand_in % len(STAND_INS)]
        now = self.world.clock.now()
        self.directory.set_absence(person, Absence(now, now + timedelta(hours=hours), to) if hours else None)

    @action(pick=PICK)
    def the_directory_learns_an_alias(self, pick: int) -> None:
        alias, person = ALIASES[pick // 4 % len(ALIASES)]
        if pick % 4 == 0:  # with all aliases known, few rules of people remain to be seen
            self.directory.set_alias(alias, person)
            self.watch.names[alias] = person

    @precondition(lambda self: self.to_be_escalated())
    @action(pick=PICK, seconds=st.sampled_from([20, 600, 5000]))
    def the_bus_is_out_when_an_escalation_is_due(self, pick: int, seconds: int) -> None:
        when = chosen(self.to_be_escalated(), pick)
        self.world.bus.out_until = when + timedelta(seconds=seconds)
        self.pass_time((self.world.bus.out_until - self.world.clock.now()).total_seconds() - seconds / 2)

    def to_be_escalated(self) -> list[datetime]:
        """Return the times of the escalations of open tasks."""
        opened = (task.opened_at for task in self.tasks() if is_open(task) and task.audience)
        moments = (at + ESCALATION for at in opened if at)
        return [when for when in moments if when > self.world.clock.now()]

    def tasks(self) -> list[Task]:
        """Return every task."""
        return [task for task in map(self.world.ledger.task, self.world.ledger.every_task_id()) if task]

    @precondition(lambda self: self.count % 3 == 0)
    @action()
    def a_snapshot_is_taken(self) -> None:
        self.snapshot = self.world.tables.everything()

    @precondition(lambda self: self.snapshot)
    @action(pick=PICK, kind=st.sampled_from(OUTAGES), skip=st.integers(0, 40))
    def tasks_are_lost_and_restored(self, pick: int, kind: Kind, skip: int) -> None:
        self.watch.after_step()
        known = [item["pk"]["S"].removeprefix("TASK#") for item in self.snapshot if item["sk"]["S"] == "TASK"]
        lost = known if pick % 2 else known[pick // 2 % len(known) :][:1] if known else []
        self.watch.lose(lost)
        for task_id in lost:
            self.world.tables.delete_item(TableName=TABLE, Key=to_item(task_key(task_id)))
        ledger = OperatorLedger(_TwoTables(client("dynamodb"), self.snapshot, self.world.begun_at), TABLE)
        operations = Operations(ledger, SystemClock(), OPERATOR)
        with self.world.faults.only(Fault(kind, skip)):
            self.restore(ledger, operations)
            self.world.faults.armed.clear()
            for task_id in lost:
                operations.redriven(task_id, "soak")  # a restored task can be written again
        self.watch.after_step()
        self.watch.all_are_back()
        self.figures["restored"] += len(lost)

    def restore(self, ledger: OperatorLedger, operations: Operations) -> None:
        """Restore the ledger from the snapshot as an operator does, and repeat a failed command."""
        silent = SimpleNamespace(result=lambda *_: None, error=lambda *_: None, note=lambda *_: None)
        bench = SimpleNamespace(stage=SimpleNamespace(ledger=ledger), operations=operations, terminal=silent)
        for _ in range(MOST_RUNS):
            with suppress(Crash, CountersignError, ClientError, BotoCoreError):
                if restore(SimpleNamespace(obj=bench), RESTORED) == Status.DONE:  # type: ignore[arg-type]
                    return
        raise ViolationError(f"the ledger is not restored after {MOST_RUNS} runs")


class _ConditionError(Exception):
    """The condition of a write failed."""


class _TwoTables:
    """A client of DynamoDB with the restored table."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=_ConditionError, ResourceNotFoundException=LookupError)

    def __init__(self, tables: Any, items: list[dict[str, Any]], begun_at: Any) -> None:
        self._tables = tables
        self._items = items
        self._begun_at = begun_at

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._tables, operation)

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((name, asked),) = request["RequestItems"].items()
        if name != RESTORED:
            answer: dict[str, Any] = self._tables.batch_get_item(**request)
            return answer
        found = [item for item in self._items if any(key.items() <= item.items() for key in asked["Keys"])]
        return {"Responses": {RESTORED: found}, "UnprocessedKeys": {}}

    def put_item(self, **write: Any) -> None:
        try:
            self._tables.put_item(**write)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise _ConditionError from error
            raise

    def describe_table(self, **_: str) -> dict[str, Any]:
        return {"Table": {"CreationDateTime": self._begun_at}}

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{"Items": self._items}])
