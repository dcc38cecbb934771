"""Call every route of docs/openapi.json with generated requests: `python -m tools.fuzzing`. Exits with 1 on a finding.

It starts an embedded cloud, and ends it afterwards. schemathesis makes the calls, the same at each run: valid ones and
broken ones, some with the token of an open task. It finds statuses, media types, bodies and problem codes that the
document lacks, server errors, and broken calls that are accepted. `tools/fuzzing.toml` has its settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.domain.clock import SystemClock
from countersign.domain.links import Link, Purpose
from countersign.domain.tasks import opened
from countersign.domain.tokens import mint
from countersign.testing import any_payment_task, any_task
from local.launch import bring_up, take_down
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tools.audit import PLANTED, PROGRAMS, AuditError
from tools.setup import ROOT


def main() -> int:
    """Call the routes, and return 0 only if nothing was found."""
    with tempfile.TemporaryDirectory(prefix="countersign-fuzzing-") as folder:
        home = Path(folder)
        try:
            _, cloud = bring_up(home, with_parent=True)
            output, report = call_all(cloud, home)
        finally:
            take_down(home)
    found = findings(report)
    if found:
        print(output, *found, sep="\n", file=sys.stderr)
    print(f"fuzzing    {len(found)} findings in {report['test_cases']['generated']} calls of every route")
    return 1 if found else 0


def call_all(cloud: Cloud, folder: Path) -> tuple[str, dict[str, Any]]:
    """Call all routes, and one that does not exist; return what schemathesis printed, and its report."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    document["paths"][f"/{PLANTED}"] = {"get": {"responses": {"200": {"description": "There is no such route."}}}}
    planted, report = folder / "openapi.json", folder / "report.json"
    planted.write_text(json.dumps(document), encoding="utf-8")
    program, settings = str(PROGRAMS / "schemathesis"), str(ROOT / "tools" / "fuzzing.toml")
    ended = subprocess.run(
        [program, "--config-file", settings, "run", planted, "--url", cloud.api_url, "--report-json-path", report],
        cwd=folder,  # where it keeps its cache
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tools.fuzzing_hooks", **variables(cloud)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if not report.exists():
        raise AuditError(f"schemathesis left no report:\n{ended.stdout[-2000:]}")
    said: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return ended.stdout, said


def findings(report: Mapping[str, Any]) -> list[str]:
    """Return the findings of a report, one line each.

    Raises:
        AuditError: It lacks the finding about the route that does not exist.
    """
    planted = [f"GET /{PLANTED}"]
    failures = [each for each in report["failures"] if each["operations"] != planted]
    if len(failures) == len(report["failures"]):
        raise AuditError("schemathesis misses the planted finding, so its result proves nothing")
    found = [f"{each['code']} {each['title']}: {', '.join(each['operations'])}" for each in failures]
    return found + [str(error) for error in report["errors"]]


def variables(cloud: Cloud) -> dict[str, str]:
    """Open a task for a person and one for a machine, and return a token of each kind as a variable."""
    now = SystemClock().now()
    times = {"opened_at": now, "expires_at": now + timedelta(hours=1), "max_expires_at": now + timedelta(hours=2)}
    ledger = DynamoLedger(aws.client("dynamodb", cloud.endpoint_url), cloud.table)
    approval, payment = any_task(**times), any_payment_task(**times)
    for task in (approval, payment):
        ledger.open(task, (opened(task, task.workflow),), now)
    found = {"SHOWN": approval.shown}
    for purpose in Purpose:
        token, fingerprint = mint()
        link = Link(fingerprint, approval.task_id, approval.audience[0], purpose)
        if purpose is Purpose.CALLBACK:
            link = Link(fingerprint, payment.task_id, "", purpose)
        ledger.put_link(link, now + timedelta(hours=1))
        found[f"{purpose.upper()}_TOKEN"] = token
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AuditError as error:
        sys.exit(f"error: {error}")
