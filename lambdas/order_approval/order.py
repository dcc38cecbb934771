"""The question for the approvers of an order."""

from collections.abc import Mapping
from typing import Any

from countersign.workflows import Approval


def approval_of(document: Mapping[str, Any]) -> Approval:
    """Return the question for the approvers.

    Args:
        document: An input that keeps the contract `order-approval.input`, with `deadline_seconds`.
    """
    price = f"{document['amount']} {document['currency']}"
    return Approval.from_input(
        document,
        title=f"Order {document['order_id']}",
        details=(
            ("Order", document["order_id"]),
            ("Amount", price),
            ("Description", document["description"]),
        ),
        send_back=True,
        fixed=("Order",),
    )
