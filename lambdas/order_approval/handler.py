"""The `order-approval` workflow: ask for an approval, sleep, return the result."""

from typing import Any

from countersign.workflows import DurableContext, current, request_approval, workflow
from order_approval.order import Order


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `approved`, `rejected` or `expired`, with the deciders, the time and their comment."""
    order = Order.from_input(document)
    terms = current().terms(order.amount, order.currency)
    decision = request_approval(context, "approval", order.approval().under(terms))
    return order.result(decision)
