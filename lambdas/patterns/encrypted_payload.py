"""Encrypted payload: the answer is ciphertext from the public function to the step that needs it."""

from typing import Any

from countersign.workflows import Answered, DurableContext, ExternalTask, Failed, await_result, open_answer, workflow


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `received` with the names of the secret's fields, never their values; `failed` or `expired`."""
    task = ExternalTask("secret", {"subject": document["subject"]}, document["deadline_seconds"], encrypted=True)
    match await_result(context, "secret", task):
        case Answered() as answer:
            return {"status": "received", "fields": sorted(open_answer(context, "secret", answer))}
        case Failed():
            return {"status": "failed", "fields": []}
        case _:
            return {"status": "expired", "fields": []}
