"""Events about durable executions on the default event bus."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from ministack.services import eventbridge, lambda_durable

from local.emulator.corrections.operations import Record


def announce_status_changes() -> None:
    """Publish `Durable Execution Status Change` on the default event bus.

    Upstream publishes nothing. On AWS every change is an event: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, STOPPED. Its
    form is that of https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html. The function's ARN there names
    the version.
    """
    create = lambda_durable.create_execution_for_invoke

    def create_execution(*args: Any, **kwargs: Any) -> Record:
        record: Record = create(*args, **kwargs)
        _publish(record)
        return record

    lambda_durable.create_execution_for_invoke = create_execution
    lambda_durable.mark_execution_completed = _announcing(lambda_durable.mark_execution_completed, _by_arn)
    lambda_durable.handle_stop = _announcing(lambda_durable.handle_stop, _by_arn)
    lambda_durable._time_out_execution = _announcing(lambda_durable._time_out_execution, lambda record: record)


def _by_arn(arn: str) -> Record | None:
    record: Record | None = lambda_durable._executions.get(unquote(arn))
    return record


def _announcing(change: Callable[..., Any], find: Callable[[Any], Record | None]) -> Callable[..., Any]:
    def change_status(which: Any, *args: Any, **kwargs: Any) -> Any:
        record = find(which)
        before = record and record["Status"]
        answer = change(which, *args, **kwargs)
        if record and record["Status"] != before:
            _publish(record)
        return answer

    return change_status


def _publish(record: Record) -> None:
    detail = {
        "durableExecutionArn": record["DurableExecutionArn"],
        "durableExecutionName": record["DurableExecutionName"],
        "functionArn": f"{record['FunctionArn']}:{record['Version']}",
        "status": record["Status"],
        "startTimestamp": _iso(record["StartTimestamp"]),
    }
    if record["EndTimestamp"]:
        detail["endTimestamp"] = _iso(record["EndTimestamp"])
    kind = "Durable Execution Status Change"
    entry = {"Source": "aws.lambda", "DetailType": kind, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
