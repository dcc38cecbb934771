"""The imports of a cold start of a public function, in a separate process."""

import os
import subprocess
import sys

import pytest

MACHINES = ("webhook", "countersign.providers", "countersign.services.webhooks", "countersign.services.answers")
PAGES = ("review", "countersign.presentation", "countersign.services.reviews", "countersign.adapters.directory")


@pytest.mark.parametrize(
    ("module", "needed", "useless"),
    [
        ("review.handler", {"review.review"}, (*MACHINES, "review.inbox", "countersign.adapters.secrets")),
        ("webhook.handler", {"webhook.providers"}, (*PAGES, "webhook.callbacks")),
    ],
)
def test_a_cold_start_imports_only_modules_that_every_request_needs(
    module: str, needed: set[str], useless: tuple[str, ...]
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    imported = set(run.stdout.split())
    assert needed <= imported
    later = ("boto3", "botocore", "countersign.contracts", "fastjsonschema", "uuid")
    assert {name for name in imported if name.startswith((*useless, *later))} == set()
