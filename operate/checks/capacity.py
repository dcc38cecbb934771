"""Capacity: the region has durable functions, and the account's quotas leave room for the stage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from countersign.domain.clock import SystemClock
from operate.checks import Findings, Note
from operate.errors import code_of
from operate.stage import Stage

_NEAR = 80
"""The percentage of a quota from which on it is reported."""
_CONCURRENCY = ("lambda", "L-B99A9384")
_RUNNING = ("lambda", "L-ABBF0CF3")
_ALARMS = ("monitoring", "L-2FF78D7B")
"""Quotas, by their service and code in Service Quotas."""

_FULL, _REDUCED = 100, 10
"""The concurrent executions that Lambda keeps unreserved, in an account with a quota above 100 and in a new account:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html."""


def durable_functions(stage: Stage) -> Findings:
    """Check that the region has durable functions: Lambda lists executions, or reports an unknown function."""
    name = f"{stage.settings.prefix}preflight"
    try:
        stage.client("lambda").list_durable_executions_by_function(FunctionName=name, MaxItems=1)
    except ClientError as error:
        # Lambda's answer to an unknown operation, even to a caller without rights.
        unknown = "determine service/operation" in error.response["Error"].get("Message", "")
        if unknown or code_of(error) == "UnknownOperationException":
            regions = "https://builder.aws.com/build/capabilities/explore lists the regions that have them"
            yield f"{stage.region} has no Lambda durable functions", f"choose another region: {regions}"
            return
        if code_of(error) != "ResourceNotFoundException":
            raise
    yield f"{stage.region} has Lambda durable functions", ""


def concurrency(stage: Stage) -> Findings:
    """Compare the concurrent executions that the stage reserves with those that Lambda lets it reserve."""
    limits = stage.client("lambda").get_account_settings()["AccountLimit"]
    total, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    each = stage.settings.limits.public_concurrency
    what = f"{free} of the account's {total} concurrent executions are unreserved"
    if not each:
        scarce = Note(f"enough for a first try; before people use the stage: {_request(_CONCURRENCY, 1_000)}")
        yield f"{what}, and the stage reserves none", scarce if total < _FULL else ""
        return
    spare = free + _reserved(stage) - (_FULL if total > _FULL else _REDUCED)
    advice = (
        f"lower public_concurrency under [limits] in settings/{stage.name}.toml to {max(0, spare // 2)}, or"
        f" {_request(_CONCURRENCY, total + 2 * each - spare)}"
    )
    what = f"{what}, and the stage reserves {each} for each of two functions"
    yield what, advice if 2 * each > spare else ""


def _reserved(stage: Stage) -> int:
    """Return the concurrent executions that the deployed stage has reserved."""
    client = stage.client("lambda")
    functions = stage.owned("AWS::Lambda::Function")
    answers = (client.get_function_concurrency(FunctionName=name) for name in functions)
    return sum(answer.get("ReservedConcurrentExecutions", 0) for answer in answers)


def quotas(stage: Stage) -> Findings:
    """Report quotas of the account that are nearly used up. They do not make a deploy fail."""
    notes: list[tuple[str, str]] = []
    for what, quota, used, limit in _uses(stage):
        if used * 100 >= limit * _NEAR:
            notes.append((f"{used:,.0f} of {limit:,.0f} {what}", Note(_request(quota, 2 * round(limit)))))
    yield from notes or [("no quota is nearly used up", "")]


def _uses(stage: Stage) -> Iterator[tuple[str, tuple[str, str], float, float]]:
    total = stage.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    yield "concurrent executions were in use", _CONCURRENCY, _highest(stage, "ConcurrentExecutions"), total
    running = _limit(stage, _RUNNING)
    if running:
        used = _highest(stage, "ApproximateRunningDurableExecutionsUtilization") * running / 100
        yield "durable executions were running", _RUNNING, used, running
    alarms = _limit(stage, _ALARMS)
    if alarms:
        pages = stage.client("cloudwatch").get_paginator("describe_alarms").paginate()
        yield "alarms exist", _ALARMS, sum(len(page["MetricAlarms"]) for page in pages), alarms


def _highest(stage: Stage, metric: str) -> float:
    """Return the highest value of a metric of Lambda over the whole account in the last day; 0 without data."""
    now = SystemClock().now()
    points: list[Any] = stage.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        StartTime=now - timedelta(days=1),
        EndTime=now,
        Period=3_600,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((float(point["Maximum"]) for point in points), default=0)


def _limit(stage: Stage, quota: tuple[str, str]) -> float:
    """Return the value of a quota; 0 if Service Quotas does not have it."""
    service, code = quota
    client = stage.client("service-quotas")
    for look_up in (client.get_service_quota, client.get_aws_default_service_quota):
        try:
            return float(look_up(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
        except ClientError as error:
            if code_of(error) != "NoSuchResourceException":
                raise
    return 0


def _request(quota: tuple[str, str], value: int) -> str:
    service, code = quota
    command = "aws service-quotas request-service-quota-increase"
    return f"{command} --service-code {service} --quota-code {code} --desired-value {value}"
