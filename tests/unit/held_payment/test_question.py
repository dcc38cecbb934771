"""Held payments: the approval that operators read, and the resolution of their decision."""

from collections.abc import Mapping
from typing import Any

import pytest

from countersign.domain.held_payments import Resolution, Verdict
from countersign.domain.rules import Rule
from countersign.testing.builders import NOW
from countersign.workflows.approval import Approved, Rejected
from countersign.workflows.ask import Expired
from held_payment.question import approval_of, resolution_of, result_of
from tests.held import APPROVAL, EVENT, OPERATOR, PAYMENT, any_held

UNKNOWN = {"status": "unknown", "amount": None, "currency": None}


def rows(held: Mapping[str, Any]) -> dict[str, str]:
    return dict(approval_of(held, (OPERATOR,), 60).details)


def received(status: str, amount: str | None = "25.00") -> dict[str, Any]:
    return {"status": status, "amount": amount, "currency": amount and "EUR"}


def test_the_first_vote_of_an_operator_decides() -> None:
    approval = approval_of(any_held(), (OPERATOR, "cfo@example.com"), 60)
    assert (approval.approvers, approval.rule) == ((OPERATOR, "cfo@example.com"), Rule("any"))
    assert (approval.requester, approval.deadline_seconds) == ("Countersign", 60)


def test_the_approval_shows_the_expected_and_the_received_payment_and_the_effect_of_a_vote() -> None:
    assert rows(any_held()) == {
        "Provider": "stripe",
        "Payment": "pi_1",
        "Order": "7",
        "Request": "order-7",
        "Expected": "250.00 EUR",
        "Received": "25.00 EUR",
        "Status": "paid",
        "Why it is held": "The amount or the currency is not the expected one.",
        "Until now": "The payment waits until Sunday, 1\u00a0March\u00a02026, 10:00\u00a0UTC.",
        "If you approve": "The payment ends as paid with 25.00 EUR, unless it has ended differently by then.",
        "If you reject": "The event is only recorded. The wait continues.",
    }


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "Payment pi_1: 25.00 EUR received, 250.00 EUR expected"),
        ({"received": received("paid", None)}, "Payment pi_1: paid, 250.00 EUR expected"),
        ({"received": received("failed")}, "Payment pi_1: failed, 250.00 EUR expected"),
        ({"received": UNKNOWN}, "Payment pi_1: unknown status, 250.00 EUR expected"),
        ({"expected": {"amount": None, "currency": ""}}, "Payment pi_1: 25.00 EUR received"),
    ],
)
def test_the_title_has_the_received_and_the_expected_payment(changes: dict[str, Any], title: str) -> None:
    assert approval_of(any_held(**changes), (OPERATOR,), 60).title == title


@pytest.mark.parametrize(
    ("changes", "label", "text"),
    [
        ({"received": UNKNOWN}, "Status", "not known to Countersign"),
        ({"received": UNKNOWN}, "Received", "no amount"),
        (
            {"reason": "unknown_status"},
            "Why it is held",
            "Countersign does not know the provider's status. It may be a refund or a dispute.",
        ),
        ({"reason": "contradiction"}, "Why it is held", "It contradicts the result of the payment, or its amount."),
        (
            {"reason": "closed"},
            "Why it is held",
            "Money came after the payment was closed. Unless rejected, it pays the next request for this payment.",
        ),
        ({"refunded": "100.00"}, "Refunded so far", "100.00"),
        ({"disputed": True}, "Disputed", "yes"),
        (
            {"received": received("paid", None)},
            "If you approve",
            "The payment ends as paid, unless it has ended differently by then.",
        ),
        (
            {"received": received("failed"), "becomes": "failed"},
            "If you approve",
            "The payment ends as failed, unless it has ended differently by then.",
        ),
        ({"becomes": None}, "If you approve", "The event is only recorded. The wait continues."),
        (
            {"becomes": None, "standing": "expired"},
            "If you approve",
            "The event is only recorded. The payment stays expired.",
        ),
        ({"becomes": None, "standing": "paid"}, "What happens", "The event is only recorded. The payment stays paid."),
        ({"standing": "cancelled"}, "Until now", "The payment is cancelled."),
        (
            {"standing": "cancelled", "moved_to": "order-8.payment"},
            "Until now",
            "The payment is cancelled. The event has moved to order-8.payment, which acts on it.",
        ),
    ],
)
def test_every_state_of_a_held_event_has_its_text(changes: dict[str, Any], label: str, text: str) -> None:
    assert rows(any_held(**changes))[label] == text


@pytest.mark.parametrize(
    ("changes", "informs"), [({}, False), ({"becomes": None}, False), ({"becomes": None, "standing": "paid"}, True)]
)
def test_operators_are_only_informed_of_an_event_of_a_paid_payment(changes: dict[str, Any], informs: bool) -> None:
    asked = approval_of(any_held(**changes), ("ops@example.com",), 3600)
    assert asked.acknowledge is informs
    assert ("If you reject" in dict(asked.details)) is not informs


def test_an_unknown_value_has_no_row() -> None:
    shown = rows(any_held(order_id=None, expected={"amount": None, "currency": ""}))
    assert {"Order", "Expected"} & shown.keys() == set()


def test_a_decision_becomes_a_resolution_with_its_voters() -> None:
    by = (OPERATOR,)
    assert resolution_of(Approved(by, NOW, "", ()), APPROVAL) == Resolution(Verdict.ACCEPTED, by, APPROVAL)
    assert resolution_of(Rejected(by, NOW, "", ()), APPROVAL) == Resolution(Verdict.DISMISSED, by, APPROVAL)
    assert resolution_of(Expired(), APPROVAL) == Resolution(Verdict.EXPIRED, (), APPROVAL)


def test_the_result_has_event_status_effect_and_voters() -> None:
    assert result_of(PAYMENT, EVENT, Resolution(Verdict.ACCEPTED, (OPERATOR,), APPROVAL), "paid") == {
        "task_id": PAYMENT,
        "event_id": EVENT,
        "status": "accepted",
        "effect": "paid",
        "decided_by": [OPERATOR],
    }
