"""DynamoDB by moto: slower than `benchmarks.soak.table`, with conditions and a stream of another author."""

from typing import Any

from tests.integration.conftest import TABLE, Stream, create_tables, session


class MotoTables:
    """A client of DynamoDB with new tables, and the ledger's stream, inside `mock_aws`."""

    def __init__(self) -> None:
        self._client = session().create_client("dynamodb")
        for name in self._client.list_tables()["TableNames"]:
            self._client.delete_table(TableName=name)
        create_tables(self._client)
        self.new_records = Stream(self._client).new_records

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def everything(self) -> list[dict[str, Any]]:
        """Return every item of the ledger."""
        pages = self._client.get_paginator("scan").paginate(TableName=TABLE)
        return [item for page in pages for item in page["Items"]]
