"""Approvals under a policy."""

from dataclasses import replace

from countersign.domain.policy import Escalation, Terms
from countersign.domain.rules import Rule
from countersign.testing.builders import APPROVER, DETAILS, OTHER_APPROVER, REQUESTER, TITLE
from countersign.workflows.approval import Approval

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
