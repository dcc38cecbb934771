"""DynamoDB by moto: slower than `benchmarks.soak.table`, with conditions and a stream of another author."""

from typing import Any

from tests.integration.conftest import TABLE, create_tables, session, stream_records


class MotoTables:
    """A client of DynamoDB with new tables, and the ledger's stream, inside `mock_aws`."""

    def __init__(self) -> None:
        self._client = session().create_client("dynamodb")
        for name in self._client.list_tables()["TableNames"]:
            self._client.delete_table(TableName=name)
        create_tables(self._client)
        self._seen = 0

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def new_records(self) -> list[dict[str, Any]]:
        """Return the stream's records since the last call, oldest first."""
        records = stream_records(self._client)
        new, self._seen = records[self._seen :], len(records)
        return new

    def everything(self) -> list[dict[str, Any]]:
        """Return every item of the ledger."""
        pages = self._client.get_paginator("scan").paginate(TableName=TABLE)
        return [item for page in pages for item in page["Items"]]
