"""Streams of tables after a restart."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import copy

from ministack.services import dynamodb

from local.emulator.corrections.operations import Record


def outlive_restarts() -> None:
    """Keep the records of streams in the state that a restart begins with.

    Upstream keeps the position of each event source mapping, but not the records. After a restart the stream is empty,
    and new records are skipped until there are as many as before. On AWS a stream keeps its records for 24 hours
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
    """
    get_state, load = dynamodb.get_state, dynamodb.load_persisted_state

    def get_state_with_streams() -> Record:
        state: Record = get_state()
        return state | {
            "stream_records": copy.deepcopy(dynamodb._stream_records),
            "stream_trimmed": copy.deepcopy(dynamodb._stream_trimmed),
            "stream_sequence": dynamodb._stream_seq_counter,
        }

    def load_with_streams(data: Record) -> None:
        load(data)
        dynamodb._stream_records.update((data or {}).get("stream_records", {}))
        dynamodb._stream_trimmed.update((data or {}).get("stream_trimmed", {}))
        dynamodb._stream_seq_counter = (data or {}).get("stream_sequence", 0)

    dynamodb.get_state, dynamodb.load_persisted_state = get_state_with_streams, load_with_streams
