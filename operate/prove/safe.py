"""The claims that every stage can prove. The first line of each docstring is the claim."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from operate.checks.delivery import confirmed_subscriptions, deployed_alarms
from operate.client import press
from operate.errors import code_of
from operate.prove.run import WORKFLOW, CannotProveError, NotProvedError, Run, expect

Claim = Callable[[Run], str]
"""Proves a claim, and returns the evidence."""

NAMESPACE = "Countersign"
_METRICS_SECONDS = 15 * 60
"""How long a new metric takes until CloudWatch lists it:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html."""

Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""A metric: namespace, name, dimensions."""


def approval(run: Run) -> str:
    """A click on "Approve" ends the workflow as approved."""
    return _decided(run, "approve", "approved")


def rejection(run: Run) -> str:
    """A click on "Reject" ends the workflow as rejected."""
    return _decided(run, "reject", "rejected")


def _decided(run: Run, button: str, outcome: str) -> str:
    task = run.ask(outcome)
    status = press(run.page(task), button, comment="proved").answer.status
    result = run.ended(task.request_id).result
    told = f"{task.task_id}: the click was answered {status}, the result is {result and result.get('status')}"
    expect(status == 200 and bool(result) and result["status"] == outcome, told)
    return told


def expiry(run: Run) -> str:
    """Without an answer, the workflow ends as expired at its deadline."""
    task = run.ask("expiry", deadline_seconds=round(run.patience / 4))
    result = run.ended(task.request_id).result
    told = f"{task.task_id}: the deadline was {task.expires_at:%H:%M:%S}, the result is {result and result['status']}"
    expect(bool(result) and result["status"] == "expired", told)
    return told


def race(run: Run) -> str:
    """Of two clicks at the same time, exactly one counts."""
    task = run.ask("race")
    page = run.page(task)
    with ThreadPoolExecutor() as pool:
        clicks = pool.map(lambda button: press(page, button, comment="proved").answer.status, ("approve", "reject"))
        statuses = sorted(clicks)
    result = run.ended(task.request_id).result
    decisions = run.audit(task.task_id).count("decided")
    told = f"{task.task_id}: answered {statuses[0]} and {statuses[1]}, {decisions} decision, {result['status']}"
    expect(statuses == [200, 409] and decisions == 1 and result["status"] in ("approved", "rejected"), told)
    return told


def bounce(run: Run) -> str:
    """A bounce of a mail is recorded in the audit."""
    if run.stage.cloud:
        raise CannotProveError("only AWS can prove it: the embedded cloud's mail never bounces")
    if not run.stage.settings.mail.is_sent:
        raise CannotProveError(f"the stage's channel is {run.stage.settings.mail.channel}, which sends no mail")
    task = run.ask("bounce", "bounce")
    run.until(lambda: "bounced" in run.audit(task.task_id), f"the entry `bounced` of {task.task_id}")
    run.withdraw(task)
    return f"{task.task_id}: its audit has `bounced`; the task was withdrawn, which fails its execution"


def metrics(run: Run) -> str:
    """The metrics that alarms watch exist, with the alarms' dimensions."""
    watched = {metric for alarm in deployed_alarms(run.stage) for metric in _watched(alarm)}
    caused = set(_caused(run))
    found = _in_logs if run.stage.cloud else _in_cloudwatch
    seen: set[Metric] = set()

    def complete() -> bool:
        seen.update(found(run))
        return caused <= seen

    try:
        run.until(complete, "the metrics", run.patience if run.stage.cloud else _METRICS_SECONDS)
    except NotProvedError as error:
        raise NotProvedError(f"metrics that this run causes do not exist: {_names(caused - seen)}") from error
    expected = {metric for metric in caused if metric[1] in _WATCHED}
    expect(expected <= watched, f"no alarm watches {_names(expected - watched)}")
    dimensions = {metric[2] for metric in seen if metric[0] == NAMESPACE}
    services = {value for each in dimensions for name, value in each if name == "service"}
    strange = {
        metric
        for metric in watched
        if metric[0] == NAMESPACE and dict(metric[2]).get("service") in services and metric[2] not in dimensions
    }
    expect(not strange, f"alarms watch dimensions that no metric has: {_names(strange)}")
    unseen = len(watched - seen)
    limited = "; those of AWS's services only AWS can prove" if run.stage.cloud else ""
    return f"{_names(caused)} exist; {unseen} of {len(watched)} watched metrics count what has not happened{limited}"


_WATCHED = ("DurableExecutionOperations", "Errors", "IteratorAge", "MailsBounced")
"""The metrics of a run that alarms watch."""

_OF_LAMBDA = {"relay": "IteratorAge", "requests_api": "Errors"}
"""A metric of Lambda that an alarm watches, by the folder of the function."""


