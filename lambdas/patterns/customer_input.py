"""Customer input: an answer that breaks the contract is recorded and reported to the sender; the wait goes on."""

from typing import Any

from countersign.workflows import Answered, DurableContext, ExternalTask, Failed, await_result, workflow


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `received` with the input and the number of refused attempts; `failed` or `expired`."""
    task = ExternalTask(
        "customer_input",
        {"customer_id": document["customer_id"]},
        document["deadline_seconds"],
        answer_contract="customer-input.answer",
    )
    match await_result(context, "input", task):
        case Answered(document=given, refused=refused):
            return {"status": "received", "input": dict(given), "rejected_attempts": refused}
        case Failed():
            return {"status": "failed", "input": None, "rejected_attempts": None}
        case _:
            return {"status": "expired", "input": None, "rejected_attempts": None}
