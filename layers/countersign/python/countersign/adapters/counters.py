"""Counters on DynamoDB: one item for each network and minute."""

from collections.abc import Mapping
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

    def count(self, key: str, added: Mapping[int, int], ends: int) -> tuple[int, dict[int, int]]:
        """See `countersign.ports.Counters.count`."""
        parts = {f"t{number}": count for number, count in added.items()}
        counts = {"requests": sum(parts.values()), **parts}
        with translated():
            answer = self._client.update_item(
                TableName=self._table_name,
                Key={"pk": {"S": key}},
                UpdateExpression=f"SET #ttl = :ttl ADD {', '.join(f'#{name} :{name}' for name in counts)}",
                ExpressionAttributeNames={f"#{name}": name for name in ("ttl", *counts)},
                ExpressionAttributeValues={
                    ":ttl": {"N": str(ends + int(_KEPT.total_seconds()))},
                    **{f":{name}": {"N": str(count)} for name, count in counts.items()},
                },
                ReturnValues="UPDATED_NEW",
            )
        counted = answer["Attributes"]
        return int(counted["requests"]["N"]), {number: int(counted[f"t{number}"]["N"]) for number in added}