def _caused(run: Run) -> Iterator[Metric]:
    """Yield the metrics that a run surely writes."""
    services = {
        "AnswersRecorded": "review",
        "TaskExpired": "publisher",
        "TimeToDecision": "publisher",
    }
    if not run.stage.cloud:
        services |= {"MailsBounced": "bus-events"} if run.stage.settings.mail.is_sent else {}
        yield _of_lambda("DurableExecutionOperations", run.stage.merged("Workflows")[WORKFLOW].split(":")[-2])
        for function in run.stage.functions():
            if name := _OF_LAMBDA.get(function["Handler"].partition(".")[0]):
                yield _of_lambda(name, function["FunctionName"])
    for name, service in services.items():
        yield NAMESPACE, name, frozenset({("service", service), ("stage", run.stage.settings.title)})


def _of_lambda(name: str, function: str) -> Metric:
    return "AWS/Lambda", name, frozenset({("FunctionName", function)})


def _watched(alarm: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield the metrics of an alarm, as CloudWatch describes it."""
    for each in alarm.get("Metrics") or [{"MetricStat": {"Metric": alarm}}]:
        if "MetricStat" in each:
            yield _metric(each["MetricStat"]["Metric"])


def _metric(described: Mapping[str, Any]) -> Metric:
    dimensions = frozenset((each["Name"], each["Value"]) for each in described.get("Dimensions", ()))
    return described["Namespace"], described["MetricName"], dimensions


def _in_cloudwatch(run: Run) -> Iterator[Metric]:
    """Yield the stage's own metrics, and those of Lambda that a run causes."""
    of_lambda = {"DurableExecutionOperations", *_OF_LAMBDA.values()}
    own = {"Dimensions": [{"Name": "stage", "Value": run.stage.settings.title}]}
    chosen: list[dict[str, Any]] = [{"Namespace": NAMESPACE, **own}]
    chosen += ({"Namespace": "AWS/Lambda", "MetricName": name} for name in sorted(of_lambda))
    for each in chosen:
        for page in run.stage.client("cloudwatch").get_paginator("list_metrics").paginate(**each):
            yield from map(_metric, page["Metrics"])


def _in_logs(run: Run) -> Iterator[Metric]:
    """Yield the metrics in the logs of the functions: the embedded cloud does not take them over."""
    logs = run.stage.client("logs")
    for function in run.stage.functions():
        group = function["LoggingConfig"]["LogGroup"]
        try:
            pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group))
        except logs.exceptions.ResourceNotFoundException:
            continue
        for event in (event for page in pages for event in page["events"] if '"_aws"' in event["message"]):
            yield from _of_line(json.loads(event["message"]))


def _of_line(line: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield the metrics of a line in the embedded metric format."""
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, line[name]) for name in names)
            yield from ((directive["Namespace"], metric["Name"], dimensions) for metric in directive["Metrics"])


def _names(metrics: set[Metric]) -> str:
    return ", ".join(sorted(metric[1] for metric in metrics))


def alarms(run: Run) -> str:
    """Every alarm notifies a topic that somebody receives."""
    stage, found = run.stage, deployed_alarms(run.stage)
    expect(bool(found), "the stage has no alarms")
    silent = [alarm["AlarmName"] for alarm in found if not alarm["AlarmActions"] or not alarm["ActionsEnabled"]]
    expect(not silent, f"alarms without an action, or muted: {', '.join(silent)}")
    topics = sorted({topic for alarm in found for topic in alarm["AlarmActions"]})
    for topic in topics:
        try:
            receivers = confirmed_subscriptions(stage, topic)
        except stage.client("sns").exceptions.NotFoundException as error:
            expect(False, f"the topic {topic} does not exist: {code_of(error)}")  # noqa: FBT003
        advice = "confirm the subscription in the mail from SNS, or add a subscription"
        expect(bool(receivers or stage.cloud), f"nobody receives the alarms of {topic}: {advice}")
    limited = "; only AWS can prove that somebody receives them" if stage.cloud else ""
    return f"{len(found)} alarms notify {', '.join(topic.rpartition(':')[2] for topic in topics)}{limited}"


def audit(run: Run) -> str:
    """The audit of every task of this run is a whole chain, and agrees with its task."""
    ledger, entries = run.stage.ledger, 0
    task_ids = [task_id for request_id in run.requests for task_id in ledger.task_ids(request_id)]
    expect(bool(task_ids), "no task was opened")
    for task_id in task_ids:
        breaks = ledger.audit_breaks(task_id)
        expect(not breaks, f"{task_id}: {'; '.join(breaks)}")
        entries += len(ledger.audit(task_id))
    return f"{len(task_ids)} tasks, {entries} entries"


SAFE: dict[str, Claim] = {
    "approval": approval,
    "rejection": rejection,
    "expiry": expiry,
    "race": race,
    "bounce": bounce,
    "alarms": alarms,
}
"""The claims by name, in order."""

AFTERWARDS: dict[str, Claim] = {"audit": audit, "metrics": metrics}
"""The claims about what the others have caused."""
