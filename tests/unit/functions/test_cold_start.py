"""The imports of a cold start of a public function, in a separate process."""

import os
import subprocess
import sys

import pytest

MACHINES = ("webhook", "countersign.providers", "countersign.services.webhooks", "countersign.services.answers")
PAGES = ("review", "countersign.presentation", "countersign.services.reviews", "countersign.adapters.directory")
LATER = ("boto3", "botocore", "countersign.adapters.secrets", "countersign.contracts", "fastjsonschema", "uuid")
NEVER = (
    *("countersign.ports", "countersign.domain.copies", "countersign.domain.held_payments"),
    "countersign.domain.claims",
)
EVENTS = ("countersign.domain.payments", "countersign.domain.provider_events", "countersign.services.provider_events")
ASKING = ("countersign.domain.links", "countersign.domain.people", "countersign.domain.policy")


@pytest.mark.parametrize(
    ("module", "needed", "useless"),
    [
        (
            "review.handler",
            {"review.review"},
            (*LATER, *NEVER, *MACHINES, *EVENTS, "countersign.domain.policy", "review.inbox"),
        ),
        ("order_approval.handler", {"countersign.services.waits"}, (*NEVER, *EVENTS)),
        ("webhook.handler", {"webhook.providers"}, (*LATER, *NEVER, *PAGES, *ASKING, "webhook.callbacks")),
        ("countersign.adapters.dynamodb_ledger", set(), (*NEVER, *EVENTS, *ASKING, "countersign.domain.requests")),
    ],
)
def test_a_cold_start_imports_what_every_request_needs(module: str, needed: set[str], useless: tuple[str, ...]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    imported = set(run.stdout.split())
    assert needed <= imported
    assert {name for name in imported if name.startswith(useless)} == set()
