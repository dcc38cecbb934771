"""Calls to DynamoDB, and the translation of its errors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from countersign.adapters.attributes import from_item, to_attribute, to_item
from countersign.adapters.keys import INDEX, INDEX_PK, INDEX_SK
from countersign.domain.errors import LedgerConflictError, LedgerUnavailableError

_CONFLICTS = frozenset({"ConditionalCheckFailed", "TransactionConflict", "DuplicateItem"})
_CONFLICT_CODES = frozenset(
    {"ConditionalCheckFailedException", "TransactionConflictException", "TransactionInProgressException"}
)
_TRANSIENT_CODES = frozenset(
    {
        "InternalServerError",
        "ItemCollectionSizeLimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)

SCHEMA_VERSION = 1
"""The attribute `v` of every item: the version of the shapes that the last writer of the item knows.

Raise it when the shape of an item changes. A release reads what the releases before and after it write, since both run
side by side during a deploy and after a rollback: so a new shape adds attributes, and none changes its meaning.
"""

_BATCH_SIZE = 100
"""DynamoDB's limit: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html."""

_BATCH_ATTEMPTS = 5


class SameAs(str):
    """The value of another attribute of the item, named by this text."""

    __slots__ = ()


class Table:
    """One DynamoDB table; documents in, documents out."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: dict[str, str], *, consistent: bool = True) -> dict[str, Any] | None:
        """Return the document of this key, read consistently by default, or None."""
        with translated():
            answer = self._client.get_item(TableName=self._name, Key=to_item(key), ConsistentRead=consistent)
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, keys: Sequence[dict[str, str]], *, consistent: bool = True, only: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Return the existing documents of these keys, read consistently by default, in no order.

        Args:
            keys: The keys.
            consistent: Whether to read consistently.
            only: The attributes to read; empty for all.

        Raises:
            LedgerUnavailableError: DynamoDB throttled the calls, or repeatedly left keys unread.
        """
        waiting = [to_item(key) for key in keys]
        found: list[dict[str, Any]] = []
        for _ in range(_BATCH_ATTEMPTS + len(waiting) // _BATCH_SIZE):
            if not waiting:
                return found
            batch, waiting = waiting[:_BATCH_SIZE], waiting[_BATCH_SIZE:]
            with translated():
                asked = {"Keys": batch, "ConsistentRead": consistent, **_projection(only)}
                answer = self._client.batch_get_item(RequestItems={self._name: asked})
            found += map(from_item, answer["Responses"].get(self._name, []))
            waiting += answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
        if waiting:
            raise LedgerUnavailableError("keys were left unread")
        return found

    def absent(self, key: dict[str, str], attribute: str = "pk") -> dict[str, Any]:
        """Return the check that the item of this key lacks an attribute; by default, that there is no such item."""
        check = {
            "TableName": self._name,
            "Key": to_item(key),
            "ConditionExpression": f"attribute_not_exists({attribute})",
        }
        return {"ConditionCheck": check}

    def removal(self, key: dict[str, str]) -> dict[str, Any]:
        """Return the write that deletes the item of this key; its transaction fails if the item is gone."""
        condition = {"ConditionExpression": "attribute_exists(pk)"}
        return {"Delete": {"TableName": self._name, "Key": to_item(key), **condition}}

    def query(self, pk: str, sk_prefix: str = "", *, consistent: bool = True) -> Iterator[dict[str, Any]]:
        """Yield the documents of a partition whose sort key has this prefix, in order, read consistently by default."""
        values = {":pk": pk, ":sk": sk_prefix} if sk_prefix else {":pk": pk}
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk" + (" AND begins_with(sk, :sk)" if sk_prefix else ""),
            "ExpressionAttributeValues": to_item(values),
            "ConsistentRead": consistent,
        }
        yield from self._pages(self._client.query, arguments)

    def indexed(self, pk: str, *, after: str = "", until: str = "") -> Iterator[dict[str, Any]]:
        """Yield the entries of a partition of the index `INDEX`, in order, with eventual consistency.

        Args:
            pk: The partition.
            after: Lower bound of the sort keys, exclusive; empty for all.
            until: Upper bound of the sort keys, inclusive; empty for all.
        """
        condition = f"{INDEX_PK} = :pk"
        condition += f" AND {INDEX_SK} > :after" if after else ""
        condition += f" AND {INDEX_SK} <= :until" if until else ""
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item({":pk": pk, ":after": after or None, ":until": until or None}),
        }
        return self._pages(self._client.query, arguments)

    def latest(
        self, pk: str, *, since: str = "", after: dict[str, str] | None = None, most: int
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return entries of a partition of the index `INDEX`, the last first, with eventual consistency.

        Args:
            pk: The partition.
            since: Lower bound of the sort keys, inclusive; empty for all.
            after: The keys of the entry after which to begin; None for the last.
            most: The most entries.

        Returns:
            The entries, and whether there may be more.
        """
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": INDEX,
            "KeyConditionExpression": f"{INDEX_PK} = :pk" + (f" AND {INDEX_SK} >= :since" if since else ""),
            "ExpressionAttributeValues": to_item({":pk": pk, ":since": since or None}),
            "ScanIndexForward": False,
            "Limit": most,
            **({"ExclusiveStartKey": to_item(after)} if after else {}),
        }
        with translated():
            page = self._client.query(**arguments)
        return [from_item(item) for item in page["Items"]], "LastEvaluatedKey" in page

    def scan(self, sk: str) -> Iterator[dict[str, Any]]:
        """Yield every document with this sort key. Reads the whole table: only for operators."""
        arguments: dict[str, Any] = {
            "TableName": self._name,
            "FilterExpression": "sk = :sk",
            "ExpressionAttributeValues": to_item({":sk": sk}),
            "ConsistentRead": True,
        }
        yield from self._pages(self._client.scan, arguments)

    def write(self, writes: Sequence[dict[str, Any]]) -> None:
        """Make several writes in one transaction, or a single write.

        Raises:
            LedgerConflictError: A condition failed, or another transaction held an item.
            LedgerUnavailableError: DynamoDB throttled the call or did not answer.
        """
        with translated():
            if len(writes) == 1:
                ((kind, arguments),) = writes[0].items()
                call = self._client.put_item if kind == "Put" else self._client.update_item
                call(**arguments)
            else:
                self._client.transact_write_items(TransactItems=list(writes))

    def attempt(self, *writes: dict[str, Any]) -> bool:
        """Make writes as `write` does, but return False instead of raising a LedgerConflictError."""
        try:
            self.write(writes)
        except LedgerConflictError:
            return False
        return True

    def delete(self, key: dict[str, str]) -> None:
        """Delete the item of this key, if it exists."""
        with translated():
            self._client.delete_item(TableName=self._name, Key=to_item(key))

    def put(self, document: dict[str, Any], *, only_new: bool = True) -> dict[str, Any]:
        """Return the write that puts a document; by default only if none of its key exists."""
        condition = {"ConditionExpression": "attribute_not_exists(pk)"} if only_new else {}
        item = to_item({**document, "v": SCHEMA_VERSION})
        return {"Put": {"TableName": self._name, "Item": item, **condition}}

    def update(
        self,
        key: dict[str, str],
        fields: dict[str, Any],
        condition: str = "",
        values: Mapping[str, Any] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Return the write that sets fields under a condition, and removes those that are None.

        Args:
            key: Key of the item.
            fields: New values by attribute name; a `SameAs` copies another attribute.
            condition: Names attributes as `#name` and values as `:name`; empty for no condition.
            values: The condition's values by their names without the colon.
        """
        fields = {**fields, "v": SCHEMA_VERSION}
        set_fields = {name: value for name, value in fields.items() if value is not None}
        removed = [f"#{name}" for name in fields if name not in set_fields]
        copied = {name: value for name, value in set_fields.items() if isinstance(value, SameAs)}
        given = {name: value for name, value in set_fields.items() if name not in copied}
        terms = {name: f":new_{name}" for name in given} | {name: f"#{other}" for name, other in copied.items()}
        expression = "SET " + ", ".join(f"#{name} = {terms[name]}" for name in set_fields)
        if removed:
            expression += " REMOVE " + ", ".join(removed)
        mentioned = {*fields, *copied.values()} | {
            word[1:].rstrip(",)") for word in condition.split() if word.startswith("#")
        }
        return {
            "Update": {
                "TableName": self._name,
                "Key": to_item(key),
                "UpdateExpression": expression,
                **({"ConditionExpression": condition} if condition else {}),
                "ExpressionAttributeNames": {f"#{name}": name for name in sorted(mentioned)},
                "ExpressionAttributeValues": {
                    **{f":new_{name}": to_attribute(value) for name, value in given.items()},
                    **{f":{name}": to_attribute(value) for name, value in values.items()},
                },
            }
        }

    def increment(self, key: dict[str, str], name: str) -> dict[str, Any]:
        """Return the write that adds 1 to a number of an existing item; it conflicts with no other update."""
        return {
            "Update": {
                "TableName": self._name,
                "Key": to_item(key),
                "UpdateExpression": "ADD #name :one",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeNames": {"#name": name},
                "ExpressionAttributeValues": to_item({":one": 1}),
            }
        }

    def _pages(self, read: Any, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            with translated():
                page = read(**arguments)
            yield from (from_item(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _projection(only: Sequence[str]) -> dict[str, Any]:
    if not only:
        return {}
    names = {f"#{name}": name for name in only}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}


@contextmanager
def translated() -> Iterator[None]:
    """Translate botocore's errors of DynamoDB within the block.

    Raises:
        LedgerConflictError: A condition failed, or another transaction held an item.
        LedgerUnavailableError: DynamoDB throttled the call or did not answer.
    """
    try:
        yield
    except ClientError as error:
        raise _translation(error) from error
    except ParamValidationError:  # a bug: no retry helps
        raise
    except BotoCoreError as error:
        raise LedgerUnavailableError(type(error).__name__) from error


def _translation(error: ClientError) -> Exception:
    code: str = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        return _translated_cancellation(error)
    if code in _CONFLICT_CODES:
        return LedgerConflictError(code)
    if code in _TRANSIENT_CODES or error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
        return LedgerUnavailableError(code)
    unexpected: Exception = error
    return unexpected


def _translated_cancellation(error: ClientError) -> Exception:
    reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])} - {"None", None}
    if reasons & _CONFLICTS:
        return LedgerConflictError(", ".join(sorted(reasons)))
    if "ValidationError" in reasons:  # for example an item that is too large: no retry helps
        unexpected: Exception = error
        return unexpected
    return LedgerUnavailableError(", ".join(sorted(reasons)))
