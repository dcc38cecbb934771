"""The `refund` workflow: ask for approval, reserve the money, ask a worker, and wait for the provider's event."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from countersign.domain.refunds import State
from countersign.workflows import (
    Answered,
    Approved,
    DurableContext,
    Failed,
    Rejected,
    current,
    idempotency_key,
    request_approval,
    workflow,
)
from countersign.workflows.ask import deadline_of
from countersign.workflows.steps import LEDGER_STEP
from countersign.workflows.workflow import execution_of
from refund.money import carried_out, confirmed, refunds
from refund.refund import Refund, approval_of

_ENDS = {State.CONFIRMED: ("refunded", ""), State.FREED: ("failed", "freed"), State.RESERVED: ("expired", "in_doubt")}
"""The status of the result, and the reason."""


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `refunded`, `rejected`, `failed` or `expired`; with the reason `in_doubt`, the money may have gone out."""
    amount, currency = Decimal(document["amount"]), document["currency"]
    paid_by, request_id = document["payment_request_id"], execution_of(context).request_id
    until = deadline_of(context, document["deadline_seconds"])
    payment = context.step(lambda _: refunds().payment(paid_by, amount, currency), "read payment", LEDGER_STEP)
    refund, task_id = Refund.of(document, amount, currency), payment.get("task_id", "")
    if payment["refused"]:
        return refund.result("failed", payment["refused"])
    terms = current().terms(amount, currency)
    decision = request_approval(context, "approval", approval_of(document, payment).under(terms))
    if not isinstance(decision, Approved) or decision.amount is None:
        return refund.result("rejected" if isinstance(decision, Rejected) else "expired")
    refund = replace(refund, amount=decision.amount, currency=decision.currency)
    reserved = context.step(
        lambda _: refunds().reserve(task_id, request_id, refund.amount, refund.currency, until),
        "reserve amount",
        LEDGER_STEP,
    )
    if reserved["refused"]:
        return refund.result("failed", reserved["refused"])
    key = context.step(lambda _: idempotency_key(), "make idempotency key")
    answer = carried_out(context, refund.task(payment, key), lambda: refunds().free_unmoved(task_id, request_id))
    if isinstance(answer, Failed):
        found = context.step(lambda _: refunds().free(task_id, request_id, answer.code), "free amount", LEDGER_STEP)
        status, _ = _ENDS[found["state"]]
        return refund.result(status, answer.code)
    since = answer.at if isinstance(answer, Answered) else until
    found = confirmed(context, lambda: refunds().look(task_id, request_id), since, until)
    said = answer.document if isinstance(answer, Answered) else {}
    return refund.result(*_ENDS[found["state"]], **said)
