"""The workflow `approval`: the question in its input."""

from typing import Any

import pytest

from approval.handler import approval_of
from countersign.domain.errors import ContractError
from countersign.domain.policy import Terms
from countersign.testing.builders import APPROVER, REQUESTER
from countersign.workflows import Approval

ROWS = [{"label": "Traveller", "value": "Omar Haddad"}, {"label": "Reason", "value": "A talk"}]


def asked_by(**changes: Any) -> Approval:
    asked = {"title": "Conference in Lisbon", "requester": REQUESTER, "approvers": [APPROVER], "deadline_seconds": 60}
    return approval_of(asked | changes)


def test_a_question_needs_no_more_than_a_title_and_people() -> None:
    approval = asked_by()
    assert (approval.title, approval.details, approval.amount) == ("Conference in Lisbon", (), "")
    assert (approval.requester, approval.on_behalf_of, approval.send_back) == (REQUESTER, "", True)


@pytest.mark.parametrize("money", [{}, {"amount": "1250.00", "currency": "EUR"}], ids=["no amount", "amount"])
def test_the_rows_follow_the_amount_in_the_order_of_the_input(money: dict[str, str]) -> None:
    approval = asked_by(rows=ROWS, on_behalf_of="omar@example.com", **money)
    amount = (("Amount", "1250.00 EUR"),) if money else ()
    assert approval.details == (*amount, ("Traveller", "Omar Haddad"), ("Reason", "A talk"))
    assert approval.amount == ("1250.00 EUR" if money else "")
    assert approval.on_behalf_of == "omar@example.com"


def test_the_requester_cannot_revise_a_row_that_the_input_fixes() -> None:
    assert asked_by(rows=ROWS).fixed == ()
    assert asked_by(rows=[ROWS[0] | {"fixed": True}, ROWS[1] | {"fixed": False}]).fixed == ("Traveller",)


def test_nobody_can_send_an_agents_question_back() -> None:
    role = "arn:aws:iam::111122223333:role/invoices"
    asked = approval_of({"title": "Buy it?", "agent": role, "deadline_seconds": 60})
    assert (asked.agent, asked.approvers, asked.send_back) == (role, (), False)
    with pytest.raises(ContractError):
        asked.under(Terms())
