"""Retry: after a failure or a timeout, ask again with a new callback; the pause doubles each time."""

from typing import Any

from aws_durable_execution_sdk_python.config import Duration

from countersign.workflows import Answered, DurableContext, Expired, ExternalTask, await_result, workflow

ATTEMPTS = 3
WAIT_SECONDS = 300
FIRST_PAUSE_SECONDS = 1
LONGEST_PAUSE_SECONDS = 60


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `completed` with the number of attempts, or `gave_up` after the last attempt before the deadline."""
    attempts = document.get("attempts", ATTEMPTS)
    for attempt in range(1, attempts + 1):
        task = ExternalTask(
            "external_api",
            {"data": document["data"], "attempt": attempt},
            document["deadline_seconds"],
            wait_seconds=document.get("wait_seconds", WAIT_SECONDS),
            attempt=attempt,
        )
        answer = await_result(context, f"attempt-{attempt}", task)
        if isinstance(answer, Answered):
            return {"status": "completed", "attempts": attempt, "result": dict(answer.document)}
        if attempt == attempts or (isinstance(answer, Expired) and answer.for_good):
            break
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        context.wait(Duration.from_seconds(pause), name=f"pause-{attempt}")
    return {"status": "gave_up", "attempts": attempt}
