"""The `approval` workflow: ask people any question, sleep, return the result."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from countersign.workflows import Approval, DurableContext, current, request_approval, result_of, workflow


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `approved`, `rejected` or `expired`, with the deciders, the time and their comment."""
    amount = Decimal(document["amount"]) if "amount" in document else None
    terms = current().terms(amount, document.get("currency", ""))
    return result_of(request_approval(context, "approval", approval_of(document).under(terms)))


def approval_of(document: Mapping[str, Any]) -> Approval:
    """Return the question for the approvers.

    Args:
        document: An input that keeps the contract `approval.input`, with `deadline_seconds`.
    """
    price = (("Amount", f"{document['amount']} {document['currency']}"),) if "amount" in document else ()
    rows = tuple((row["label"], row["value"]) for row in document.get("rows", ()))
    fixed = tuple(row["label"] for row in document.get("rows", ()) if row.get("fixed"))
    return Approval.from_input(document, title=document["title"], details=(*price, *rows), send_back=True, fixed=fixed)
