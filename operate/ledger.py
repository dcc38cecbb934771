"""The ledger as operators read it: what waits, everything, and the audit as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from countersign.adapters.attributes import from_item
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.task_items import DUE_SHARDS, task_of_document
from countersign.domain.errors import UnknownTaskError
from countersign.domain.tasks import LIVE, Task
from operate.errors import OperateError, Status

_INDEX = "gsi1"


class OperatorLedger(DynamoLedger):
    """The ledger, and reads of it that no function makes."""

    def __init__(self, client: Any, table_name: str) -> None:
        super().__init__(client, table_name)
        self._client = client
        self._name = table_name

    def live_tasks(self) -> Iterator[Task]:
        """Yield the tasks that are open or decided, by the index: a moment old, perhaps."""
        for shard in DUE_SHARDS:
            due = self._table.partition(_INDEX, shard)
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
        """Put an item where none of its key is; tell whether it was put. What stands is never written over."""
        try:
            self._client.put_item(TableName=self._name, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def audit_pages(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield how many items were read, and the audit entries among them, of tasks that are gone too.

        The entries of one task follow each other in order; the tasks come in none. Reads the whole table.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            ConsistentRead=True,
            FilterExpression="begins_with(pk, :audit)",
            ExpressionAttributeValues={":audit": {"S": "AUDIT#"}},
        )
        for page in pages:
            yield page["ScannedCount"], [from_item(item) for item in page["Items"]]
