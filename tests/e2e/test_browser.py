"""The review page in a real browser: as a person sees and uses it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from local.cloud import Cloud
from tests.e2e.scene import Scene

PHONE: ViewportSize = {"width": 320, "height": 640}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    return Scene(cloud)


@pytest.mark.parametrize("decision", ["Approve", "Reject"])
def test_a_person_decides_on_a_phone_with_scripts_off(scene: Scene, browser: Browser, decision: str) -> None:
    scene.submit()
    page = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
    page.goto(scene.link())
    assert page.get_by_role("heading", level=1).inner_text() == f"Order {scene.request_id}: 250.00 EUR"
    page.get_by_label("Comment").fill("From my phone")
    page.get_by_role("button", name=decision).click()
    assert "Thank you" in page.get_by_role("heading", level=1).inner_text()
    result = scene.ended()["result"]
    assert result["status"] == {"Approve": "approved", "Reject": "rejected"}[decision]
    assert result["comment"] == "From my phone"


def test_a_person_decides_with_the_keyboard_alone(scene: Scene, browser: Browser) -> None:
    scene.submit()
    page = browser.new_page(viewport=DESKTOP)
    page.goto(scene.link())
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "approve":
            break
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert "Thank you" in page.get_by_role("heading", level=1).inner_text()
    assert scene.ended()["result"]["status"] == "approved"


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_page_is_accessible_and_fits(
    scene: Scene, browser: Browser, viewport: ViewportSize, colours: str
) -> None:
    scene.submit()
    page = browser.new_context(viewport=viewport, color_scheme=colours).new_page()  # type: ignore[arg-type]
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(scene.link())
    assert_accessible(page)
    page.get_by_role("button", name="Approve").click()
    assert_accessible(page)
    page.goto(scene.link())
    assert_accessible(page)
    assert [error for error in errors if "favicon" not in error] == []


def assert_accessible(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
