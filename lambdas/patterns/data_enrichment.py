"""Data enrichment: ask a third party for more data about a user, and return its answer with the input."""

from collections.abc import Mapping
from typing import Any

from countersign.workflows import Answered, DurableContext, ExternalTask, Failed, await_result, workflow

LONGEST_TIMESTAMP = 64
"""Characters. A longer `processed_at` is not a time; the answer has it anyway."""


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `enriched` with the unchanged answer, `failed` or `expired`."""
    result = {"original": document["user_data"], "enriched": None, "timestamp": None}
    task = ExternalTask("enrichment", {"user_data": document["user_data"]}, document["deadline_seconds"])
    match await_result(context, "enrichment", task):
        case Answered(document=answer):
            return {"status": "enriched", **result, "enriched": answer, "timestamp": _processed_at(answer)}
        case Failed():
            return {"status": "failed", **result}
    return {"status": "expired", **result}


def _processed_at(answer: Mapping[str, Any]) -> str | None:
    told = answer.get("processed_at")
    return told if isinstance(told, str) and len(told) <= LONGEST_TIMESTAMP else None
