"""Approvals by several people, by delegation, from an inbox and under a policy, on the embedded cloud."""

import re
from html import unescape
from urllib.parse import urljoin

import pytest

from countersign.domain.policy import Policy
from local.demo.watch import Execution
from operate.client import open_page, press
from operate.embedded.cloud import Cloud
from operate.embedded.mailbox import Mailbox
from stacks.stage.policies import policy_document
from stacks.stage.settings import Settings
from tests import SETTINGS
from tests.e2e.scene import Scene, until

EXPENSES = "expense-approval"
HEAD_OF_FINANCE = "head-of-finance@countersign.example"


@pytest.fixture
def expense(cloud: Cloud) -> Scene:
    return Scene(cloud, workflow=EXPENSES)


def test_two_of_three_approve_after_a_rejection_and_a_reminder_and_the_audit_verifies(scene: Scene) -> None:
    people = [scene.approver(name) for name in ("maria", "hugo", "li")]
    scene.submit(approvers=people, rule={"kind": "quorum", "k": 2}, reminders_seconds=[3])
    for person, decision in zip(people[:2], ["reject", "approve"], strict=True):
        assert press(scene.page(person), decision).answer.status == 200
    _, reminder = scene.reminder(people[2])
    assert "1 of 2 approvals" in open_page(reminder).text
    assert press(open_page(reminder), "approve").answer.status == 200
    result = scene.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", people[1:])
    assert [vote["decision"] for vote in result["votes"]] == ["reject", "approve", "approve"]
    assert {"voted", "reminded", "decided", "applied"} <= set(scene.audit())
    assert scene.ledger.audit_breaks(scene.task_id) == []


def test_a_colleague_decides_a_request_that_was_delegated_to_them(scene: Scene) -> None:
    maria, li = scene.approver("maria"), scene.approver("li")
    scene.submit()
    link = scene.link(maria)
    assert press(press(open_page(link), "delegate", colleague=li), "delegate").answer.status == 200
    gone = open_page(link)
    assert gone.answer.status == 410
    assert "Somebody else decides this now" in gone.text
    mail = scene.mail(li)
    assert f"instead of {maria}" in mail.text.replace("\N{ZERO WIDTH NON-JOINER}", "")
    assert press(open_page(mail.review_link or ""), "approve").answer.status == 200
    result = scene.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", li)
    assert {"delegated", "decided", "applied"} <= set(scene.audit())
    assert scene.ledger.audit_breaks(scene.task_id) == []


def test_the_mailed_inbox_lists_the_open_tasks_and_opens_each(scene: Scene) -> None:
    maria = scene.approver("maria")
    other = Scene(scene.cloud)
    scene.submit()
    other.submit(approvers=[maria, other.approver("hugo")])
    assert press(scene.page(), "inbox").answer.status == 200
    until(lambda: f"{other.request_id}" in str([mail.subject for mail in scene.mails()]), "the mail of the other")
    inbox = until(lambda: next((mail.inbox_link for mail in scene.mails() if mail.inbox_link), None), "the list")
    links = until(lambda: found if len(found := listed(inbox)) == 2 else None, "both in the list")
    (theirs,) = (link for link in links if other.task_id in link)
    assert press(open_page(urljoin(inbox, theirs)), "approve").answer.status == 200
    assert other.ended()["result"]["decided_by"] == maria
    assert [link for link in listed(inbox) if other.task_id in link] == []


def listed(inbox: str) -> list[str]:
    """Return the links of an inbox; its index is eventually consistent."""
    return [unescape(link) for link in re.findall(r'href="(review\?[^"]+)"', open_page(inbox).answer.text)]


# By a policy: tests/settings/local.toml


def test_an_undecided_request_is_reminded_of_then_escalated_and_decided(expense: Scene) -> None:
    expense.submit(amount="500.00")
    expense.reminder()
    passed_on = expense.mail(HEAD_OF_FINANCE, about=expense.request_id)
    assert "Passed on to you" in passed_on.subject
    assert press(open_page(passed_on.review_link or ""), "approve").answer.status == 200
    result = expense.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", HEAD_OF_FINANCE)
    events = [event for event in expense.audit() if event in ("reminded", "escalated", "decided", "applied")]
    assert events == ["reminded", "escalated", "decided", "applied"]


def test_a_request_that_the_policy_approves_asks_nobody_and_its_audit_verifies(expense: Scene) -> None:
    expense.submit(amount="50.00")
    result = expense.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", "policy")
    assert expense.audit()[:3] == ["opened", "decided", "applied"]
    execution = Execution.named(expense.cloud.endpoint_url, expense.cloud.workflow(EXPENSES), expense.request_id)
    assert execution
    assert execution.operations() == ["approval auto", "record result"]
    rows = Settings.load(SETTINGS / "local.toml").policies[EXPENSES]
    version = Policy.from_document(policy_document(rows)).version
    entries = [item for key, item in expense.items().items() if key.startswith("AUDIT#")]
    assert {entry["policy"]["S"] for entry in entries} == {version}
    assert expense.ledger.audit_breaks(expense.task_id) == []
    mails = Mailbox(expense.cloud.mailbox_url).mails()
    assert [mail for mail in mails if expense.request_id in mail.subject and mail.review_link] == []
