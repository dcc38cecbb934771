"""The ledger as operators read it: what waits, everything, and the audit as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from countersign.adapters.attributes import from_item, to_item
from countersign.adapters.dynamodb_ledger import DynamoLedger, chained
from countersign.adapters.event_items import claim_document
from countersign.adapters.keys import AUDIT, DUE_SHARDS, OUTBOX, PARKED, UNSENT_SHARDS
from countersign.adapters.task_items import (
    audit_document,
    task_document,
    task_of_document,
)
from countersign.domain import claims
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import from_text
from countersign.domain.errors import UnknownTaskError
from countersign.domain.provider_events import Handling
from countersign.domain.tasks import LIVE, Task
from operate.errors import OperateError, Status


class OperatorLedger(DynamoLedger):
    """The ledger, and reads of it that no function makes."""

    def __init__(self, client: Any, table_name: str) -> None:
        super().__init__(client, table_name)
        self._client = client
        self._name = table_name

    def live_tasks(self) -> Iterator[Task]:
        """Yield the tasks that are open or decided, by the index: a moment old, perhaps."""
        for shard in DUE_SHARDS + UNSENT_SHARDS:
            due = self._table.indexed(shard)
            tasks = (task_of_document(document) for document in due if document["sk"] == "TASK")
            yield from (task for task in tasks if task.status in LIVE)

    def every_task(self) -> Iterator[Task]:
        """Yield every task that the ledger still has. Reads the whole table."""
        yield from map(task_of_document, self._table.scan("TASK"))

    def present(self, task_id: str) -> Task:
        """Return a task.

        Raises:
            UnknownTaskError: There is none of this id.
        """
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
        self._table.write([self._table.put(task_document(after)), *audit])
        return after

    def item_count(self) -> int:
        """Return about how many items the table has: DynamoDB counts them every six hours."""
        count: int = self._client.describe_table(TableName=self._name)["Table"]["ItemCount"]
        return count

    def items_of(self, table_name: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the items of another table page by page, as DynamoDB has them. Reads it whole.

        Raises:
            OperateError: There is no such table.
        """
        pages = self._client.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True)
        try:
            for page in pages:
                yield page["Items"]
        except self._client.exceptions.ResourceNotFoundException as error:
            raise OperateError(
                f"there is no table {table_name}", "Restore one first: docs/recovery.md says how.", Status.REFUSED
            ) from error

    def put_back(self, item: dict[str, Any]) -> bool:
        """Put an item where none of its key is; tell whether it was put.

        What stands is never written over. Not put back is what is gone on purpose, and a task, which comes back with
        its audit entry: see `Operations.restored`. A claim that was taken over since is that of whoever took it.
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
        """Tell whether an item is gone since what it was kept for was done."""
        document = from_item(item)
        if document["sk"].startswith(OUTBOX):
            # The stream carries it out, whatever becomes of the item. The stream of a younger table never had it.
            return from_text(document["at"]) >= self._made_at
        if document["sk"].startswith(PARKED):
            record, _ = self.look_up(document["provider"], document["event_id"], document["external_id"])
            return record is not None and record.handling is not Handling.PARKED
        return False

    def _claim_of_today(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return a claim with the task that has it by the audits of those that had it before."""
        task_id = item["task_id"]["S"]
        while taken_by := claims.taken_by(self.audit(task_id)):
            task_id = taken_by
        task = self.task(task_id)
        claim = claim_document(task, task.question.correlation) if task and task.question.correlation else {}
        return item | to_item(claim | {"task_id": task_id})

    @cached_property
    def _made_at(self) -> datetime:
        made_at: datetime = self._client.describe_table(TableName=self._name)["Table"]["CreationDateTime"]
        return made_at

    def audit_pages(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield how many items were read, and the audit entries among them, of tasks that are gone too.

        The entries of one task follow each other in order; the tasks come in none. Reads the whole table.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            ConsistentRead=True,
            FilterExpression="begins_with(pk, :audit)",
            ExpressionAttributeValues={":audit": {"S": AUDIT}},
        )
        for page in pages:
            yield page["ScannedCount"], [from_item(item) for item in page["Items"]]
