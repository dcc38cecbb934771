"""Parallel checks: ask two services at once, each in its own branch; both answers are needed."""

from typing import Any

from aws_durable_execution_sdk_python.config import ParallelBranch

from countersign.workflows import Answered, DurableContext, ExternalTask, await_result, workflow

LEAST_SCORE = 650
"""A credit score must be above this."""


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `approved` if both checks are good; otherwise, also without an answer, `declined`."""

    def ask(kind: str, member: str) -> ParallelBranch[Any]:
        asked = {"customer_id": document["customer_id"], "transaction": document["transaction"]}
        task = ExternalTask(kind, asked, document["deadline_seconds"], answer_contract=f"parallel-checks.{kind}")
        return ParallelBranch(lambda branch: _answer(branch, kind, task, member), name=kind)

    checks = context.parallel([ask("credit_check", "score"), ask("fraud_check", "risk_level")], name="checks")
    checks.throw_if_error()
    score, risk = checks.get_results()
    approved = score is not None and score > LEAST_SCORE and risk == "low"
    return {"status": "approved" if approved else "declined", "credit_score": score, "fraud_risk": risk}


def _answer(branch: DurableContext, name: str, task: ExternalTask, member: str) -> Any:
    answer = await_result(branch, name, task)
    return answer.document[member] if isinstance(answer, Answered) else None
