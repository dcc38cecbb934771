"""The `payment` workflow: ask for a payment, sleep, return the result."""

from typing import Any

from countersign.workflows import DurableContext, await_result, workflow
from payment.payment import Payment


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `paid`, `failed` or `expired`; only the right amount in the right currency is paid."""
    payment = Payment.from_input(document)
    return payment.result(await_result(context, "payment", payment.task()))
