"""Records of the ledger's stream that a function gave up: the stream has them for 24 hours, the queue only says which.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from countersign.adapters.keys import TASK
from operate.stage import Stage

_AT_ONCE = 100
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})


class NotReplayedError(Exception):
    """The records of a batch were not all processed; says why."""


def is_stream_batch(document: Mapping[str, Any]) -> bool:
    """Tell whether a message says which records of a stream were given up."""
    return isinstance(document.get("DDBStreamBatchInfo"), dict)


class StreamReplay:
    """Gives a function the records again that went to its dead-letter queue."""

    def __init__(self, stage: Stage, queue_arn: str) -> None:
        """Take the ARN of that queue."""
        self._stage = stage
        self._queue_arn = queue_arn

    def run(self, document: Mapping[str, Any]) -> list[str]:
        """Invoke the function with the records of a message, and return the ids of the tasks that they are about.

        Raises:
            NotReplayedError: The stream has them no more, or the function failed again.
        """
        function = document["requestContext"]["functionArn"]
        patterns = self._patterns(function)
        records = [
            record
            for record in self._records(document["DDBStreamBatchInfo"])
            if not patterns or any(matches(pattern, record) for pattern in patterns)
        ]
        if records:
            self._invoke(function, records)
        keys = (record["dynamodb"]["Keys"]["pk"]["S"] for record in records)
        return sorted({key.removeprefix(TASK) for key in keys if key.startswith(TASK)})

    def _patterns(self, function: str) -> list[Any]:
        answer = self._stage.client("lambda").list_event_source_mappings(FunctionName=function)
        return [
            json.loads(criterion["Pattern"])
            for mapping in answer["EventSourceMappings"]
            if mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") == self._queue_arn
            for criterion in mapping.get("FilterCriteria", {}).get("Filters", [])
        ]

    def _records(self, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the records of a batch as Lambda gives them to functions."""
        from botocore.exceptions import ClientError

        try:
            yield from self._read(batch)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            raise NotReplayedError(
                "the stream has its records no more, after 24 hours: `tasks --status DECIDED` lists what to `ring`"
            ) from error

    def _read(self, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        streams = self._stage.client("dynamodbstreams")
        iterator = streams.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        last = int(batch["endSequenceNumber"])
        while iterator:
            page = streams.get_records(ShardIterator=iterator, Limit=_AT_ONCE)
            for record in page["Records"]:
                if int(record["dynamodb"]["SequenceNumber"]) > last:
                    return
                yield _as_lambda_has_it(record, batch["streamArn"])
                if int(record["dynamodb"]["SequenceNumber"]) == last:
                    return
            iterator = page.get("NextShardIterator")

    def _invoke(self, function: str, records: list[dict[str, Any]]) -> None:
        answer = self._stage.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps({"Records": records}).encode()
        )
        said = json.loads(answer["Payload"].read() or b"null") or {}
        if "FunctionError" in answer or said.get("batchItemFailures"):
            raise NotReplayedError("the function failed on it again: its log says why")


def matches(pattern: Any, value: Any) -> bool:
    """Tell whether a filter of an event source lets a record through; it knows exact values and prefixes.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    """
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(matches(inner, value.get(name)) for name, inner in pattern.items())
    return any(_is(option, value) for option in pattern)


def _is(option: Any, value: Any) -> bool:
    if isinstance(option, Mapping):
        return isinstance(value, str) and value.startswith(option["prefix"])
    return bool(option == value)


def _as_lambda_has_it(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    identity = record.get("userIdentity")
    lower = {"userIdentity": {"principalId": identity["PrincipalId"], "type": identity["Type"]}} if identity else {}
    document = {**record, **lower, "eventSourceARN": stream_arn}
    copied: dict[str, Any] = json.loads(json.dumps(document, default=_as_epoch))
    return copied


def _as_epoch(value: Any) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"a stream record holds a {type(value).__name__}")
