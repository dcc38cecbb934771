"""DynamoDB as moto has it, behind botocore: slower than `tests.soak.table`, and nobody here wrote its conditions."""

from typing import Any

from tests.integration.conftest import DIRECTORY_TABLE, LIMITS_TABLE, TABLE, session, streams, wire_record


class MotoTables:
    """A client of DynamoDB with fresh tables, and the ledger's stream; `mock_aws` is somebody else's to start."""

    def __init__(self) -> None:
        self._client = session().create_client("dynamodb")
        for name in self._client.list_tables()["TableNames"]:
            self._client.delete_table(TableName=name)
        table = self._client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_keys("pk", "sk"),
            AttributeDefinitions=_texts("pk", "sk", "gsi1pk", "gsi1sk"),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "gsi1",
                    "KeySchema": _keys("gsi1pk", "gsi1sk"),
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        for name, key in ((DIRECTORY_TABLE, "address"), (LIMITS_TABLE, "pk")):
            self._client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=_keys(key),
                AttributeDefinitions=_texts(key),
            )
        arn = table["TableDescription"]["LatestStreamArn"]
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


def _keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def _texts(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]
