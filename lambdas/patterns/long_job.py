"""A long job: a worker sends heartbeats; if it falls silent, the wait ends early."""

from typing import Any

from countersign.workflows import Answered, DurableContext, ExternalTask, WorkerLost, await_result, workflow


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `completed` with the result, `worker_lost` when the heartbeats stop, `failed` or `expired`."""
    heartbeat = document["heartbeat_seconds"]
    task = ExternalTask(
        "job",
        {"job": document["job"], "heartbeat_seconds": heartbeat},  # the envelope's callback says it too
        document["deadline_seconds"],
        heartbeat_seconds=heartbeat,
    )
    match await_result(context, "job", task):
        case Answered(document=result):
            return {"status": "completed", "result": dict(result)}
        case WorkerLost():
            return {"status": "worker_lost"}
        case other:
            return {"status": type(other).__name__.lower()}
