"""Counters on DynamoDB: one item for each network and minute, one write for each request."""

from datetime import timedelta
from typing import Any

from countersign.adapters.dynamodb import translated

_KEPT = timedelta(minutes=10)
"""How long an item is kept after its minute, at least; TTL removes it later."""


class DynamoCounters:
    """Counts in a separate table, so that a flood does not affect the ledger."""

    def __init__(self, client: Any, table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def count(self, key: str, slot: int, ends: int) -> tuple[int, int]:
        """See `countersign.ports.Counters.count`."""
        with translated():
            answer = self._client.update_item(
                TableName=self._table_name,
                Key={"pk": {"S": key}},
                UpdateExpression="SET #ttl = :ttl ADD #all :one, #slot :one",
                ExpressionAttributeNames={"#ttl": "ttl", "#all": "requests", "#slot": f"t{slot}"},
                ExpressionAttributeValues={
                    ":ttl": {"N": str(ends + int(_KEPT.total_seconds()))},
                    ":one": {"N": "1"},
                },
                ReturnValues="UPDATED_NEW",
            )
        counted = answer["Attributes"]
        return int(counted["requests"]["N"]), int(counted[f"t{slot}"]["N"])
