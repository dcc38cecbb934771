"""Document collection: wait for every document, in any order; each can be replaced until all are there."""

from typing import Any

from countersign.workflows import Answered, Collecting, DurableContext, Expired, ExternalTask, await_result, workflow

REQUIRED = ("identity", "proof_of_address", "bank_statement")


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `complete` with all documents, or `expired` with those that arrived."""
    required = tuple(document.get("required", REQUIRED))
    task = ExternalTask(
        "documents",
        {"user_id": document["user_id"], "required": list(required)},
        document["deadline_seconds"],
        answer_contract="document-collection.documents",
        collect=Collecting("document_type", required),
    )
    match await_result(context, "documents", task):
        case Answered(document=documents):
            return {"status": "complete", "documents": dict(documents)}
        case Expired(collected=documents):
            return {"status": "expired", "documents": dict(documents)}
        case _:
            return {"status": "failed", "documents": {}}
