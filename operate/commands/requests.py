"""`requests`: the list of requests; and a request for `show`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from countersign.domain.requests import RequestStatus
from operate import views
from operate.context import Context
from operate.errors import OperateError
from operate.parsing import duration

_DAY = timedelta(days=1)


def requests(
    call: typer.Context,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,  # noqa: FBT002
    workflow: Annotated[str, typer.Option(help="Requests for this workflow.", show_default=False)] = "",
    since: Annotated[
        timedelta | None, typer.Option(metavar="SPAN", parser=duration, help="How far back; by default 1d.")
    ] = None,
) -> None:
    """List requests, the newest first, with why they failed."""
    context: Context = call.obj
    now = context.now
    found = [
        request
        for request in context.stage.ledger.requests(now - (since or _DAY))
        if workflow in ("", request.workflow) and (not failed or request.status is RequestStatus.FAILED)
    ]
    if context.terminal.as_json:
        context.terminal.document([views.request_document(request) for request in found])
    elif found:
        context.terminal.table(views.REQUEST_COLUMNS, [views.request_row(request, now) for request in found])
    else:
        context.terminal.note("No request matches.")


def show(context: Context, request_id: str) -> None:
    """Print one request with its tasks."""
    terminal, now = context.terminal, context.now
    request, tasks = context.stage.ledger.with_tasks(request_id)
    if request is None:
        advice = "`requests` lists requests, `tasks` lists the tasks that wait."
        raise OperateError(f"there is no request {request_id!r}", advice)
    if terminal.as_json:
        listed = [views.document(task, now) for task in tasks]
        terminal.document(views.request_document(request) | {"result": request.result, "tasks": listed})
        return
    terminal.facts(request.request_id, views.request_facts(request, now))
    terminal.say()
    if tasks:
        terminal.table(views.COLUMNS, [views.row(task, now) for task in tasks])
    else:
        terminal.say("  It has opened no task." if request.ended else "  It has opened no task yet.")
    terminal.note(f"`logs {request_id}` prints what the functions have logged about it.")
