"""Approvals as organisations run them, on the embedded cloud: several voters, reminders, more time, a proven audit."""

import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest

from countersign.domain.policy import Policy
from local.client import open_page, press
from local.demo.watch import Execution
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from operate.embedded.mailbox import Mail, Mailbox
from stacks.stage.policies import policy_document
from stacks.stage.settings import Settings
from tests import SETTINGS
from tests.e2e.scene import Scene, until

EXPENSES = "expense-approval"
HEAD_OF_FINANCE = "head-of-finance@countersign.example"


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    return Scene(cloud)


@pytest.fixture
def expense(cloud: Cloud) -> Scene:
    return Scene(cloud, workflow=EXPENSES)


def operate(cloud: Cloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the operators' tool against the embedded cloud, on the ledger unless they name a table."""
    table = () if "--table" in arguments else ("--table", cloud.table)
    command = [Path(sys.executable).with_name("countersign"), *arguments, *table]
    return subprocess.run(command, env=aws.environment(cloud.endpoint_url), capture_output=True, text=True, check=False)


def test_two_of_three_approve_over_a_rejection_after_a_reminder_and_the_audit_holds(scene: Scene) -> None:
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
    until(lambda: "rung" in scene.audit(), "the record of the ring")
    assert {"voted", "reminded", "decided", "applied"} <= set(scene.audit())
    verified = operate(scene.cloud, "audit", "verify", scene.task_id)
    assert (verified.returncode, verified.stdout) == (0, "1 chains checked, 0 broken\n"), verified.stderr


def test_a_colleague_decides_in_the_place_of_who_handed_the_request_to_them(scene: Scene) -> None:
    maria, li = scene.approver("maria"), scene.approver("li")
    scene.submit()
    link = scene.link(maria)
    handed = press(open_page(link), "delegate", colleague=li)
    assert handed.answer.status == 200
    gone = open_page(link)
    assert gone.answer.status == 410
    assert "Somebody else decides this now" in gone.text
    mail = scene.mail(li)
    assert f"instead of {maria}" in mail.text.replace("\N{ZERO WIDTH NON-JOINER}", "")
    assert press(open_page(mail.review_link or ""), "approve").answer.status == 200
    result = scene.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", li)
    until(lambda: "rung" in scene.audit(), "the record of the ring")
    assert {"delegated", "decided", "applied"} <= set(scene.audit())
    assert scene.ledger.audit_breaks(scene.task_id) == []


def test_while_somebody_is_away_their_stand_in_is_asked(scene: Scene) -> None:
    maria, li = scene.approver("maria"), scene.approver("li")
    directory = scene.cloud.outputs["countersign-local-ledger"]["DirectoryTableName"]
    times = ("--since", "2020-01-01", "--until", "2099-12-31")
    away = operate(scene.cloud, "away", maria, "--to", li, *times, "--table", directory)
    assert away.returncode == 0, away.stderr
    scene.submit()
    page = scene.page(li)
    assert f"You are deciding for {maria}" in page.text
    assert press(page, "approve").answer.status == 200
    assert scene.ended()["result"]["decided_by"] == li
    assert Mailbox(scene.cloud.mailbox_url).mails(maria) == []
    assert "delegated" in scene.audit()
    assert scene.ledger.audit_breaks(scene.task_id) == []


def test_the_list_that_is_mailed_shows_what_waits_and_leads_to_each(scene: Scene) -> None:
    maria = scene.approver("maria")
    other = Scene(scene.cloud)
    scene.submit()
    other.submit(approvers=[maria, other.approver("hugo")])
    asked = press(scene.page(), "inbox")
    assert asked.answer.status == 200
    until(lambda: f"{other.request_id}" in str([mail.subject for mail in mails(scene)]), "the mail of the other")
    inbox = until(lambda: next((mail.inbox_link for mail in mails(scene) if mail.inbox_link), None), "the list")
    links = until(lambda: found if len(found := listed(inbox)) == 2 else None, "both in the list")
    (theirs,) = (link for link in links if other.task_id in link)
    page = open_page(urljoin(inbox, theirs))
    assert press(page, "approve").answer.status == 200
    assert other.ended()["result"]["decided_by"] == maria
    assert [link for link in listed(inbox) if other.task_id in link] == []


def mails(scene: Scene) -> list[Mail]:
    return Mailbox(scene.cloud.mailbox_url).mails(scene.approver("maria"))


def listed(inbox: str) -> list[str]:
    """Return the links of an inbox as it stands: the index behind it may be a moment old."""
    return [unescape(link) for link in re.findall(r'href="(review\?[^"]+)"', open_page(inbox).answer.text)]


# By a policy: tests/settings/local.toml


def test_what_nobody_decides_is_reminded_of_and_then_decided_by_whom_it_is_escalated_to(expense: Scene) -> None:
    expense.submit(amount="500.00")
    expense.reminder()
    passed_on = expense.mail(HEAD_OF_FINANCE, about=expense.request_id)
    assert "Passed on to you" in passed_on.subject
    assert press(open_page(passed_on.review_link or ""), "approve").answer.status == 200
    result = expense.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", HEAD_OF_FINANCE)
    told = [event for event in expense.audit() if event in ("reminded", "escalated", "decided", "applied")]
    assert told == ["reminded", "escalated", "decided", "applied"]


def test_what_the_policy_approves_is_approved_at_once_asks_nobody_and_the_audit_holds(expense: Scene) -> None:
    expense.submit(amount="50.00")
    result = expense.ended()["result"]
    assert (result["status"], result["decided_by"]) == ("approved", "policy")
    assert expense.audit() == ["opened", "decided", "applied"]
    execution = Execution.named(expense.cloud.endpoint_url, expense.cloud.workflow(EXPENSES), expense.request_id)
    assert execution
    assert execution.operations() == ["approval auto", "record result"]
    rows = Settings.load(SETTINGS / "local.toml").policies[EXPENSES]
    version = Policy.from_document(policy_document(rows)).version
    entries = [item for key, item in expense.items().items() if key.startswith("AUDIT#")]
    assert {entry["policy"]["S"] for entry in entries} == {version}
    assert expense.ledger.audit_breaks(expense.task_id) == []
    mails = Mailbox(expense.cloud.mailbox_url).mails()
    assert [mail.subject for mail in mails if expense.request_id in mail.subject] == []
