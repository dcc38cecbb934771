"""DynamoDB by moto: slower than `tests.soak.table`, with conditions and a stream of another author."""

from typing import Any

from tests.integration.conftest import TABLE, create_tables, session, streams, wire_record


class MotoTables:
    """A client of DynamoDB with new tables, and the ledger's stream, inside `mock_aws`."""

    def __init__(self) -> None:
        self._client = session().create_client("dynamodb")
        for name in self._client.list_tables()["TableNames"]:
            self._client.delete_table(TableName=name)
        create_tables(self._client)
        arn = self._client.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
        (shard,) = streams().describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._iterator = streams().get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def new_records(self) -> list[dict[str, Any]]:
        """Return the stream's records since the last call, oldest first."""
        answer = streams().get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        return [wire_record(record) for record in answer["Records"]]

    def everything(self) -> list[dict[str, Any]]:
        """Return every item of the ledger."""
        pages = self._client.get_paginator("scan").paginate(TableName=TABLE)
        return [item for page in pages for item in page["Items"]]
