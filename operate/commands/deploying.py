"""Commands around a deploy: preflight before it, teardown before the stage is destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from operate import preflight as examination
from operate.checks.account import account
from operate.context import Context
from operate.errors import OperateError, Status
from operate.examination import report
from operate.executions import Execution, stop, unended
from operate.kept_events import erase
from operate.remains import in_the_way, remains
from operate.stage import Stage
from operate.terminal import Terminal


def preflight(call: typer.Context) -> int:
    """Check before a deploy that the account, the region and the settings are ready. Changes nothing."""
    context: Context = call.obj
    return report(context.terminal, examination.examine(context.stage))


def teardown(
    call: typer.Context,
    stopping: Annotated[bool, typer.Option("--stop", help="Stop the executions that have not ended.")] = False,  # noqa: FBT002
    erasing: Annotated[bool, typer.Option("--erase", help="Erase kept events, unless protected.")] = False,  # noqa: FBT002
) -> int:
    """Prepare `make destroy`: name what stays in the account, and refuse while executions or stacks are in the way."""
    context: Context = call.obj
    stage = context.stage
    _refuse_another_account(stage)
    stays, running = list(remains(stage)), list(unended(stage))
    if stopping:
        for execution in running:
            stop(stage, execution)
        running = list(unended(stage))
    _say(context.terminal, stays, running)
    if running:
        advice = f"Wait until they have ended, or stop them: make destroy STAGE={stage.name} STOP=1"
        context.terminal.error(f"{len(running)} executions have not ended", advice)
        return Status.REFUSED
    return _ready(context, erasing=erasing)


def _ready(context: Context, *, erasing: bool) -> Status:
    """Refuse while stacks are in the way; otherwise erase what CloudFormation would not delete."""
    stage = context.stage
    left_out = list(in_the_way(stage))
    for name, delete in left_out:
        problem = f"the stack {name}, which the settings leave out, keeps others from being deleted"
        context.terminal.error(problem, f"First run: {delete}")
    if left_out:
        return Status.REFUSED
    if erasing and (erased := erase(stage)):
        context.terminal.note(f"{erased} kept events were erased.")
    return Status.DONE


def _refuse_another_account(stage: Stage) -> None:
    for what, advice in () if stage.cloud else account(stage):
        if advice:
            raise OperateError(what, advice)


def _say(terminal: Terminal, stays: Sequence[str], running: Sequence[Execution]) -> None:
    if terminal.as_json:
        terminal.document({"stays": stays, "running": [vars(execution) for execution in running]})
        return
    for line in stays:
        terminal.say(f"stays: {line}")
    if running:
        rows = [(each.request_id, each.workflow, each.version, each.status) for each in running]
        terminal.table(("request", "workflow", "version", "status"), rows)
