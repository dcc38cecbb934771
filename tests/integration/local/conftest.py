"""Two emulators, one with the corrections and one without. They end with the test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.emulator import emulator
from tests.integration.local.clouds import VENDOR_LAYER, Cloud

HASTE = {"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}
"""The seconds after which failed invocations are repeated."""


def _cloud(factory: pytest.TempPathFactory, *, corrected: bool) -> Iterator[Cloud]:
    assert VENDOR_LAYER.is_dir(), f"{VENDOR_LAYER} does not exist; run `make layer`, which builds it"
    home = factory.mktemp("corrected" if corrected else "uncorrected")
    started = emulator.start(home, with_parent=True, corrected=corrected, variables=HASTE)
    try:
        cloud = Cloud(started, corrected)
        cloud.deploy()
        yield cloud
    finally:
        started.stop()


@pytest.fixture(scope="session")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from _cloud(tmp_path_factory, corrected=True)


@pytest.fixture(scope="session")
def uncorrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from _cloud(tmp_path_factory, corrected=False)
