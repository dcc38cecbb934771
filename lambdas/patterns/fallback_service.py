"""Fallback: ask a second service if the first fails or is late; the result names the one that answered."""

from typing import Any

from countersign.workflows import Answered, DurableContext, ExternalTask, Failed, await_result, workflow


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `completed` with the `source` of the answer; otherwise `failed` or `expired`, by the second service."""
    patience = {"primary": document["primary_seconds"], "fallback": None}
    for source, seconds in patience.items():
        task = ExternalTask(
            f"{source}_service", {"data": document["data"]}, document["deadline_seconds"], wait_seconds=seconds
        )
        answer = await_result(context, source, task)
        if isinstance(answer, Answered):
            return {"status": "completed", "source": source, "result": dict(answer.document)}
    return {"status": "failed" if isinstance(answer, Failed) else "expired", "source": None, "result": None}
