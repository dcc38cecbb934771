"""Commands that change nothing: tasks, show, timeline, export, doctor, env."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from operate import doctor as examination
from operate import export as files
from operate import views
from operate.context import Context
from operate.errors import OperateError, Status, usage
from operate.parsing import duration, moment
from operate.stage import EmbeddedCloud
from operate.terminal import BAD, GOOD, QUIET, mark
from operate.timeline import Moment, drawn, moments

_Task = Annotated[str, typer.Argument(metavar="TASK", help="Id of the task: <request id>.<name of the wait>.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (tasks, show, timeline, export, doctor, env):
        app.command()(command)


def tasks(
    call: typer.Context,
    status: Annotated[
        list[str] | None, typer.Option(help="OPEN, DECIDED, APPLIED, EXPIRED or CANCELLED; may be given again.")
    ] = None,
    workflow: Annotated[str, typer.Option(help="Of this workflow only.", show_default=False)] = "",
    older_than: Annotated[str, typer.Option(help="Opened longer ago, such as 2h or 3d.", show_default=False)] = "",
    due_within: Annotated[str, typer.Option(help="Open, with less time left, such as 4h.", show_default=False)] = "",
) -> None:
    """List tasks, those that close first at the front; without --status those that are open or decided."""
    context: Context = call.obj
    wanted = views.Filter(
        views.statuses(status or ()),
        workflow,
        duration(older_than) if older_than else None,
        duration(due_within) if due_within else None,
    )
    now = context.now
    found = views.found(context.stage.ledger, wanted, now)
    if context.terminal.as_json:
        context.terminal.document([views.document(task, now) for task in found])
    elif found:
        context.terminal.table(views.COLUMNS, views.rows(found, now))
    else:
        context.terminal.note("No task is like that.")


def show(call: typer.Context, task_id: _Task) -> None:
    """Show one task, and what happened to it."""
    context: Context = call.obj
    ledger, now, terminal = context.stage.ledger, context.now, context.terminal
    task, entries, breaks = ledger.present(task_id), ledger.audit(task_id), ledger.audit_breaks(task_id)
    if terminal.as_json:
        terminal.document(views.document_in_full(task, entries, breaks, now))
        return
    terminal.say(task.task_id, "bold")
    if task.question.title:
        terminal.say(task.question.title)
    facts = list(views.facts(task, now))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        terminal.say(f"  {name:<{width}}  {value}")
    terminal.say()
    _say_timeline(context, moments(entries), with_tasks=False)
    terminal.say(f"  {len(entries)} entries; {'; '.join(breaks) or 'the chain holds'}", BAD if breaks else QUIET)


def timeline(
    call: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the request.")],
) -> None:
    """Tell what happened to all tasks of a request."""
    context: Context = call.obj
    ledger = context.stage.ledger
    found = moments(entry for task_id in ledger.task_ids(request_id) for entry in ledger.audit(task_id))
    if not found:
        raise OperateError(f"no task of a request {request_id!r} was ever opened", "`tasks` lists those that wait.")
    if context.terminal.as_json:
        context.terminal.document([vars(moment) for moment in found])
    else:
        _say_timeline(context, found, with_tasks=True)


def export(
    call: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write; - for standard output.")],
    form: Annotated[files.Format, typer.Option("--format", help="For spreadsheets, or for machines.")] = (
        files.Format.JSONL
    ),
    request: Annotated[str, typer.Option(help="Of this request only.", show_default=False)] = "",
    since: Annotated[str, typer.Option(help="From this moment on, ISO 8601.", show_default=False)] = "",
    until: Annotated[str, typer.Option(help="Before this moment, ISO 8601.", show_default=False)] = "",
) -> None:
    """Write the audit to a file. Without --request it reads the whole table."""
    context: Context = call.obj
    period = files.Period(moment(since) if since else None, moment(until) if until else None)
    if period.since and period.until and period.since >= period.until:
        raise usage(f"--until must be after --since, got: {until} after {since}")
    with files.opened(file) as target:
        entries = (entry for entry in _entries(context, request) if period.takes(entry))
        count = files.write(entries, form, target)
    if file != files.STANDARD_OUTPUT:
        context.terminal.result(f"{file} has {count} entries", {"file": file, "entries": count})


def doctor(call: typer.Context) -> int:
    """Hold what is deployed against the stage's settings; the exit status is 1 when there is something to do."""
    context: Context = call.obj
    results = []
    for result in examination.examine(context.stage):
        results.append(result)
        if not context.terminal.as_json:
            _say_result(context, result)
    findings = [result for result in results if result.is_finding]
    if context.terminal.as_json:
        context.terminal.document([vars(result) | {"finding": result.is_finding} for result in results])
    else:
        count = f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}"
        context.terminal.say(f"{len(results)} results, {count}", BAD if findings else GOOD)
    return Status.REFUSED if findings else Status.DONE


def _say_result(context: Context, result: examination.Result) -> None:
    sign = mark("✗", "!") if result.is_finding else mark("✓", "+")
    context.terminal.say(f"{sign} {result.area:<13} {result.what}", BAD if result.is_finding else "")
    if result.is_finding:
        context.terminal.say(f"  {'':<13} {mark('→', '->')} {result.advice}")


def env(call: typer.Context) -> None:
    """Print the variables of the embedded cloud for a shell: eval "$(countersign env --local)"."""
    context: Context = call.obj
    stage = context.stage
    if not isinstance(stage, EmbeddedCloud):
        raise usage("env is for the embedded cloud only", "Run `make up`, then `countersign env --local`.")
    variables = stage.cloud.variables()
    if context.terminal.as_json:
        context.terminal.document(variables)
        return
    context.terminal.say("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
    for name, value in variables.items():
        context.terminal.say(f"export {name}={shlex.quote(value)}")


def _say_timeline(context: Context, found: list[Moment], *, with_tasks: bool) -> None:
    for line in drawn(found, with_tasks=with_tasks):
        context.terminal.say(f"  {line}")


def _entries(context: Context, request: str) -> Iterator[dict[str, Any]]:
    ledger = context.stage.ledger
    if request:
        for task_id in ledger.task_ids(request):
            yield from ledger.audit_documents(task_id)
        return
    with context.terminal.progress("reading the ledger", ledger.item_count() or None) as progress:
        for scanned, entries in ledger.audit_pages():
            yield from entries
            progress.advance(progress.task_ids[0], scanned)
