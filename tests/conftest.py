"""The order of the tests and their workers with `-n`: the longest begin first."""

import threading

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = (
    ("tests/e2e/test_fork.py",),
    ("tests/e2e/",),
    ("tests/infra/",),
    ("tests/soak/", "tests/compat/"),
    ("tests/integration/local/test_corrections.py",),
    ("tests/integration/local/test_permissions.py",),
    ("tests/integration/local/test_watch.py",),
    ("tests/integration/local/test_restart.py",),
    ("tests/workflows/test_patterns_ends.py",),
    ("tests/integration/local/test_commands.py",),
)
"""Folders and files that take long, in their order; each shares a set-up, and so a worker.

A worker receives two of them at once: the fifth waits for the first, the sixth for the second. All other files begin
later, in any order; the tests of one file share a worker.
"""


class SharedSetUp(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives tests to workers by their shared set-up.

    The mark `xdist_group` would do, but pytest 9.2 no longer lets xdist 3.8 change the ids of tests.
    """

    def _split_scope(self, nodeid: str) -> str:
        rank = _rank(nodeid)
        return TOGETHER[rank][0] if rank < len(TOGETHER) else nodeid.partition("::")[0]


def _rank(nodeid: str) -> int:
    return next((rank for rank, places in enumerate(TOGETHER) if nodeid.startswith(places)), len(TOGETHER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedSetUp:
    """Replace the scheduler of `-n`."""
    config.option.loadscopereorder = False
    return SharedSetUp(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin first; the order within a file stays random."""
    items.sort(key=lambda item: _rank(item.nodeid))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Fail a file that leaves an execution running: at its deadline it would act on another test's ports."""
    if nextitem and nextitem.path == item.path:
        return
    running = [each.name for each in threading.enumerate() if "_start_loop" in each.name]
    assert not running, f"{item.path.name} leaves an execution running: start it within `with bench.open()`"
