"""Identity verification: a service gives a score and flags; a person decides the unclear cases."""

from collections.abc import Mapping
from typing import Any

from countersign.workflows import (
    Answered,
    Approval,
    Approved,
    DurableContext,
    ExternalTask,
    Rejected,
    await_result,
    request_approval,
    workflow,
)

GOOD_SCORE = 80
BAD_SCORE = 50
MOST_FLAGS = 2


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `verified` or `failed`, with the reviewer if a person decided."""
    task = ExternalTask(
        "verification",
        {"user_id": document["user_id"]},
        document["deadline_seconds"],
        answer_contract="identity-verification.verification",
    )
    answer = await_result(context, "verification", task)
    if not isinstance(answer, Answered):
        return {"status": "failed", "score": None}
    verdict, score = _verdict(answer.document), answer.document["score"]
    if verdict:
        return {"status": verdict, "score": score}
    match request_approval(context, "review", _approval(document, answer.document)):
        case Approved(by=by):
            return {"status": "verified", "score": score, "reviewed_by": by[0]}
        case Rejected(by=by):
            return {"status": "failed", "score": score, "reviewed_by": by[0]}
    return {"status": "failed", "score": score}


def _verdict(answer: Mapping[str, Any]) -> str:
    """Return the verdict of a clear answer; empty if a person must decide."""
    if answer["score"] < BAD_SCORE or len(answer["flags"]) > MOST_FLAGS:
        return "failed"
    return "verified" if answer["status"] == "verified" and answer["score"] >= GOOD_SCORE else ""


def _approval(document: Mapping[str, Any], answer: Mapping[str, Any]) -> Approval:
    return Approval(
        title=f"Verify the identity of user {document['user_id']}",
        details=(
            ("User", str(document["user_id"])),
            ("Status", answer["status"]),
            ("Score", str(answer["score"])),
            ("Flags", ", ".join(answer["flags"]) or "none"),
        ),
        requester="",
        approvers=tuple(document["reviewers"]),
        deadline_seconds=document["deadline_seconds"],
    )
