"""The deployed product: one embedded cloud for the run, with the real stacks on it.

All tests here share one xdist worker, so that the cloud is started and deployed once. It is not the one of `make up`:
it lives in a folder of the run's own, and ends with the test process. IAM is enforced on it: a function that lacks a
right fails here as it would on AWS.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from local.client import RequestsApi
from local.emulator.emulator import Emulator
from local.launch import bring_up, enforce_iam, take_down
from operate.embedded.cloud import Cloud
from operate.embedded.mailbox import Mailbox
from tests import SETTINGS
from tools.browser import obtain

_DEPLOY_SECONDS = 300
"""What a test's time-out has to leave for the first one, whose turn includes the deployment."""


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
    """Where everything is."""
    return _deployed[1]


@pytest.fixture(scope="session")
def cloud_log(_deployed: tuple[Emulator, Cloud]) -> Path:
    """What the emulator and every function has logged so far."""
    return _deployed[0].log


@pytest.fixture(scope="session")
def requests_api(cloud: Cloud) -> RequestsApi:
    """`/requests`, signed."""
    return RequestsApi(cloud.api_url)


@pytest.fixture(scope="session")
def mailbox(cloud: Cloud) -> Mailbox:
    """The mail that the product has sent."""
    return Mailbox(cloud.mailbox_url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser, without a window."""
    with sync_playwright() as playwright:
        # As root, Chromium starts without its own sandbox only.
        chromium = playwright.chromium.launch(executable_path=str(obtain()), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def request_id() -> str:
    """A request id of the test's own."""
    return f"e2e-{uuid.uuid4()}"
