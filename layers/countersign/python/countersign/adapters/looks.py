"""Calls of the function that asks providers for payments."""

import json
from collections.abc import Mapping
from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import LookFailedError, StartFailedError


class LambdaLooks:
    """Implements `countersign.ports.PaymentLooks`."""

    def __init__(self, client: Any, function: str) -> None:
        """Set the client, which waits as long as the function may take, and the function's name."""
        self._client = client
        self._function = function

    def look(self, provider: str, external_id: str, lookup_id: str = "") -> Mapping[str, str]:
        """See `countersign.ports.PaymentLooks.look`."""
        with raised_as(LookFailedError):
            payload = _payload(provider, external_id, lookup_id)
            answer = self._client.invoke(FunctionName=self._function, Payload=payload)
            said: dict[str, str] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise LookFailedError(said.get("errorMessage", "unknown").rpartition(": ")[2])
        return said

    def start(self, provider: str, external_id: str) -> None:
        """See `countersign.ports.PaymentLooks.start`. Lambda tries a failed call again twice."""
        with raised_as(StartFailedError):
            self._client.invoke(
                FunctionName=self._function, InvocationType="Event", Payload=_payload(provider, external_id)
            )


def _payload(provider: str, external_id: str, lookup_id: str = "") -> bytes:
    asked = {"provider": provider, "external_id": external_id}
    return json.dumps({**asked, "lookup_id": lookup_id} if lookup_id else asked).encode()
