"""Orders: the approval of an order, and the result of the workflow."""

from datetime import timedelta
from decimal import Decimal

import pytest

from countersign.domain.rules import Rule
from countersign.testing.builders import APPROVER, ATTACHMENTS, NOW, OTHER_APPROVER, REQUESTER, any_input
from countersign.workflows.approval import Approved, Ballot, Rejected
from countersign.workflows.ask import Expired
from order_approval.order import Order

AT = "2026-03-01T09:00:00.000000Z"


def any_order(**changes: object) -> Order:
    return Order.from_input(any_input(deadline_seconds=60, **changes))


def test_an_order_is_read_from_its_input() -> None:
    order = any_order(reminders_seconds=[10, 20], rule={"kind": "all"})
    assert (order.amount, order.currency, order.approvers) == (Decimal("250.00"), "EUR", (APPROVER,))
    assert (order.reminders_seconds, order.rule) == ((10, 20), Rule("all"))


def test_by_default_the_first_vote_decides_without_reminders() -> None:
    assert (any_order().rule, any_order().reminders_seconds) == (Rule("any"), ())


def test_the_approval_has_order_amount_description_and_requester() -> None:
    approval = any_order().approval()
    assert approval.title == "Order 1001: 250.00 EUR"
    assert approval.details == (
        ("Order", "1001"),
        ("Amount", "250.00 EUR"),
        ("Description", "Twelve office chairs"),
    )
    assert (approval.requester, approval.approvers, approval.deadline_seconds) == (REQUESTER, (APPROVER,), 60)


def test_the_approval_has_the_attachments_in_the_order_of_the_input() -> None:
    documents = [{"name": attachment.name, "url": attachment.url} for attachment in ATTACHMENTS]
    assert any_order(attachments=documents).approval().attachments == ATTACHMENTS
    assert any_order().approval().attachments == ()


@pytest.mark.parametrize("amount", ["250.00", "0.000001", "999999999999999999.999999", "1000000", "0"])
def test_an_amount_is_shown_exactly_as_it_was_sent(amount: str) -> None:
    approval = any_order(amount=amount).approval()
    assert (approval.title, approval.amount) == (f"Order 1001: {amount} EUR", f"{amount} EUR")


def test_the_result_of_an_approval_has_person_time_and_comment() -> None:
    votes = (Ballot(APPROVER, "approve", "Go ahead", NOW),)
    assert any_order().result(Approved((APPROVER,), NOW, "Go ahead", votes)) == {
        "order_id": "1001",
        "status": "approved",
        "decided_by": APPROVER,
        "decided_at": AT,
        "comment": "Go ahead",
        "votes": [{"by": APPROVER, "decision": "approve", "comment": "Go ahead", "at": AT}],
    }


def test_the_result_of_a_rejection_names_all_voters() -> None:
    votes = tuple(Ballot(person, "reject", "", NOW + timedelta(seconds=1)) for person in (APPROVER, OTHER_APPROVER))
    result = any_order().result(Rejected((APPROVER, OTHER_APPROVER), NOW, "", votes))
    assert (result["status"], result["decided_by"]) == ("rejected", [APPROVER, OTHER_APPROVER])


def test_the_result_of_an_expired_order_has_the_same_members() -> None:
    expired = any_order().result(Expired())
    assert expired == {
        "order_id": "1001",
        "status": "expired",
        "decided_by": None,
        "decided_at": None,
        "comment": None,
        "votes": [],
    }
    assert set(expired) == set(any_order().result(Approved((APPROVER,), NOW, "", ())))
