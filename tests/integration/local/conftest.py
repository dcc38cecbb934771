"""Two emulators, one with the corrections and one without. They end with the test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.local.clouds import Cloud, started

HASTE = {"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}
"""The seconds after which failed invocations are repeated."""


@pytest.fixture(scope="session")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with started(tmp_path_factory.mktemp("cloud"), corrected=True, variables=HASTE) as cloud:
        cloud.deploy()
        yield cloud


@pytest.fixture(scope="session")
def uncorrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with started(tmp_path_factory.mktemp("cloud"), corrected=False, variables=HASTE) as cloud:
        cloud.deploy()
        yield cloud
