"""Misuse of an approval on the deployed product, over HTTP and in a real browser."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from countersign.adapters.attributes import to_item
from countersign.adapters.keys import task_key
from countersign.adapters.task_items import plain
from local.demo.watch import Execution
from operate.client import Page, open_page, press
from operate.embedded import aws, http
from tests.e2e.scene import Scene, until

MARKUP = (
    "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'><b onclick=1>\"'></textarea></dd></title>"
    "</form><form action=https://evil.example/><a href=https://evil.example/>{{ 7 * 7 }}{% raw %}&lt;"
)
BIDI_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
HOSTILE = f"{MARKUP} {BIDI_CONTROLS} 00.052 {BIDI_CONTROLS}"
TEN_KILOBYTES = f"{HOSTILE}{'W' * 10_000}"


def rewrite(scene: Scene, **changes: Any) -> None:
    """Change a task's question in the table, past every rule."""
    task = until(lambda: scene.ledger.task(scene.task_id), "an open task")
    question = dataclasses.replace(task.question, **changes)
    shown = question.digest(task.submitted_by)
    fields = {"title": question.title, "details": question.details, "attachments": question.attachments, "shown": shown}
    aws.client("dynamodb", scene.cloud.endpoint_url).update_item(
        TableName=scene.cloud.table,
        Key=to_item(task_key(task.task_id)),
        UpdateExpression="SET #title = :title, #details = :details, #attachments = :attachments, #shown = :shown",
        ExpressionAttributeNames={f"#{name}": name for name in fields},
        ExpressionAttributeValues=to_item({f":{name}": plain(value) for name, value in fields.items()}),
    )


# A scanner


def test_a_scanner_that_opens_the_link_again_and_again_changes_nothing(scene: Scene, tab: Tab) -> None:
    scene.submit()
    link = scene.link()
    scene.await_record_of_mail()
    before = scene.items()
    with ThreadPoolExecutor(5) as scanners:
        statuses = list(scanners.map(lambda method: http.send(method, link).status, ["GET", "HEAD"] * 9))
    for _ in range(2):
        opened = tab.goto(link, wait_until="networkidle")
        statuses.append(opened.status if opened else 0)
    assert (statuses, scene.items()) == ([200] * 20, before)


# One vote


def double_click(tab: Tab, link: str) -> None:
    tab.goto(link)
    tab.get_by_role("button", name="Approve").dblclick()
    thanked(tab)


def back_button(tab: Tab, link: str) -> None:
    tab.goto(link)
    approve(tab)
    tab.go_back()
    expect(tab.get_by_role("heading", level=1)).to_have_text("You approved this")
    expect(tab.get_by_role("button")).to_have_count(0)


def two_tabs(tab: Tab, link: str) -> None:
    second = tab.context.new_page()
    for each in (tab, second):
        each.goto(link)
    for each in (tab, second):
        approve(each)
    second.close()


def approve(tab: Tab) -> None:
    tab.get_by_role("button", name="Approve").click()
    thanked(tab)


def thanked(tab: Tab) -> None:
    expect(tab.get_by_role("heading", level=1)).to_contain_text("You approved this")


@pytest.mark.parametrize("twice", [double_click, back_button, two_tabs])
def test_a_person_who_answers_twice_has_one_vote(scene: Scene, tab: Tab, twice: Callable[[Tab, str], None]) -> None:
    scene.submit()
    twice(tab, scene.link())
    assert [vote["by"] for vote in scene.ended()["result"]["votes"]] == [scene.approver()]
    assert (scene.audit().count("voted"), scene.audit().count("decided")) == (1, 1)


def test_of_six_opposite_votes_at_once_one_decides_and_every_page_says_so(scene: Scene) -> None:
    people = [scene.approver(f"p{number}") for number in range(6)]
    scene.submit(approvers=people)
    start = Barrier(len(people))

    def answer(page: Page, decision: str) -> Page:
        start.wait()
        return press(page, decision)

    with ThreadPoolExecutor(len(people)) as browsers:
        answered = list(browsers.map(answer, list(browsers.map(scene.page, people)), ["approve", "reject"] * 3))
    assert sorted(page.answer.status for page in answered) == [200] + [409] * 5
    winner = people[[page.answer.status for page in answered].index(200)]
    for page in answered:
        assert winner in page.text
        assert ("was not recorded" in page.text) is (page.answer.status == 409)
    assert scene.ended()["result"]["decided_by"] == winner
    assert [scene.audit().count(event) for event in ("voted", "decided", "refused")] == [1, 1, 5]


# Hostile text


def test_hostile_text_in_every_field_is_shown_as_text_and_the_page_stays_whole(scene: Scene, tab: Tab) -> None:
    text = TEN_KILOBYTES
    scene.submit()
    link = scene.link()
    scene.await_record_of_mail()
    rewrite(scene, title=text, details=((text, text), ("Amount", text), (text, "250.00 EUR")))
    tab.goto(link)
    assert tab.locator("main").inner_text().count("<script>window.ran = 1</script>") >= 5
    assert_whole(tab)
    tab.get_by_text("Add a comment").click()
    tab.get_by_label("Comment").evaluate("field => field.removeAttribute('maxlength')")
    tab.get_by_label("Comment").fill(TEN_KILOBYTES)
    tab.get_by_role("button", name="Approve").click()
    expect(tab.get_by_role("alert")).to_contain_text("at most 2,000 are allowed")
    assert_whole(tab)
    assert "W" * 10_000 in tab.get_by_label("Comment").input_value()
    tab.get_by_label("Comment").fill(text[:2000])
    approve(tab)
    assert_whole(tab)
    assert scene.ended()["result"]["comment"] == text[:2000]


def test_hostile_text_in_a_request_is_shown_as_text_in_the_mail(scene: Scene, tab: Tab) -> None:
    scene.submit(order_id=HOSTILE[:128], description=TEN_KILOBYTES)
    mail = scene.mail()
    assert (len(mail.subject.splitlines()), mail.text.count("://")) == (1, 1)
    tab.goto("about:blank")  # a mail does not have the content security policy of the last page
    tab.set_content(mail.html)
    assert_whole(tab)
    assert [link.get_attribute("href") for link in tab.locator("a").all()] == [mail.review_link]


def assert_whole(tab: Tab) -> None:
    """Assert that no text became markup, ran as a script, changed the reading direction or overflowed."""
    assert tab.evaluate("window.ran") is None
    assert tab.locator("script, img, b, iframe").count() == 0
    assert tab.locator("form:not([action=review], [action=delegate], [action=inbox]), a[href*=evil]").count() == 0
    assert tab.locator("h1").count() == 1
    assert not set(BIDI_CONTROLS) & set(tab.locator("body").inner_text())
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


# A link that is late


def test_the_link_of_a_stopped_execution_says_that_the_request_has_ended(scene: Scene) -> None:
    scene.submit()
    page = scene.page()
    alias = scene.cloud.workflow("order-approval")
    execution = until(lambda: Execution.named(scene.cloud.endpoint_url, alias, scene.request_id))
    execution.client.stop_durable_execution(DurableExecutionArn=execution.arn)
    assert scene.ended()["status"] == "failed"
    until(lambda: scene.task()["status"] == "CANCELLED", "the end of the task")
    for late in (open_page(page.url), press(page, "reject")):
        assert (late.answer.status, late.forms) == (410, ())
        assert "This request has ended" in late.text
