"""The ledger's reads and writes for operators, which no function makes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from typing import Any

from countersign.adapters.attributes import from_item, to_item
from countersign.adapters.dynamodb_ledger import DynamoLedger, chained
from countersign.adapters.event_items import claim_document
from countersign.adapters.keys import AUDIT, DUE_SHARDS, OUTBOX, PARKED, TASK, UNSENT_SHARDS
from countersign.adapters.task_items import audit_document, question_document, task_document
from countersign.domain import claims
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import from_text
from countersign.domain.errors import UnknownTaskError
from countersign.domain.provider_events import Handling
from countersign.domain.requests import Position, Request
from countersign.domain.tasks import LIVE, Status, Task
from operate.errors import OperateError

_MOST_TASKS = 50
"""How many tasks of a scan are read at once."""

_MOST_REQUESTS = 100
"""How many requests of the list are read at once."""

_PAGE_BYTES = 1_000_000
"""A page of a scan: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html."""


class OperatorLedger(DynamoLedger):
    """The ledger for operators."""

    def __init__(self, client: Any, table_name: str) -> None:
        super().__init__(client, table_name)
        self._client = client
        self._name = table_name

    def in_status(self, statuses: frozenset[Status] = LIVE) -> Iterator[Task]:
        """Yield the tasks in these statuses.

        Open and decided tasks come from the index, which can be a moment behind; others need a scan of the table.
        """
        found = self._due(DUE_SHARDS, UNSENT_SHARDS) if statuses <= LIVE else self._every_task()
        return (task for task in found if isinstance(task, Task) and task.status in statuses)

    def open_tasks(self, prefix: str) -> Iterator[Task]:
        """Yield the open tasks whose ids begin with a prefix. Of others, it reads no more than the index has."""
        entries = chain.from_iterable(map(self._table.indexed, DUE_SHARDS + UNSENT_SHARDS))
        tasks = self._paged(entry["task_id"] for entry in entries if entry["pk"].startswith(f"{TASK}{prefix}"))
        return (task for task in tasks if task.status is Status.OPEN)

    def _every_task(self) -> Iterator[Task]:
        return self._paged(document["task_id"] for document in self._table.scan("TASK"))

    def _paged(self, task_ids: Iterator[str]) -> Iterator[Task]:
        while page := list(islice(task_ids, _MOST_TASKS)):
            yield from self.tasks(page)

    def requests(self, since: datetime) -> Iterator[Request]:
        """Yield the started requests that were submitted since a time, the newest first, without input and result."""
        position: Position | None = None
        while True:
            found, position = self.listed(since, position, _MOST_REQUESTS)
            yield from found
            if position is None:
                return

    def unstarted(self) -> Iterator[Request]:
        """Yield the requests whose start is not recorded."""
        return (request for request in self._due(DUE_SHARDS) if isinstance(request, Request))

    def present(self, task_id: str) -> Task:
        """Return a task, or raise `UnknownTaskError`."""
        task = self.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        return task

    def lost(self, task_id: str, table: str) -> Task | None:
        """See `OperationsLedger.lost`."""
        return DynamoLedger(self._client, table).task(task_id)

    def bring_back(self, task: Task, events: tuple[AuditEvent, ...], at: datetime) -> Task:
        """See `OperationsLedger.bring_back`."""
        entries, after = chained(task, events, at)
        audit = (self._table.put(audit_document(entry)) for entry in entries)
        question = self._table.put(question_document(after), only_new=False)
        self._table.write([self._table.put(task_document(after)), question, *audit])
        return after

    def page_count(self) -> int:
        """Return the approximate number of pages of a scan: DynamoDB measures the table every six hours."""
        size: int = self._client.describe_table(TableName=self._name)["Table"]["TableSizeBytes"]
        return size // _PAGE_BYTES

    @property
    def is_protected(self) -> bool:
        """Whether DynamoDB refuses to delete the table, as on a protected stage."""
        return bool(self._client.describe_table(TableName=self._name)["Table"].get("DeletionProtectionEnabled"))

    def items_of(self, table_name: str) -> Iterator[dict[str, Any]]:
        """Yield the items of another table in DynamoDB's form.

        Raises:
            OperateError: The table does not exist.
        """
        pages = self._client.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True)
        try:
            for page in pages:
                yield from page["Items"]
        except self._client.exceptions.ResourceNotFoundException as error:
            advice = "Restore one first, as docs/recovery.md says."
            raise OperateError(f"the table {table_name} does not exist", advice) from error

    def put_back(self, item: dict[str, Any]) -> bool:
        """Put an item back unless its key is taken; return whether it was put back.

        Items that were removed on purpose stay away. A task needs its audit entry: see `Operations.restored`. A claim
        returns to the task that took it over last.
        """
        if item["sk"]["S"] == "TASK" or self._is_done_with(item):
            return False
        if item["sk"]["S"] == "EXTERNAL":
            item = self._claim_of_today(item)
        try:
            self._client.put_item(TableName=self._name, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _is_done_with(self, item: dict[str, Any]) -> bool:
        """Tell whether an item was removed on purpose, because its work is done."""
        document = from_item(item)
        if document["sk"].startswith(OUTBOX):
            # The publisher has sent it from this table's stream, unless the table is younger than the item.
            return from_text(document["at"]) >= self._made_at
        if document["sk"].startswith(PARKED):
            record, _, _ = self.look_up(document["provider"], document["event_id"], document["external_id"])
            return record is not None and record.handling is not Handling.PARKED
        return False

    def _claim_of_today(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return a claim with its current task, which the audits of earlier tasks name, and no copy of those tasks."""
        task_id = item["task_id"]["S"]
        while taken_by := claims.taken_by(self.audit(task_id)):
            task_id = taken_by
        task = self.task(task_id)
        claim = claim_document(task, task.question.correlation) if task and task.question.correlation else {}
        rest = {name: value for name, value in item.items() if name != "as_opened"}
        return rest | to_item(claim | {"task_id": task_id})

    @cached_property
    def _made_at(self) -> datetime:
        made_at: datetime = self._client.describe_table(TableName=self._name)["Table"]["CreationDateTime"]
        return made_at

    def audit_pages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the audit entries on each page of the table, including those of removed tasks.

        The entries of one task are in order; the tasks are not.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            ConsistentRead=True,
            FilterExpression="begins_with(pk, :audit)",
            ExpressionAttributeValues={":audit": {"S": AUDIT}},
        )
        return (list(map(from_item, page["Items"])) for page in pages)
