"""Approvals: the question from an input, its terms under a policy, and the result of the workflow."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from countersign.domain.policy import Escalation, Terms
from countersign.domain.rules import Rule
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    DETAILS,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TITLE,
    any_input,
)
from countersign.workflows.approval import Approval, Approved, Ballot, Rejected, result_of
from countersign.workflows.ask import Expired

BOSS = (Escalation(60, ("boss@example.com",)),)
ASKED = Approval(TITLE, DETAILS, REQUESTER, (APPROVER,), 3600, Rule("any"), (10,), BOSS)


def test_terms_that_a_policy_leaves_open_come_from_the_request() -> None:
    assert ASKED.under(Terms("v1")) == replace(ASKED, policy="v1")


def test_terms_of_a_policy_override_the_request_and_the_earlier_deadline_counts() -> None:
    cfo = (Escalation(90, ("cfo@example.com",)),)
    people = (APPROVER, OTHER_APPROVER)
    governed = ASKED.under(Terms("v1", True, people, Rule("all"), 7200, (), cfo))
    assert governed == Approval(TITLE, DETAILS, REQUESTER, people, 3600, Rule("all"), (), cfo, "v1", True)
    assert ASKED.under(Terms("v1", deadline_seconds=60)).deadline_seconds == 60


def asked_by(**changes: Any) -> Approval:
    return Approval.from_input(any_input(deadline_seconds=60, **changes), title=TITLE, details=DETAILS)


def test_an_input_names_people_times_and_amount() -> None:
    approval = asked_by(reminders_seconds=[10, 20], rule={"kind": "all"})
    assert (approval.title, approval.details, approval.amount) == (TITLE, DETAILS, "250.00 EUR")
    assert (approval.requester, approval.approvers, approval.deadline_seconds) == (REQUESTER, (APPROVER,), 60)
    assert (approval.reminders_seconds, approval.rule) == ((10, 20), Rule("all"))


def test_by_default_the_first_vote_decides_without_reminders_and_attachments() -> None:
    approval = asked_by()
    assert (approval.rule, approval.reminders_seconds, approval.attachments) == (Rule("any"), (), ())


def test_the_attachments_are_in_the_order_of_the_input() -> None:
    documents = [{"name": attachment.name, "url": attachment.url} for attachment in ATTACHMENTS]
    assert asked_by(attachments=documents).attachments == ATTACHMENTS


def test_the_result_of_an_approval_has_person_time_and_comment() -> None:
    votes = (Ballot(APPROVER, "approve", "Go ahead", NOW),)
    at = "2026-03-01T09:00:00.000000Z"
    assert result_of(Approved((APPROVER,), NOW, "Go ahead", votes)) == {
        "status": "approved",
        "decided_by": APPROVER,
        "decided_at": at,
        "comment": "Go ahead",
        "votes": [{"by": APPROVER, "decision": "approve", "comment": "Go ahead", "at": at}],
        "amount": None,
        "currency": None,
        "round": 1,
    }


def test_the_result_has_the_amount_of_the_decided_round_and_after_a_revision_its_content() -> None:
    content: dict[str, Any] = {"title": "Order 1001", "details": (("Order", "1001"),), "attachments": ATTACHMENTS[:1]}
    decision = Approved((APPROVER,), NOW, "", (), **content, amount=Decimal("200.00"), currency="EUR", round=2)
    result = result_of(decision)
    assert (result["amount"], result["currency"], result["round"]) == ("200.00", "EUR", 2)
    assert result["revised"] == {
        "title": "Order 1001",
        "details": [{"label": "Order", "value": "1001"}],
        "attachments": [{"name": ATTACHMENTS[0].name, "url": ATTACHMENTS[0].url}],
    }


def test_the_result_of_a_rejection_names_all_voters() -> None:
    votes = tuple(Ballot(person, "reject", "", NOW + timedelta(seconds=1)) for person in (APPROVER, OTHER_APPROVER))
    result = result_of(Rejected((APPROVER, OTHER_APPROVER), NOW, "", votes))
    assert (result["status"], result["decided_by"]) == ("rejected", [APPROVER, OTHER_APPROVER])


def test_the_result_without_a_decision_has_the_same_members() -> None:
    expired = result_of(Expired())
    nothing = dict.fromkeys(("decided_by", "decided_at", "comment", "amount", "currency", "round"))
    assert expired == {"status": "expired", **nothing, "votes": []}
    assert set(expired) == set(result_of(Approved((APPROVER,), NOW, "", ())))


def test_a_policy_adds_care_and_takes_away_sending_back() -> None:
    asked = replace(ASKED, send_back=True).under(Terms("v1", confirm=True, comment="required", send_back=False))
    assert (asked.confirm, asked.comment, asked.send_back) == (True, "required", False)
    assert replace(ASKED, send_back=True).under(Terms("v1", floor=Decimal(100))).floor == 100
    assert not ASKED.under(Terms("v1")).send_back, "a policy cannot allow what its workflow does not ask for"
