"""The imports of a cold start of a public function, in a separate process."""

import os
import subprocess
import sys

import pytest

MACHINES = ("webhook", "countersign.providers", "countersign.services.webhooks", "countersign.services.answers")
PAGES = ("review", "countersign.presentation", "countersign.services.reviews", "countersign.adapters.directory")
LATER = ("boto3", "botocore", "countersign.adapters.secrets", "countersign.contracts", "fastjsonschema", "uuid")
EVENTS = ("countersign.domain.payments", "countersign.domain.provider_events", "countersign.services.provider_events")


@pytest.mark.parametrize(
    ("module", "needed", "useless"),
    [
        ("review.handler", {"review.review"}, (*LATER, *MACHINES, *EVENTS, "review.inbox")),
        ("order_approval.handler", {"countersign.services.waits"}, EVENTS),
        ("webhook.handler", {"webhook.providers"}, (*LATER, *PAGES, "webhook.callbacks")),
        ("countersign.adapters.dynamodb_ledger", set(), (*EVENTS, "countersign.domain.requests")),
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
    assert {name for name in imported if name.startswith(useless)} == set()
