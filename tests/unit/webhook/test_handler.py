"""The public function's routes, and what its cold start imports."""

import os
import subprocess
import sys
from importlib import import_module

from webhook.handler import MACHINES

COLD_START = """
import sys
import webhook.handler
print(*sorted(name for name in sys.modules if name.startswith(("webhook.", "countersign.", "fastjsonschema"))))
"""


def test_every_route_of_machines_is_a_function_that_there_is() -> None:
    for module, function in MACHINES.values():
        assert callable(getattr(import_module(f"webhook.{module}"), function))


def test_a_cold_start_for_a_page_imports_nothing_that_only_machines_need() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", COLD_START], env=environment, check=True, capture_output=True, text=True
    )
    imported = set(run.stdout.split())
    assert "webhook.review" in imported
    for module in (
        "webhook.providers",
        "webhook.callbacks",
        "countersign.services.webhooks",
        "countersign.contracts.validation",
    ):
        assert module not in imported
    assert not {name for name in imported if name.startswith(("countersign.providers", "fastjsonschema"))}
