"""From the accepted click to the task being APPLIED, on the embedded cloud, with every function warm."""

import contextlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from local.client import RequestsApi, open_page, press
from local.launch import bring_up, take_down
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from operate.embedded.mailbox import Mailbox

APPROVALS = 20
WARM_UP = 3
BOUND_SECONDS = 2.0

_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 60


def measure() -> bool:
    """Print the median and the spread; tell whether the median keeps the bound."""
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as ending:
        ending.callback(take_down, Path(home))
        _, cloud = bring_up(Path(home), with_parent=True)
        seconds = [_approve(cloud, number) for number in range(WARM_UP + APPROVALS)][WARM_UP:]
    median = statistics.median(seconds)
    print(f"click to APPLIED on the embedded cloud, {APPROVALS} approvals, warm:")
    print(f"  median {median:.2f} s (under {BOUND_SECONDS:.0f}), from {min(seconds):.2f} to {max(seconds):.2f} s")
    return median < BOUND_SECONDS


def _approve(cloud: Cloud, number: int) -> float:
    """Run one approval, and return the seconds from the answer to its click until its task was APPLIED."""
    request_id, approver = f"bench-{number}", f"bench{number}@example.com"
    order = {
        "order_id": str(number),
        "amount": "250.00",
        "currency": "EUR",
        "description": "A benchmark",
        "requester": "rita@example.com",
        "approvers": [approver],
        "deadline_seconds": 600,
    }
    accepted = RequestsApi(cloud.api_url).submit("order-approval", request_id, order)
    if accepted.status != 202:
        raise RuntimeError(f"POST /requests answered {accepted.status}: {accepted.text}")
    link = _wait(lambda: next((mail.review_link for mail in Mailbox(cloud.mailbox_url).mails(approver)), None))
    page = open_page(link)
    clicked = press(page, "approve")
    if clicked.answer.status != 200:
        raise RuntimeError(f"POST /review answered {clicked.answer.status}: {clicked.text}")
    started = time.perf_counter()
    _wait(lambda: _status(cloud, f"{request_id}.approval") == "APPLIED" or None)
    return time.perf_counter() - started


def _status(cloud: Cloud, task_id: str) -> str:
    key = {"pk": {"S": f"TASK#{task_id}"}, "sk": {"S": "TASK"}}
    item = aws.client("dynamodb", cloud.endpoint_url).get_item(TableName=cloud.table, Key=key, ConsistentRead=True)
    status: str = item["Item"]["status"]["S"]
    return status


def _wait(look: Any) -> Any:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"nothing within {_PATIENCE_SECONDS} seconds")
