"""The deployed product: the real stacks on one embedded cloud.

All tests here share one process, so that the cloud is deployed once. Its folder is not that of `make up`, and it
ends with the test process. It enforces IAM: a function that lacks a right fails here as on AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from local.emulator.emulator import Emulator
from local.launch import bring_up, enforce_iam, take_down
from operate.embedded.cloud import Cloud
from tests import SETTINGS
from tests.e2e.scene import PHONE, Scene
from tools.browser import obtain

_DEPLOY_SECONDS = 300
"""The time-out of each test: the first one includes the deployment."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(_DEPLOY_SECONDS))


@pytest.fixture(scope="session")
def _deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, Cloud]]:
    home = tmp_path_factory.mktemp("cloud")
    try:
        running, cloud = bring_up(home, with_parent=True, variables={"PERSIST_STATE": "1"}, settings=SETTINGS)
        yield enforce_iam(running), cloud
    finally:
        take_down(home)


@pytest.fixture(scope="session")
def cloud(_deployed: tuple[Emulator, Cloud]) -> Cloud:
    """The embedded cloud."""
    return _deployed[1]


@pytest.fixture(scope="session")
def cloud_log(_deployed: tuple[Emulator, Cloud]) -> Path:
    """The log of the emulator and of every function."""
    return _deployed[0].log


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser without a window."""
    with sync_playwright() as playwright:
        # As root, Chromium starts without its own sandbox only.
        chromium = playwright.chromium.launch(executable_path=str(obtain()), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def _tab(browser: Browser) -> Page:
    return browser.new_context().new_page()


@pytest.fixture
def tab(_tab: Page) -> Page:
    """A tab on a phone, light and in English. Tests share it: a new one costs a second of a processor."""
    _tab.set_viewport_size(PHONE)
    _tab.emulate_media(color_scheme="light")
    _tab.set_extra_http_headers({})
    return _tab


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    """An order approval of the test's own."""
    return Scene(cloud)
