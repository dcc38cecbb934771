"""Data enrichment: a third party is asked for more about a user, and its answer is merged with what was known."""

from typing import Any

from aws_durable_execution_sdk_python import DurableContext

from countersign.external import Answered, ExternalTask, Failed, await_result
from countersign.workflow import workflow


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `enriched` with both; `failed` when the third party could not, or `expired`."""
    original = document["user_data"]
    task = ExternalTask("enrichment", {"user_data": original}, document["deadline_seconds"])
    match await_result(context, "enrichment", task):
        case Answered(document=more):
            return {"status": "enriched", "original": original, "enriched": {**original, **more}}
        case Failed():
            return {"status": "failed", "original": original, "enriched": None}
        case _:
            return {"status": "expired", "original": original, "enriched": None}
