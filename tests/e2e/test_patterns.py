"""Every callback pattern on the embedded cloud, all at once. tests/workflows owns the other ends of each."""

from __future__ import annotations

import pytest

from countersign.client import Report
from local.demo.demo import PatternDemo, answer_all
from local.demo.scripts import SCRIPTS
from operate.embedded.cloud import Cloud


@pytest.fixture(scope="module")
def reports(cloud: Cloud) -> dict[str, Report]:
    """The API's report of each ended pattern."""
    demos = {
        name: PatternDemo(workflow=name, cloud=cloud, answer="happy", request_id=f"pattern-{name}") for name in SCRIPTS
    }
    for demo in demos.values():
        demo.start()
    answer_all(cloud, demos.values())
    return {name: report for name, demo in demos.items() if (report := demo.ended_report())}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_pattern_ends_well(reports: dict[str, Report], name: str) -> None:
    report = reports[name]
    assert (report.status, report.result) == ("succeeded", SCRIPTS[name]["happy"].result)
