"""Conditional results: the answer's type decides the status; an unforeseen answer goes to a person."""

from typing import Any

from countersign.workflows import Answered, DurableContext, ExternalTask, Failed, await_result, workflow

STATUSES = {"success": "processed", "partial": "partially_processed", "failure": "failed"}


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `processed`, `partially_processed` or `failed` as answered; `manual_review` for anything else."""
    task = ExternalTask("conditional", {"data": document["data"]}, document["deadline_seconds"])
    match await_result(context, "processing", task):
        case Answered(document=answer):
            return {"status": STATUSES.get(str(answer.get("type")), "manual_review"), "detail": dict(answer)}
        case Failed(code=code, message=message):
            return {"status": "failed", "detail": {"code": code, "message": message}}
        case _:
            return {"status": "manual_review", "detail": {"reason": "no answer in time"}}
