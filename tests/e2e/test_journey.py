"""The people who ask and the people who decide, in a real browser: each reads what the others did."""

from playwright.sync_api import Page, expect

from operate.client import open_page, press
from tests.e2e.scene import Scene, until
from tests.e2e.test_browser import assert_accessible

QUESTION = "Can it be cheaper?"


def test_a_request_is_sent_back_made_cheaper_and_approved_in_german_and_everyone_reads_how_it_ended(
    scene: Scene, tab: Page
) -> None:
    rita, maria, hugo, li = map(scene.approver, ("rita", "maria", "hugo", "li"))
    scene.submit(requester=rita, approvers=[maria, hugo, li], rule={"kind": "quorum", "k": 2})
    show(tab, scene.link(maria))
    tab.get_by_text("Ask the requester").click()
    tab.get_by_label("Comment").fill(QUESTION)
    tab.get_by_role("button", name="Send back").click()
    assert_headed(tab, "Thank you. You sent this back.")

    show(tab, status_link(scene, rita, "Please answer"))
    expect(tab.get_by_role("main")).to_contain_text(QUESTION)
    tab.get_by_text("Change the request instead").click()
    assert_accessible(tab)
    tab.get_by_label("Amount in EUR").fill("200.00")
    tab.get_by_role("button", name="Send the changed request").click()
    assert_headed(tab, "Thank you. Your request is changed.")

    for person, decision in ((hugo, "reject"), (li, "approve")):
        assert press(open_page(revised(scene, person)), decision).answer.status == 200
    show(tab, revised(scene, maria), "de")
    expect(tab.locator("html")).to_have_attribute("lang", "de")
    expect(tab.get_by_role("main")).to_contain_text("200,00 EUR")
    tab.get_by_role("button", name="Genehmigen").click()
    assert_headed(tab, "Danke. Sie haben die Anfrage genehmigt.")

    report = scene.ended()
    wanted = {"status": "approved", "amount": "200.00", "currency": "EUR", "round": 2, "decided_by": [maria, li]}
    assert report["result"] | wanted == report["result"]
    show(tab, revised(scene, hugo))
    assert_headed(tab, "This request is approved")
    expect(tab.get_by_role("main")).to_contain_text("You rejected it, but others decided.")
    show(tab, status_link(scene, rita, "Approved"))
    assert_headed(tab, "Your request is approved")
    expect(tab.get_by_role("main")).to_contain_text(f"{maria} approved.")
    acts = ("returned", "revised", "voted", "decided", "applied")
    assert [event for event in scene.audit() if event in acts] == [*acts[:2], *acts[2:3] * 3, *acts[3:]]
    assert scene.ledger.audit_breaks(scene.task_id) == []


def test_three_requests_are_decided_at_once_in_the_list(scene: Scene, tab: Page) -> None:
    scenes = [scene, Scene(scene.cloud), Scene(scene.cloud)]
    for each in scenes:
        each.submit(approvers=[scene.approver()])
    until(lambda: len(scene.mails()) == len(scenes), "a mail about each")
    show(tab, scene.link())
    tab.get_by_role("button", name="E-mail me the list").click()
    inbox = until(lambda: next((mail.inbox_link for mail in scene.mails() if mail.inbox_link), None), "the list")
    show(tab, inbox)
    for each in scenes:
        tab.get_by_label(f"Select: Order {each.request_id}", exact=True).check()
    tab.get_by_role("button", name="Approve selected").click()
    assert_headed(tab, "Your answers")
    expect(tab.get_by_role("main")).to_contain_text("All of your answers are recorded.")
    for each in scenes:
        expect(tab.get_by_role("listitem").filter(has_text=each.request_id)).to_contain_text("Approved.")
        assert each.ended()["result"]["decided_by"] == scene.approver()
        assert each.ledger.audit_breaks(each.task_id) == []


def show(tab: Page, link: str, language: str = "en") -> None:
    """Open a link in a tab, in a language; the page is accessible."""
    tab.set_extra_http_headers({"Accept-Language": language})
    tab.goto(link)
    assert_accessible(tab)


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
