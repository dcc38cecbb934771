"""The review page in a real browser: as a person sees and uses it."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.e2e.scene import PHONE, Scene, until

TABLET: ViewportSize = {"width": 768, "height": 1024}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
Colours = Literal["dark", "light"]
IN_SIGHT = """() => {
    const focused = document.activeElement, box = focused.getBoundingClientRect();
    const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return focused.contains(seen);
}"""
"""Whether nothing covers the middle of the element with the focus."""
ATTACHMENTS = [
    {"name": "Offer.pdf", "url": "https://files.example.com/offers/1001.pdf?version=2"},
    {"name": "https://bank.example/login", "url": f"https://{'evil-' * 12}x.xn--bcher-kva.example:8443/#@bank.example"},
    {"name": "W" * 200, "url": "https://plans.example.org/7"},
]


def test_a_person_decides_on_a_phone_with_scripts_off(scene: Scene, browser: Browser) -> None:
    scene.submit()
    page = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
    page.goto(scene.link())
    assert page.get_by_role("heading", level=1).inner_text() == f"Order {scene.request_id}"
    for name in ("Approve", "Reject"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    page.get_by_text("Add a comment").click()
    page.get_by_label("Comment").fill("From my phone")
    page.get_by_role("button", name="Reject").click()
    assert "Thank you" in page.get_by_role("heading", level=1).inner_text()
    result = scene.ended()["result"]
    assert (result["status"], result["comment"]) == ("rejected", "From my phone")


def test_a_person_decides_with_the_keyboard_alone(scene: Scene, tab: Page) -> None:
    scene.submit()
    tab.set_viewport_size(DESKTOP)
    tab.goto(scene.link())
    for _ in range(10):
        tab.keyboard.press("Tab")
        assert tab.evaluate(IN_SIGHT), "what has the focus is not behind the buttons"
        if tab.evaluate("document.activeElement.value") == "approve":
            break
    tab.keyboard.press("Enter")
    tab.wait_for_load_state()
    assert "Thank you" in tab.get_by_role("heading", level=1).inner_text()
    assert scene.ended()["result"]["status"] == "approved"


@pytest.mark.parametrize(
    ("viewport", "colours", "language"),
    [(PHONE, "dark", "ar"), (TABLET, "light", "de"), (DESKTOP, "light", "en")],
    ids=["phone", "tablet", "desktop"],
)
def test_every_page_is_accessible_and_fits_in_the_browsers_language(
    scene: Scene, tab: Page, viewport: ViewportSize, colours: Colours, language: str
) -> None:
    scene.submit(attachments=ATTACHMENTS)
    tab.set_viewport_size(viewport)
    tab.emulate_media(color_scheme=colours)
    tab.set_extra_http_headers({"Accept-Language": language})
    tab.clear_console_messages()
    tab.goto(scene.link())
    assert tab.locator("html").get_attribute("lang") == language
    assert_accessible(tab)
    tab.locator("button.approve").click()
    assert_accessible(tab)
    tab.goto(scene.link())
    assert_accessible(tab)
    errors = [message.text for message in tab.console_messages() if message.type == "error"]
    assert [error for error in errors if "favicon" not in error] == []


def test_attachments_name_their_hosts_and_open_outside_without_a_referrer(scene: Scene, browser: Browser) -> None:
    scene.submit(attachments=ATTACHMENTS)
    context = browser.new_context(viewport=PHONE)
    asked: list[dict[str, str]] = []

    def answer(route: Route) -> None:
        asked.append(route.request.headers)
        route.fulfill(body="<title>Offer</title>", content_type="text/html")

    context.route("https://files.example.com/**", answer)
    page = context.new_page()
    page.goto(scene.link())
    assert_hosts_are_shown(page)
    link = page.get_by_role(
        "link", name="Offer.pdf files.example.com · another website, opens in a new window", exact=True
    )
    link.focus()
    assert link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    with context.expect_page() as opening:
        page.keyboard.press("Enter")
    outside = opening.value
    outside.wait_for_load_state()
    assert (outside.url, outside.title()) == (ATTACHMENTS[0]["url"], "Offer")
    assert outside.evaluate("window.opener === null && document.referrer === ''")
    assert [headers.get("referer") for headers in asked] == [None]
    assert page.get_by_role("button", name="Approve").is_visible()


@pytest.mark.parametrize(("viewport", "colours"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
def test_handing_on_and_the_list_are_accessible_and_fit(
    scene: Scene, tab: Page, viewport: ViewportSize, colours: Colours
) -> None:
    scene.submit()
    tab.set_viewport_size(viewport)
    tab.emulate_media(color_scheme=colours)
    tab.goto(scene.link())
    tab.get_by_text("Hand this to a colleague instead").click()
    assert_accessible(tab)
    tab.get_by_label("Your colleague’s e-mail address").fill(scene.approver())
    tab.get_by_role("button", name="Hand it over").click()
    assert tab.get_by_role("alert").is_visible()
    assert tab.get_by_label("Your colleague’s e-mail address").input_value() == scene.approver()
    assert_accessible(tab)
    tab.goto(scene.link())
    tab.get_by_role("button", name="E-mail me the list").click()
    assert_accessible(tab)
    tab.goto(until(lambda: next((m.inbox_link for m in scene.mails() if m.inbox_link), None)))
    assert_accessible(tab)
    tab.get_by_role("link", name=f"Order {scene.request_id}").click()
    assert_accessible(tab)
    tab.get_by_text("Hand this to a colleague instead").click()
    tab.get_by_label("Your colleague’s e-mail address").fill(scene.approver("li"))
    tab.get_by_role("button", name="Hand it over").click()
    assert scene.approver("li") in tab.get_by_role("main").inner_text()
    assert_accessible(tab)
    tab.get_by_role("button", name="Hand it over").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "Somebody else decides this now"
    assert_accessible(tab)
    tab.get_by_role("button", name="Take it back").click()
    assert_accessible(tab)


def assert_hosts_are_shown(page: Page) -> None:
    """Check that every attachment leads to the host that stands below its name, in sight."""
    hosts = page.locator(".links a").evaluate_all("links => links.map(link => link.host)")
    assert len(hosts) == len(ATTACHMENTS)
    shown = page.locator(".links .where")
    assert [text.split(" · ")[0] for text in shown.all_inner_texts()] == hosts
    for box in (shown.nth(place).bounding_box() for place in range(len(hosts))):
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]


def assert_accessible(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
