"""The order of the tests and their workers with `-n`: the longest begin first."""

import threading

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = (
    "tests/e2e/test_fork.py",
    "tests/e2e/",
    "tests/infra/",
    "tests/integration/local/test_corrections.py",
    "tests/soak/",
    "tests/integration/local/test_permissions.py",
    "tests/integration/local/test_watch.py",
    "tests/integration/local/",
    "tests/workflows/",
)
"""Folders and files with a slow set-up, in their order. All other files begin later, in any order.

Tests of one file share a worker, and so do those of each of the first three. A worker receives two of them at once: the
fourth waits for the first, the fifth for the second.
"""


class SharedSetUp(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives tests to workers by their shared set-up.

    The mark `xdist_group` would do, but pytest 9.2 no longer lets xdist 3.8 change the ids of tests.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER[:3] if nodeid.startswith(place)), nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedSetUp:
    """Replace the scheduler of `-n`."""
    config.option.loadscopereorder = False
    return SharedSetUp(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin first; the order within a file stays random."""

    def rank(item: pytest.Item) -> int:
        return next((place for place, start in enumerate(TOGETHER) if item.nodeid.startswith(start)), len(TOGETHER))

    items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Fail a file that leaves an execution running: at its deadline it would act on another test's ports."""
    if nextitem and nextitem.path == item.path:
        return
    running = [each.name for each in threading.enumerate() if "_start_loop" in each.name]
    assert not running, f"{item.path.name} leaves an execution running: start it within `with bench.open()`"
