"""The places of waiting callers on DynamoDB: one item for each place."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from countersign.adapters.attributes import to_item
from countersign.adapters.dynamodb import translated
from countersign.domain.clock import to_text
from countersign.domain.errors import LedgerConflictError, LedgerUnavailableError

_KEPT = timedelta(hours=1)
"""How long an item is kept after its time, at least; TTL removes it later."""


class DynamoPlaces:
    """Keeps the places in the table of the limits. A place whose holder has crashed is free after its time."""

    def __init__(self, client: Any, table_name: str, number: int) -> None:
        """Set the client, the table, and the number of places."""
        self._client = client
        self._table_name = table_name
        self._number = number

    def take(self, now: datetime, until: datetime) -> int | None:
        """See `countersign.ports.Places.take`."""
        with suppress(LedgerUnavailableError):
            return next(self._taken(now, until), None)
        return None

    def leave(self, place: int, until: datetime) -> None:
        """See `countersign.ports.Places.leave`."""
        with suppress(LedgerConflictError, LedgerUnavailableError):
            self._set(place, "", until, "#until = :held", {":held": to_text(until)})

    def _taken(self, now: datetime, until: datetime) -> Iterator[int]:
        """Yield the places that are free, once they are taken. The time says with which to begin: few try the same."""
        for number in range(self._number):
            place = (now.microsecond + number) % self._number
            with suppress(LedgerConflictError):
                free = "attribute_not_exists(#until) OR #until <= :now"
                self._set(place, to_text(until), until, free, {":now": to_text(now)})
                yield place

    def _set(self, place: int, text: str, until: datetime, condition: str, values: dict[str, str]) -> None:
        ttl = int((until + _KEPT).timestamp())
        with translated():
            self._client.update_item(
                TableName=self._table_name,
                Key=to_item({"pk": f"waiting#{place}"}),
                UpdateExpression="SET #until = :until, #ttl = :ttl",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#until": "until", "#ttl": "ttl"},
                ExpressionAttributeValues=to_item({**values, ":until": text, ":ttl": ttl}),
            )
