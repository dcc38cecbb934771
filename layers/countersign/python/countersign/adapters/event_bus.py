"""The hand-off bus on EventBridge."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import HandOffRejectedError

SOURCE = "countersign"
"""The `source` of every event that the kit puts on the bus."""

_MOST_ENTRIES = 10
_MOST_BYTES = 256 * 1024
"""Limits of one PutEvents call:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html. A larger entry is put alone, so that its
refusal concerns no other."""

_Entry = dict[str, str]


class EventBus:
    """Puts envelopes and lifecycle events on one bus, with their `kind` as the detail-type."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def send(self, envelope: Mapping[str, Any]) -> None:
        """See `countersign.ports.HandOff.send`."""
        (refusal,) = self.send_all([envelope])
        if refusal:
            raise refusal

    def send_all(self, envelopes: Sequence[Mapping[str, Any]]) -> list[HandOffRejectedError | None]:
        """See `countersign.ports.Bus.send_all`."""
        return [refusal for entries in _calls(map(self._entry, envelopes)) for refusal in self._put(entries)]

    def _entry(self, envelope: Mapping[str, Any]) -> _Entry:
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": envelope["kind"],
            "Detail": json.dumps(envelope),
        }

    def _put(self, entries: list[_Entry]) -> list[HandOffRejectedError | None]:
        """Put entries in one call, and return the refusal of each.

        PutEvents answers 200 even if it has refused an entry: only `FailedEntryCount` shows a failure
        (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
        """
        try:
            with raised_as(HandOffRejectedError):
                answer = self._client.put_events(Entries=entries)
        except HandOffRejectedError as error:
            return [error for _ in entries]
        if not answer["FailedEntryCount"]:
            return [None for _ in entries]
        return [
            None if "EventId" in result else HandOffRejectedError(result.get("ErrorCode", "unknown"))
            for result in answer["Entries"]
        ]


def _calls(entries: Iterator[_Entry]) -> Iterator[list[_Entry]]:
    """Yield the entries in lists that fit one call, in their order."""
    call: list[_Entry] = []
    size = 0
    for entry in entries:
        length = sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))
        if call and (len(call) == _MOST_ENTRIES or size + length > _MOST_BYTES):
            yield call
            call, size = [], 0
        call.append(entry)
        size += length
    if call:
        yield call
