"""The hand-off bus on EventBridge."""

import json
from collections.abc import Mapping
from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import HandOffRejectedError

SOURCE = "countersign"
"""The `source` of every event that the kit puts on the bus."""


class EventBus:
    """Puts envelopes and lifecycle events on one bus, with their `kind` as the detail-type."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def send(self, envelope: Mapping[str, Any]) -> None:
        """See `countersign.ports.HandOff.send`.

        PutEvents answers 200 even if it has refused an entry: only `FailedEntryCount` shows a failure
        (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
        """
        entry = {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": envelope["kind"],
            "Detail": json.dumps(envelope),
        }
        with raised_as(HandOffRejectedError):
            answer = self._client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise HandOffRejectedError(answer["Entries"][0].get("ErrorCode", "unknown"))
