"""What the cold start of the pages imports, and paths that are no route of the API."""

import os
import subprocess
import sys

import pytest

from countersign.testing.builders import any_token, http_event
from review.handler import handler
from review.pages import SECURITY_HEADERS

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
COLD_START = """
import sys
import review.handler
print(*sorted(sys.modules))
"""


def test_a_cold_start_for_a_page_imports_nothing_that_only_machines_need() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", COLD_START], env=environment, check=True, capture_output=True, text=True
    )
    imported = set(run.stdout.split())
    assert "review.review" in imported
    machines = ("webhook", "countersign.providers", "countersign.services.webhooks", "countersign.services.answers")
    others = (*machines, "countersign.contracts", "countersign.adapters.secrets", "fastjsonschema")
    assert {name for name in imported if name.startswith(others)} == set()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Accept": BROWSER}, "text/html; charset=utf-8"),
        ({"Accept": "application/json"}, "application/problem+json"),
        ({}, "application/problem+json"),
    ],
)
def test_a_path_that_is_no_route_is_404_and_reads_nothing(method: str, headers: dict[str, str], kind: str) -> None:
    """No AWS is behind this test: a read would fail it."""
    event = http_event(method, "/reviews", query={"t": any_token()}, headers=headers) | {"routeKey": "$default"}
    reply = handler(event, None)
    assert (reply["statusCode"], reply["headers"]["Content-Type"]) == (404, kind)
    assert (reply["body"] == "") is (method == "HEAD")
    assert any_token() not in reply["body"]
    if kind.startswith("text/html"):
        assert reply["headers"] == dict(SECURITY_HEADERS)
