"""How what a durable step returns is written into the execution's history."""

import json
from typing import Any

from aws_durable_execution_sdk_python.serdes import SerDes, SerDesContext

from countersign.domain.strict_json import canonical


class CanonicalSerDes(SerDes[Any]):
    """Plain JSON values as canonical JSON: what is 200 KB in the ledger is 200 KB in a checkpoint, which holds 256 KB.

    The SDK's own form tags every value with its type and escapes what is not ASCII: a list of digits grows eightfold.
    """

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:  # noqa: ARG002  the SDK passes it
        """Return a value's JSON."""
        return canonical(value).decode()

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:  # noqa: ARG002  the SDK passes it
        """Return the value of a JSON text."""
        return json.loads(data)
