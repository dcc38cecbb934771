"""Orders: the question for their approvers."""

import pytest

from countersign.testing.builders import any_input
from countersign.workflows import Approval
from order_approval.order import approval_of


def any_approval(**changes: object) -> Approval:
    return approval_of(any_input(deadline_seconds=60, **changes))


def test_the_approval_has_order_amount_and_description() -> None:
    approval = any_approval()
    assert approval.title == "Order 1001", "the amount stands beside it"
    assert approval.details == (("Order", "1001"), ("Amount", "250.00 EUR"), ("Description", "Twelve office chairs"))


@pytest.mark.parametrize("amount", ["250.00", "0.000001", "999999999999999999.999999", "1000000", "0"])
def test_an_amount_is_shown_exactly_as_it_was_sent(amount: str) -> None:
    assert any_approval(amount=amount).amount == f"{amount} EUR"
