"""The people who ask and the people who decide, in a real browser: each reads what the others did."""

from playwright.sync_api import Browser, Page, expect

from operate.client import open_page, press
from tests.e2e.scene import Scene, until
from tests.e2e.test_browser import PHONE, assert_accessible

QUESTION = "Can it be cheaper?"


def test_a_request_is_sent_back_made_cheaper_and_approved_in_german_and_everyone_reads_how_it_ended(
    scene: Scene, browser: Browser
) -> None:
    rita, maria, hugo, li = map(scene.approver, ("rita", "maria", "hugo", "li"))
    scene.submit(requester=rita, approvers=[maria, hugo, li], rule={"kind": "quorum", "k": 2})
    page = opened(browser, scene.link(maria))
    page.get_by_text("Ask the requester").click()
    page.get_by_label("Comment").fill(QUESTION)
    page.get_by_role("button", name="Send back").click()
    assert_headed(page, "Thank you. You sent this back.")

    page = opened(browser, status_link(scene, rita, "Please answer"))
    expect(page.get_by_role("main")).to_contain_text(QUESTION)
    page.get_by_text("Change the request instead").click()
    assert_accessible(page)
    page.get_by_label("Amount in EUR").fill("200.00")
    page.get_by_role("button", name="Send the changed request").click()
    assert_headed(page, "Thank you. Your request is changed.")

    for person, decision in ((hugo, "reject"), (li, "approve")):
        assert press(open_page(revised(scene, person)), decision).answer.status == 200
    page = opened(browser, revised(scene, maria), "de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("main")).to_contain_text("200,00 EUR")
    page.get_by_role("button", name="Genehmigen").click()
    assert_headed(page, "Danke. Sie haben die Anfrage genehmigt.")

    report = scene.ended()
    wanted = {"status": "approved", "amount": "200.00", "currency": "EUR", "round": 2, "decided_by": [maria, li]}
    assert report["result"] | wanted == report["result"]
    page = opened(browser, revised(scene, hugo))
    assert_headed(page, "This request is approved")
    expect(page.get_by_role("main")).to_contain_text("You rejected it, but others decided.")
    page = opened(browser, status_link(scene, rita, "Approved"))
    assert_headed(page, "Your request is approved")
    expect(page.get_by_role("main")).to_contain_text(f"{maria} approved.")
    acts = ("returned", "revised", "voted", "decided", "applied")
    assert [event for event in scene.audit() if event in acts] == [*acts[:2], *acts[2:3] * 3, *acts[3:]]
    assert scene.ledger.audit_breaks(scene.task_id) == []


def test_three_requests_are_decided_at_once_in_the_list(scene: Scene, browser: Browser) -> None:
    scenes = [scene, Scene(scene.cloud), Scene(scene.cloud)]
    for each in scenes:
        each.submit(approvers=[scene.approver()])
    until(lambda: len(scene.mails()) == len(scenes), "a mail about each")
    page = opened(browser, scene.link())
    page.get_by_role("button", name="E-mail me the list").click()
    inbox = until(lambda: next((mail.inbox_link for mail in scene.mails() if mail.inbox_link), None), "the list")
    page = opened(browser, inbox)
    for each in scenes:
        page.get_by_label(f"Select: Order {each.request_id}", exact=True).check()
    page.get_by_role("button", name="Approve selected").click()
    assert_headed(page, "Your answers")
    expect(page.get_by_role("main")).to_contain_text("All of your answers are recorded.")
    for each in scenes:
        expect(page.get_by_role("listitem").filter(has_text=each.request_id)).to_contain_text("Approved.")
        assert each.ended()["result"]["decided_by"] == scene.approver()
        assert each.ledger.audit_breaks(each.task_id) == []


def opened(browser: Browser, link: str, language: str = "en") -> Page:
    """Return a page on a phone in a language; it is accessible."""
    page = browser.new_page(viewport=PHONE, locale=language)
    page.goto(link)
    assert_accessible(page)
    return page


def assert_headed(page: Page, heading: str) -> None:
    """Check the heading of a page, and that it is accessible."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert_accessible(page)


def revised(scene: Scene, person: str) -> str:
    """Return an approver's link to the second round."""
    return scene.mail(person, about="Changed").review_link or ""


def status_link(scene: Scene, requester: str, about: str) -> str:
    """Return the link of the requester's mail with these words in its subject."""

    def sent() -> str | None:
        return next((mail.status_link for mail in scene.mails(requester) if about in mail.subject), None)

    return until(sent, f"a mail about {about!r}")
