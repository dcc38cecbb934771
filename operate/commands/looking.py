"""Commands that change nothing: tasks, show, timeline, export, doctor, env."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from countersign.domain.tasks import LIVE, Status
from operate import doctor as examination
from operate import export as files
from operate import views
from operate.commands import requests
from operate.context import Context
from operate.errors import OperateError, usage
from operate.examination import report
from operate.parsing import duration, moment
from operate.terminal import BAD, QUIET
from operate.timeline import Moment, drawn, end_of, moments


def tasks(
    call: typer.Context,
    status: Annotated[
        list[Status] | None, typer.Option(case_sensitive=False, help="Tasks in this status; can be repeated.")
    ] = None,
    workflow: Annotated[str, typer.Option(help="Tasks of this workflow.", show_default=False)] = "",
    older_than: Annotated[
        timedelta | None,
        typer.Option(metavar="SPAN", parser=duration, help="Tasks opened longer ago, such as 2h or 3d."),
    ] = None,
    due_within: Annotated[
        timedelta | None,
        typer.Option(metavar="SPAN", parser=duration, help="Open tasks with less time left, such as 4h."),
    ] = None,
) -> None:
    """List tasks, the next deadline first. Without --status: open and decided tasks."""
    context: Context = call.obj
    now = context.now
    found = sorted(
        (
            task
            for task in context.stage.ledger.in_status(frozenset(status or LIVE))
            if workflow in ("", task.workflow)
            and (older_than is None or now - (task.opened_at or now) > older_than)
            and (due_within is None or (task.status is Status.OPEN and task.expires_at - now < due_within))
        ),
        key=lambda task: (task.status not in LIVE, task.expires_at, task.task_id),
    )
    if context.terminal.as_json:
        context.terminal.document([views.document(task, now) for task in found])
    elif found:
        context.terminal.table(views.COLUMNS, [views.row(task, now) for task in found])
    else:
        context.terminal.note("No task matches.")


def show(
    call: typer.Context,
    task_id: Annotated[str, typer.Argument(metavar="TASK|REQUEST", help="Id of a task, or of a request.")],
) -> None:
    """Show one task with its timeline, and check its audit chain; or one request with its tasks."""
    context: Context = call.obj
    if "." not in task_id:  # a task's id is its request's id, a dot and the wait's name
        requests.show(context, task_id)
        return
    ledger, now, terminal = context.stage.ledger, context.now, context.terminal
    task, entries, breaks = ledger.present(task_id), ledger.audit(task_id), ledger.audit_breaks(task_id)
    if terminal.as_json:
        terminal.document(views.document_in_full(task, entries, breaks, now))
        return
    terminal.facts(task.task_id, views.facts(task, now), task.question.title)
    terminal.say()
    _say_timeline(context, moments(entries), with_tasks=False)
    terminal.say(f"  audit entries: {len(entries)}; {'; '.join(breaks) or 'the chain holds'}", BAD if breaks else QUIET)


def timeline(
    call: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the request.")],
) -> None:
    """Show what happened to all tasks of a request, and how it ended."""
    context: Context = call.obj
    ledger = context.stage.ledger
    found = moments(entry for task_id in ledger.task_ids(request_id) for entry in ledger.audit(task_id))
    found += end_of(ledger.request(request_id))
    if not found:
        advice = "`requests` lists requests, `tasks` lists the tasks that wait."
        raise OperateError(f"request {request_id!r} has no task", advice)
    if context.terminal.as_json:
        context.terminal.document([vars(moment) for moment in found])
    else:
        _say_timeline(context, found, with_tasks=True)


def export(
    call: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write; - for standard output.")],
    form: Annotated[files.Format, typer.Option("--format", help="csv for spreadsheets, jsonl for machines.")] = (
        files.Format.JSONL
    ),
    request: Annotated[str, typer.Option(help="Entries of this request.", show_default=False)] = "",
    since: Annotated[
        datetime | None, typer.Option(metavar="TIME", parser=moment, help="Entries from this time on, in ISO 8601.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="TIME", parser=moment, help="Entries before this time, in ISO 8601.")
    ] = None,
) -> None:
    """Write the audit to a file. Without --request, this reads the whole table."""
    context: Context = call.obj
    if since and until and since >= until:
        raise usage(f"--until must be after --since, got: {until} after {since}")
    with files.opened(file) as target:
        entries = (entry for entry in _entries(context, request) if files.is_within(entry, since, until))
        count = files.write(entries, form, target)
    if file != files.STANDARD_OUTPUT:
        context.terminal.result(f"{file} has {count} entries", {"file": file, "entries": count})


def doctor(call: typer.Context) -> int:
    """Compare what is deployed with the stage's settings. The exit status is 1 if there are findings."""
    context: Context = call.obj
    return report(context.terminal, examination.examine(context.stage))


def env(call: typer.Context) -> None:
    """Print shell variables for the embedded cloud. Use: eval "$(countersign env --local)"."""
    context: Context = call.obj
    cloud = context.stage.cloud
    if cloud is None:
        raise usage("env works with the embedded cloud only", "Run `make up`, then `countersign env --local`.")
    if context.terminal.as_json:
        context.terminal.document(cloud.variables())
        return
    context.terminal.say(
        "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN $(env | sed -n 's/^\\(AWS_[A-Z0-9_]*\\)=.*/\\1/p')"
    )
    for name, value in cloud.variables().items():
        context.terminal.say(f"export {name}={shlex.quote(value)}")


def _say_timeline(context: Context, found: Iterable[Moment], *, with_tasks: bool) -> None:
    for line in drawn(found, with_tasks=with_tasks):
        context.terminal.say(f"  {line}")


def _entries(context: Context, request: str) -> Iterator[dict[str, Any]]:
    ledger = context.stage.ledger
    if request:
        for task_id in ledger.task_ids(request):
            yield from ledger.audit_documents(task_id)
        return
    for entries in context.terminal.track(ledger.audit_pages(), "reading the ledger", ledger.page_count()):
        yield from entries
