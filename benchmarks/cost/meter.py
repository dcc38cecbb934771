"""The meter: counts what the handlers use."""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cost import units
from benchmarks.cost.assumptions import (
    LOG_EVENT_BYTES,
    PLATFORM_RECORDS,
    RUNTIME_FIELDS,
    TRACED,
    seconds,
)
from benchmarks.cost.deployed import Deployed
from benchmarks.cost.units import Item
from benchmarks.soak.table import MemoryTables
from tests.integration.conftest import TABLE
from tests.integration.output import Output


@dataclass(frozen=True)
class Access:
    """One read or write of an item: the function, the call, the item's key and size, and the units."""

    function: str
    call: str
    key: str
    size: int
    reads: float = 0
    writes: int = 0
    index: int = 0


@dataclass
class Meter:
    """What was used so far.

    Attributes:
        deployed: The stage.
        used: The quantities by the names of their prices; the bytes that are kept are not in it.
        accesses: Each read and write of an item.
        records: The records that each function received.
        invocations: The invocations of each function.
        calls: The calls to AWS of the invocation that runs, named as in `CALL_MS`.
    """

    deployed: Deployed
    used: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    accesses: list[Access] = field(default_factory=list)
    records: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    invocations: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    calls: list[str] = field(default_factory=list)
    _function: str = ""

    @contextmanager
    def invocation(self, function: str, output: Output, records: int = 1) -> Iterator[None]:
        """Count an invocation of a function, and what it logs."""
        output.new()
        self.calls.clear()
        self._function = os.environ["POWERTOOLS_SERVICE_NAME"] = function
        yield
        self._function = ""
        configured = self.deployed.functions[function]
        memory_mb = configured["MemorySize"]
        self.records[function] += records
        self.invocations[function] += 1
        self.used["lambda_requests"] += 1
        duration = seconds(memory_mb, self.calls)
        self.used["busy_seconds"] += duration
        self.used["lambda_seconds"] += duration * memory_mb / 1024
        self.used["traces"] += TRACED if self.deployed.settings.functions.tracing else 0
        # The lines of the kit are JSON. Lambda's runtime turns those of other loggers into it.
        lines = [line if line.startswith("{") else RUNTIME_FIELDS + line for line in output.new().text.splitlines()]
        if configured["LoggingConfig"].get("SystemLogLevel", "INFO") != "WARN":
            lines += PLATFORM_RECORDS
        self.log(*lines)

    def log(self, *lines: str) -> None:
        """Count lines of a log."""
        self.used["logs_written"] += sum(LOG_EVENT_BYTES + len(line.encode()) for line in lines)

    def events(self, asked: Mapping[str, Any]) -> None:
        """Count events, and the messages to workers, which receive and delete each by itself."""
        for entry in asked["Entries"]:
            detail = json.loads(entry["Detail"])
            self.used["events"] += 1
            if self.deployed.settings.hand_off.archive_days and "token" not in detail.get("callback", {}):
                self.used["events_archived"] += len(json.dumps(_ENVELOPE | {"detail": detail}).encode())
            kind = entry["DetailType"]
            if kind.endswith(".requested") and not kind.startswith("approval."):
                self.used["queue_requests"] += 3

    def mail(self, _: Mapping[str, Any]) -> None:
        """Count a mail."""
        self.used["mails"] += 1

    def put_object(self, asked: Mapping[str, Any]) -> None:
        """Count an object."""
        self.used["object_puts"] += 1
        self.used["objects_kept"] += len(asked["Body"])

    def read(self, call: str, key: Item, items: list[Item], *, consistent: bool) -> None:
        """Count a read of items."""
        used = units.read_units(items, consistent=consistent)
        self.used["read_units"] += used
        self.accesses.append(Access(self._function, call, named(key), sum(map(units.size, items)), reads=used))

    def write(self, call: str, key: Item, before: Item, after: Item, *, factor: int, indexed: bool) -> None:
        """Count a write of an item, and of its entry in the index."""
        used = factor * units.write_units(before, after)
        index = self.deployed.index.write_units(before, after) if indexed else 0
        self.used["write_units"] += used + index
        self.used["index_units"] += index
        size = max(units.size(before), units.size(after))
        self.accesses.append(Access(self._function, call, named(key), size, writes=used, index=index))


class MeteredTables:
    """DynamoDB in memory, metered."""

    def __init__(self, meter: Meter) -> None:
        self.tables = MemoryTables()
        self._meter = meter

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        do = getattr(self.tables, operation)

        def call(**asked: Any) -> Any:
            before = dict(self.tables.items)
            answer: dict[str, Any] = {}
            try:
                answer = do(**asked)
            finally:  # a write that its condition refuses is paid too
                self._count(operation, asked, answer, before)
            return answer

        return call if operation.endswith(("_item", "_items", "query")) else do

    def _count(
        self, operation: str, asked: Mapping[str, Any], answer: Mapping[str, Any], before: Mapping[Any, Item]
    ) -> None:
        if operation == "batch_get_item":
            ((table, one),) = asked["RequestItems"].items()
            for key in one["Keys"]:
                self._read(operation, {**one, "Key": key}, {"Item": before.get(_place(table, key), {})})
        elif operation in ("get_item", "query"):
            self._read(operation, asked, answer)
        elif operation == "transact_write_items":
            for write in asked["TransactItems"]:
                ((kind, one),) = write.items()
                self._write(f"transaction, {kind}", one, before, factor=2)
        else:
            self._write(operation, asked, before, factor=1)

    def _read(self, call: str, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        items = answer.get("Items", [answer.get("Item", {})])
        if "IndexName" in asked:
            items = [self._meter.deployed.index.entry(item) for item in items]
        key = asked.get("Key") or asked["ExpressionAttributeValues"]
        self._meter.read(call, key, items, consistent=asked.get("ConsistentRead", False))

    def _write(self, call: str, asked: Mapping[str, Any], before: Mapping[Any, Item], *, factor: int) -> None:
        table, key = asked["TableName"], asked.get("Key") or asked["Item"]
        place = _place(table, key)
        old, new = before.get(place, {}), self.tables.items.get(place, {})
        self._meter.write(call, key, old, new, factor=factor, indexed=table == TABLE)


class Noted:
    """A client of AWS whose calls the meter notes before they are made."""

    def __init__(self, client: Any, operation: str, note: Callable[[Mapping[str, Any]], None]) -> None:
        self._client, self._operation, self._note = client, operation, note

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**asked: Any) -> Any:
            assert operation == self._operation
            self._note(asked)
            return getattr(self._client, operation)(**asked) if self._client else {}

        return call


def named(key: Item) -> str:
    """Return a key as text."""
    return " ".join(key[name]["S"] for name in ("pk", "sk", "address", ":pk", ":sk") if name in key)


def _place(table: str, key: Item) -> tuple[str, ...]:
    return table, *(key[name]["S"] for name in ("pk", "sk", "address") if name in key)


_ENVELOPE = {
    "version": "0",
    "id": "79b4f56e-95b1-4643-9700-2807f4e68189",
    "detail-type": "approval.requested",
    "source": "countersign",
    "account": "111122223333",
    "time": "2026-03-01T09:00:00Z",
    "region": "eu-central-1",
    "resources": [],
}
"""What EventBridge adds to an event's detail."""
