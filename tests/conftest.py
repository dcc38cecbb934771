"""What every test must leave behind: nothing that runs on."""

import threading

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Fail a file that leaves an execution running: at its deadline it would act on another test's ports."""
    if nextitem and nextitem.path == item.path:
        return
    running = [each.name for each in threading.enumerate() if "_start_loop" in each.name]
    assert not running, f"{item.path.name} leaves an execution running: start it within `with bench.open()`"
