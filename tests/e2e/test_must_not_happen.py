"""What must not happen to an approval, each on the deployed product: over HTTP, and in a real browser."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize, expect
from playwright.sync_api import Page as Tab

from countersign.adapters.attributes import to_item
from countersign.adapters.keys import task_key
from countersign.adapters.task_items import plain
from countersign.domain.tasks import Task
from local.client import Page, open_page, press
from local.demo.watch import Execution
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud
from tests.e2e.scene import Scene, until

PHONE: ViewportSize = {"width": 320, "height": 640}
MARKUP = (
    "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'><b onclick=1>\"'></textarea></dd></title>"
    "</form><form action=https://evil.example/><a href=https://evil.example/>{{ 7 * 7 }}{% raw %}&lt;"
)
BIDI_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
HOSTILE = f"{MARKUP} {BIDI_CONTROLS} 00.052 {BIDI_CONTROLS}"
TEN_KILOBYTES = f"{HOSTILE}{'W' * 10_000}"


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    return Scene(cloud)


def stored(scene: Scene) -> Task:
    """Wait for a scene's task, and return it as it stands in the ledger."""
    return until(lambda: scene.ledger.task(scene.task_id), "an open task")


def rewrite(scene: Scene, **changes: Any) -> Task:
    """Change what a task asks in the table itself, past every rule, and return what it is then."""
    task = stored(scene)
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
    return dataclasses.replace(task, question=question, shown=shown)


def settled(scene: Scene) -> dict[str, Any]:
    """Wait until nothing is written about an open task any more, and return everything that the ledger holds of it."""
    until(lambda: "sent" in scene.audit(), "the record of the mail")
    return scene.items()


# A scanner


def test_a_scanner_that_opens_the_link_100_times_changes_nothing(scene: Scene, browser: Browser) -> None:
    scene.submit()
    link = scene.link()
    before = settled(scene)
    with ThreadPoolExecutor(5) as scanners:
        statuses = list(scanners.map(lambda method: http.send(method, link).status, ["GET", "HEAD"] * 45))
    with browser.new_context(java_script_enabled=True) as context:
        tab = context.new_page()
        for _ in range(10):
            opened = tab.goto(link, wait_until="networkidle")
            statuses.append(opened.status if opened else 0)
    assert statuses == [200] * 100
    assert scene.items() == before


# One vote


def double_click(browser: Browser, link: str) -> None:
    tab = opened(browser, link)
    tab.get_by_role("button", name="Approve").dblclick()
    thanked(tab)


def back_button(browser: Browser, link: str) -> None:
    tab = opened(browser, link)
    approve(tab)
    tab.go_back()
    expect(tab.get_by_role("heading", level=1)).to_have_text("This request is approved")
    expect(tab.get_by_role("button")).to_have_count(0)


def two_tabs(browser: Browser, link: str) -> None:
    first = opened(browser, link)
    second = first.context.new_page()
    second.goto(link)
    approve(first)
    approve(second)


def two_devices(browser: Browser, link: str) -> None:
    devices = [opened(browser, link), opened(browser, link)]
    for device in devices:
        approve(device)


def opened(browser: Browser, link: str) -> Tab:
    """Open a link on a device that has never been here."""
    tab = browser.new_context(viewport=PHONE).new_page()
    tab.goto(link)
    return tab


def approve(tab: Tab) -> None:
    tab.get_by_role("button", name="Approve").click()
    thanked(tab)


def thanked(tab: Tab) -> None:
    expect(tab.get_by_role("heading", level=1)).to_have_text("Thank you. Your approval is recorded.")


@pytest.mark.parametrize("twice", [double_click, back_button, two_tabs, two_devices])
def test_who_answers_twice_has_one_vote(scene: Scene, browser: Browser, twice: Callable[[Browser, str], None]) -> None:
    scene.submit()
    twice(browser, scene.link())
    assert [vote["by"] for vote in scene.ended()["result"]["votes"]] == [scene.approver()]
    assert (scene.audit().count("voted"), scene.audit().count("decided")) == (1, 1)


def test_twenty_who_approve_and_reject_at_once_make_one_decision_and_everybody_is_told(scene: Scene) -> None:
    people = [scene.approver(f"p{number}") for number in range(20)]
    scene.submit(approvers=people)
    start = Barrier(len(people))

    def answer(page: Page, decision: str) -> Page:
        start.wait()
        return press(page, decision)

    with ThreadPoolExecutor(len(people)) as browsers:
        pages = list(browsers.map(scene.page, people))
        told = list(browsers.map(answer, pages, ["approve", "reject"] * 10))
    assert sorted(page.answer.status for page in told) == [200] + [409] * 19
    winner = people[[page.answer.status for page in told].index(200)]
    for page in told:
        assert winner in page.text
        assert ("was not recorded" in page.text) is (page.answer.status == 409)
    assert scene.ended()["result"]["decided_by"] == winner
    assert [scene.audit().count(event) for event in ("voted", "decided", "refused")] == [1, 1, 19]


