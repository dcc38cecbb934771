"""Replay the stream records that a function gave up. A queue names them; the stream keeps them for 24 hours.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from countersign.adapters.keys import TASK
from operate.errors import code_of
from operate.stage import Stage

_AT_ONCE = 100
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})


class KeptError(Exception):
    """A message stays in its queue, for the reason in the text."""


def replay(stage: Stage, queue_arn: str, document: Mapping[str, Any]) -> list[str]:
    """Invoke a function again with the records that it gave up, and return the ids of their tasks.

    Args:
        stage: The stage.
        queue_arn: The function's dead-letter queue.
        document: A message of that queue.

    Raises:
        KeptError: The stream has lost the records, or the function failed again.
    """
    client, function = stage.client("lambda"), document["requestContext"]["functionArn"]
    patterns = [
        json.loads(criterion["Pattern"])
        for mapping in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        if mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") == queue_arn
        for criterion in mapping.get("FilterCriteria", {}).get("Filters", [])
    ]
    records = [
        record
        for record in _records(stage.client("dynamodbstreams"), document["DDBStreamBatchInfo"])
        if not patterns or any(matches(pattern, record) for pattern in patterns)
    ]
    if records:
        answer = client.invoke(FunctionName=function, Payload=json.dumps({"Records": records}).encode())
        said = json.loads(answer["Payload"].read() or b"null") or {}
        if "FunctionError" in answer or said.get("batchItemFailures"):
            raise KeptError("the function failed again; its log has the error")
    keys = (record["dynamodb"]["Keys"]["pk"]["S"] for record in records)
    return sorted({key.removeprefix(TASK) for key in keys if key.startswith(TASK)})


def _records(streams: Any, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        return list(_read(streams, batch))
    except ClientError as error:
        if code_of(error) not in _GONE:
            raise
        gone = "the stream keeps records for 24 hours; `ring` the tasks that `tasks --status DECIDED` lists"
        raise KeptError(gone) from error


def _read(streams: Any, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records of a batch in the form of Lambda's events."""
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
            number = int(record["dynamodb"]["SequenceNumber"])
            if number <= last:
                yield _in_lambda_s_form(record, batch["streamArn"])
            if number >= last:
                return
        iterator = page.get("NextShardIterator")


def matches(pattern: Any, value: Any) -> bool:
    """Tell whether a record matches a filter of an event source.

    Exact values, prefixes, and whether there is a value are supported.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    """
    if isinstance(pattern, Mapping):
        members = value if isinstance(value, Mapping) else {}
        return all(matches(inner, members.get(name)) for name, inner in pattern.items())
    return any(_is(option, value) for option in pattern)


def _is(option: Any, value: Any) -> bool:
    if isinstance(option, Mapping) and "exists" in option:
        return bool(option["exists"] == (value is not None))
    if isinstance(option, Mapping):
        return isinstance(value, str) and value.startswith(option["prefix"])
    return bool(option == value)


def _in_lambda_s_form(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    identity = record.get("userIdentity")
    lower = {"userIdentity": {"principalId": identity["PrincipalId"], "type": identity["Type"]}} if identity else {}
    document = {**record, **lower, "eventSourceARN": stream_arn}
    copied: dict[str, Any] = json.loads(json.dumps(document, default=datetime.timestamp))
    return copied
