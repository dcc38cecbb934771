"""Workflows on AWS's local runner."""

from collections.abc import Iterator

import pytest

from countersign.testing.bench import Bench, running
from order_approval.handler import handler


@pytest.fixture
def bench() -> Iterator[Bench]:
    with running(handler, "order-approval") as made:
        yield made
