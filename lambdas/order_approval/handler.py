"""The `order-approval` workflow: ask for an approval, sleep, return the result."""

from decimal import Decimal
from typing import Any

from countersign.workflows import DurableContext, current, request_approval, result_of, workflow
from order_approval.order import approval_of


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `approved`, `rejected` or `expired`, with the deciders, the time and their comment."""
    terms = current().terms(Decimal(document["amount"]), document["currency"])
    decision = request_approval(context, "approval", approval_of(document).under(terms))
    return {"order_id": document["order_id"], **result_of(decision)}