# What the page showed


def test_an_answer_to_details_that_changed_since_the_page_was_shown_does_not_count(scene: Scene) -> None:
    scene.submit()
    page = scene.page()
    settled(scene)
    changed = rewrite(scene, details=(("Amount", "99999.00 EUR"),))
    again = press(page, "approve", comment="Cheap enough")
    assert again.answer.status == 409
    assert "have changed since you opened this page" in again.text
    assert "99999.00 EUR" in again.text
    assert "voted" not in scene.audit()
    assert press(again, "reject").answer.status == 200
    voted = [item for item in scene.items().values() if item.get("event", {}).get("S") == "voted"]
    assert [vote["shown"]["S"] for vote in voted] == [changed.shown]


@pytest.mark.parametrize("text", [HOSTILE, TEN_KILOBYTES], ids=["markup and bidi controls", "10 kB"])
def test_hostile_text_in_every_field_is_shown_as_text_and_the_page_stays_whole(
    scene: Scene, browser: Browser, text: str
) -> None:
    scene.submit()
    link = scene.link()
    settled(scene)
    rewrite(scene, title=text, details=((text, text), ("Amount", text), (text, "250.00 EUR")))
    tab = opened(browser, link)
    assert tab.locator("main").inner_text().count("<script>window.ran = 1</script>") >= 5
    assert_whole(tab)
    tab.get_by_label("Comment").evaluate("field => field.removeAttribute('maxlength')")
    tab.get_by_label("Comment").fill(TEN_KILOBYTES)
    tab.get_by_role("button", name="Approve").click()
    expect(tab.get_by_role("alert")).to_contain_text("at most 2,000 are possible")
    assert_whole(tab)
    assert "W" * 10_000 in tab.get_by_label("Comment").input_value()
    tab.get_by_label("Comment").fill(text[:2000])
    approve(tab)
    assert_whole(tab)
    assert scene.ended()["result"]["comment"] == text[:2000]


def test_hostile_text_in_a_request_is_shown_as_text_in_the_mail(scene: Scene, browser: Browser) -> None:
    scene.submit(order_id=HOSTILE[:128], description=TEN_KILOBYTES)
    mail = scene.mail()
    assert len(mail.subject.splitlines()) == 1
    assert mail.text.count("://") == 1
    tab = browser.new_context(viewport=PHONE).new_page()
    tab.set_content(mail.html)
    assert_whole(tab)
    assert [link.get_attribute("href") for link in tab.locator("a").all()] == [mail.review_link]


def assert_whole(tab: Tab) -> None:
    """Check that no text became markup, no script ran, nothing changes the reading direction, and nothing overflows."""
    assert tab.evaluate("window.ran") is None
    assert tab.locator("script, img, b, iframe").count() == 0
    assert tab.locator("form:not([action=review], [action=delegate], [action=inbox]), a[href*=evil]").count() == 0
    assert tab.locator("h1").count() == 1
    assert not set(BIDI_CONTROLS) & set(tab.locator("body").inner_text())
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


# A link that is late


def let_expire(scene: Scene) -> None:
    assert scene.ended()["result"]["status"] == "expired"


def stop(scene: Scene) -> None:
    alias = scene.cloud.workflow("order-approval")
    execution = until(lambda: Execution.named(scene.cloud.endpoint_url, alias, scene.request_id))
    execution.client.stop_durable_execution(DurableExecutionArn=execution.arn)
    assert scene.ended()["status"] == "failed"
    until(lambda: scene.task()["status"] == "CANCELLED", "the end of the task")


@pytest.mark.parametrize(("end", "told"), [(let_expire, "The deadline has passed"), (stop, "This request has ended")])
def test_a_link_after_the_end_says_how_it_ended(scene: Scene, end: Callable[[Scene], None], told: str) -> None:
    scene.submit(deadline_seconds=15 if end is let_expire else 600)
    page = scene.page()
    end(scene)
    for late in (open_page(page.url), press(page, "reject")):
        assert (late.answer.status, late.forms) == (410, ())
        assert told in late.text


# The requester


@pytest.mark.parametrize("disguise", [str.upper, str.title, str.swapcase], ids=["upper", "title", "swapped"])
def test_a_requester_in_other_letters_cannot_decide(scene: Scene, disguise: Callable[[str], str]) -> None:
    requester = scene.approver("Rita")
    disguised = disguise(requester)
    scene.submit(requester=requester, approvers=[disguised, scene.approver()])
    assert scene.force(disguised) == 403
    assert scene.task()["status"] == "OPEN"
    assert "voted" not in scene.audit()
