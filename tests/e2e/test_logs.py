"""No log of any function has a secret, in the whole run."""

import re
from pathlib import Path

from operate.client import press
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.scene import Scene, until


def test_no_log_holds_a_token_a_callback_id_an_address_or_a_comment(cloud: Cloud, cloud_log: Path) -> None:
    scene = Scene(cloud)
    scene.submit()
    link = scene.link()
    page = scene.page()
    press(page, "approve", comment="a private word")
    press(page, "reject", comment="a private word")
    scene.ended()
    callback_id = scene.items()[f"TASK#{scene.task_id}/TASK"]["callback_id"]["S"]
    token = re.search(r"t=([\w-]{43})", link)
    assert token
    logged = until(lambda: text if scene.task_id in (text := all_logs(cloud)) else None, "a log of this run")
    logged += cloud_log.read_text(errors="replace")
    for secret in (token.group(1), callback_id, "@example.com", "a private word"):
        assert secret not in logged


def all_logs(cloud: Cloud) -> str:
    """Return the logs of every function."""
    logs = aws.client("logs", cloud.endpoint_url)
    groups = [
        group["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
    ]
    assert groups
    lines = []
    for group in groups:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            lines += [event["message"] for event in page["events"]]
    return "\n".join(lines)
