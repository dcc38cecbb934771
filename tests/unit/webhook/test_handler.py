"""What the cold start for machines imports, and a route that the function does not have."""

import json
import os
import subprocess
import sys

from countersign.testing.builders import http_event
from webhook.handler import handler

COLD_START = """
import sys
import webhook.handler
print(*sorted(sys.modules))
"""


def test_a_cold_start_for_a_machine_imports_nothing_that_only_pages_need() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", COLD_START], env=environment, check=True, capture_output=True, text=True
    )
    imported = set(run.stdout.split())
    assert {"webhook.providers", "webhook.callbacks"} <= imported
    pages = ("review", "jinja2", "countersign.presentation", "countersign.services.reviews")
    others = (*pages, "countersign.adapters.directory", "fastjsonschema")
    assert {name for name in imported if name.startswith(others)} == set()


def test_a_route_that_the_function_does_not_have_is_404() -> None:
    reply = handler(http_event("GET", "/review"), None)
    assert (reply["statusCode"], json.loads(reply["body"])["code"]) == (404, "unknown_route")
