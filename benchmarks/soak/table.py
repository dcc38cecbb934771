"""DynamoDB in memory, fast enough for a soak: the kit's calls, and the stream of their changes.

moto's parser reads the conditions. moto itself copies the whole table for every transaction and is a hundred times
slower; a shorter soak runs on it too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from countersign.adapters.keys import PROJECTED
from countersign.testing.builders import stream_record
from tests.integration.conftest import TABLE

Key = tuple[str, ...]
Image = dict[str, Any]


class MemoryTables:
    """A client of DynamoDB with every table."""

    def __init__(self) -> None:
        self.items: dict[Key, Image] = {}
        self._records: list[dict[str, Any]] = []

    def new_records(self) -> list[dict[str, Any]]:
        """Return the stream's records since the last call, oldest first."""
        records, self._records = self._records, []
        return records

    def everything(self) -> list[Image]:
        """Return every item of the ledger."""
        return list(self._of(TABLE))

    # The calls, by botocore's names

    def get_item(self, **asked: Any) -> dict[str, Any]:
        item = self.items.get(_key(asked["TableName"], asked["Key"]))
        return {"Item": dict(item)} if item else {}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        found = {
            name: [self.items[_key(name, key)] for key in asked["Keys"] if _key(name, key) in self.items]
            for name, asked in request["RequestItems"].items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def query(self, **asked: Any) -> dict[str, Any]:
        index, values = asked.get("IndexName", ""), asked["ExpressionAttributeValues"]
        pk, sk = f"{index}pk", f"{index}sk"
        wanted, prefix = (values.get(name, {"S": ""})["S"] for name in (":pk", ":sk"))
        after, until = (values[name]["S"] if name in values else None for name in (":after", ":until"))
        found = [
            item
            for item in self._of(asked["TableName"])
            if item.get(pk, {}).get("S") == wanted
            and item[sk]["S"].startswith(prefix)
            and (after is None or item[sk]["S"] > after)
            and (until is None or item[sk]["S"] <= until)
        ]
        found.sort(key=lambda item: str(item[sk]["S"]), reverse=not asked.get("ScanIndexForward", True))
        if index:
            kept = {"pk", "sk", pk, sk, *PROJECTED}
            found = [{name: value for name, value in item.items() if name in kept} for item in found]
        return {"Items": found[: asked.get("Limit")]}

    def scan(self, **asked: Any) -> dict[str, Any]:
        wanted = asked["ExpressionAttributeValues"][":sk"]
        return {"Items": [item for item in self._of(asked["TableName"]) if item["sk"] == wanted]}

    def put_item(self, **write: Any) -> dict[str, Any]:
        return self._alone("Put", write)

    def update_item(self, **write: Any) -> dict[str, Any]:
        answer = self._alone("Update", write)
        return answer | {"Attributes": self.items[_key_of(write)]} if "ReturnValues" in write else answer

    def delete_item(self, **write: Any) -> dict[str, Any]:
        return self._alone("Delete", write)

    def transact_write_items(self, **asked: Any) -> dict[str, Any]:
        writes = [next(iter(write.items())) for write in asked["TransactItems"]]
        keys = [_key_of(write) for _, write in writes]
        assert len(set(keys)) == len(keys), "DynamoDB refuses a transaction that touches an item twice"
        reasons = [{"Code": "None" if self._allows(write) else "ConditionalCheckFailed"} for _, write in writes]
        if any(reason["Code"] != "None" for reason in reasons):
            raise error_of("TransactionCanceledException", "transact_write_items", CancellationReasons=reasons)
        for kind, write in writes:
            self._apply(kind, write)
        return {}

    # The writes

    def _of(self, table: str) -> Iterator[Image]:
        return (item for key, item in self.items.items() if key[0] == table)

    def _alone(self, kind: str, write: dict[str, Any]) -> dict[str, Any]:
        if not self._allows(write):
            raise error_of("ConditionalCheckFailedException", kind)
        self._apply(kind, write)
        return {}

    def _allows(self, write: Mapping[str, Any]) -> bool:
        condition = write.get("ConditionExpression")
        if not condition:
            return True
        standing = self.items.get(_key_of(write), {})
        item = Item(DynamoType({"S": ""}), None, standing)
        names, values = write.get("ExpressionAttributeNames", {}), write.get("ExpressionAttributeValues", {})
        return bool(get_filter_expression(condition, names, values).expr(item))

    def _apply(self, kind: str, write: Mapping[str, Any]) -> None:
        if kind == "ConditionCheck":
            return
        key = _key_of(write)
        before = self.items.get(key)
        after = _AFTER[kind](write, before)
        if after is None:
            self.items.pop(key, None)
        else:
            self.items[key] = after
        if before != after and key[0] == TABLE:  # no other table has a stream
            self._records.append(stream_record(after, before))


def error_of(code: str, operation: str, status: int = 400, **more: Any) -> ClientError:
    """Return botocore's exception for an error of AWS."""
    metadata = {"HTTPStatusCode": status, "RetryAttempts": 0}
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": metadata, **more}, operation)


def _key(table: str, key: Image) -> Key:
    return table, *(next(iter(key[name].values())) for name in ("pk", "sk", "address") if name in key)


def _key_of(write: Mapping[str, Any]) -> Key:
    return _key(write["TableName"], write.get("Key") or write["Item"])


def _updated(write: Mapping[str, Any], before: Image | None) -> Image:
    """Apply `SET #a = :new_a, #b = #c, … REMOVE #d, … ADD #e :new_e, …`, the only form of the kit's updates."""
    names, values = write["ExpressionAttributeNames"], write["ExpressionAttributeValues"]
    after = {**write["Key"], **(before or {})}
    changing, _, adding = f" {write['UpdateExpression']}".partition(" ADD ")
    setting, _, removing = changing.partition(" REMOVE ")
    for assignment in filter(None, setting.removeprefix(" SET ").split(", ")):
        name, value = assignment.split(" = ")
        after[names[name]] = values[value] if value in values else after[names[value]]
    for name in filter(None, removing.split(", ")):
        after.pop(names[name], None)
    for addition in filter(None, adding.split(", ")):
        name, value = addition.split(" ")
        before_it = int(after.get(names[name], {"N": "0"})["N"])
        after[names[name]] = {"N": str(before_it + int(values[value]["N"]))}
    return after


_AFTER: Mapping[str, Callable[[Mapping[str, Any], Image | None], Image | None]] = {
    "Put": lambda write, _: dict(write["Item"]),
    "Update": _updated,
    "Delete": lambda *_: None,
}
