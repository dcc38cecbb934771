"""Every callback pattern on the embedded cloud, in each of its ways: all of them at once."""

from __future__ import annotations

from typing import Any

import pytest

from local.demo.demo import PatternDemo, answer_all
from local.demo.scripts import SCRIPTS, WAYS
from operate.embedded.cloud import Cloud

Way = tuple[str, str]


@pytest.fixture(scope="module")
def reports(cloud: Cloud) -> dict[Way, Any]:
    """What the API says of each once it has ended."""
    demos = {
        (name, way): PatternDemo(workflow=name, cloud=cloud, answer=way, request_id=f"pattern-{name}-{way}")
        for name in SCRIPTS
        for way in WAYS
    }
    for demo in demos.values():
        demo.start()
    answer_all(cloud, demos.values())
    return {key: demo.ended_report() for key, demo in demos.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_pattern_ends_as_it_should(reports: dict[Way, Any], name: str, way: str) -> None:
    report = reports[name, way]
    assert (report["status"], report["result"]) == ("succeeded", SCRIPTS[name][way].result)


def test_many_runs_of_one_pattern_at_once_all_end_right(cloud: Cloud) -> None:
    demos = [
        PatternDemo(workflow="parallel-checks", cloud=cloud, request_id=f"checks-{number}") for number in range(20)
    ]
    for demo in demos:
        demo.start()
    answer_all(cloud, demos)
    reports = [demo.ended_report() or {} for demo in demos]
    assert [report["result"] for report in reports] == [SCRIPTS["parallel-checks"]["happy"].result] * 20
