"""Requests: those of the last day that failed, by workflow and cause."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import islice

from countersign.domain.clock import SystemClock
from countersign.domain.requests import Request, RequestStatus
from operate.checks import Findings, Note
from operate.stage import Stage
from operate.timeline import why

LOOKED_BACK = timedelta(days=1)
MOST = 1_000
"""The most requests, the newest, that are looked at: a busy stage has more in a day than a person waits for."""


def requests(stage: Stage) -> Findings:
    """Report failed requests; no finding are those that ended before the workflow was last deployed."""
    seen = list(islice(stage.ledger.requests(SystemClock().now() - LOOKED_BACK), MOST))
    failed: defaultdict[tuple[str, str], list[Request]] = defaultdict(list)
    for request in seen:
        if request.status is RequestStatus.FAILED:
            failed[request.workflow, why(request)].append(request)
    for (workflow, cause), found in failed.items():
        last = found[0]
        what = f"{len(found)} of {workflow} failed: {cause}; the last is {last.request_id}"
        corrected = last.ended_at is not None and last.ended_at < _deployed_at(stage, workflow)
        look = f"run `logs {last.request_id}`"
        yield what, Note(f"{workflow} was deployed since; {look}") if corrected else f"{look}, and correct the cause"
    if not failed:
        yield f"none of {len(seen)} since yesterday failed", ""


def _deployed_at(stage: Stage, workflow: str) -> datetime:
    """Return when the version was made that new executions run on; the beginning of time for a removed workflow."""
    alias = stage.merged("Workflows").get(workflow)
    live = stage.client("lambda").get_function_configuration(FunctionName=alias) if alias else {}
    return datetime.fromisoformat(live.get("LastModified", "0001-01-01T00:00:00Z")).astimezone(UTC)
