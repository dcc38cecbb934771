"""The command `rollback`, which acts on a workflow's releases."""

from __future__ import annotations

from typing import Annotated

import typer

from operate.context import Context
from operate.errors import OperateError
from operate.releases import Releases


def rollback(
    call: typer.Context,
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="Name of the workflow.")],
    yes: Annotated[bool, typer.Option("--yes", help="Roll back; without this, only name both versions.")] = False,  # noqa: FBT002
) -> None:
    """Start new executions of a workflow on the version before. Running executions stay on their version."""
    context: Context = call.obj
    releases = Releases.of(context.stage, workflow)
    before = _before(workflow, releases)
    if not yes:
        problem = f"{workflow} would go from version {releases.live} to {before}; nothing was changed"
        raise OperateError(problem, "To roll back, add --yes.")
    context.stage.client("lambda").update_alias(
        FunctionName=releases.function, Name="live", FunctionVersion=str(before), RevisionId=releases.revision
    )
    line = f"{workflow} went from version {releases.live} to {before}; the next deploy that changes it undoes this"
    context.terminal.result(line, {"workflow": workflow, "from": releases.live, "to": before})


def _before(workflow: str, releases: Releases) -> int:
    before = releases.before
    if before is None:
        advice = "Correct the workflow, and deploy it."
        raise OperateError(f"{workflow} has no version before {releases.live}, on which new executions start", advice)
    if gone := ", ".join(f"{name} {value}" for name, value in releases.gone(before)):
        advice = "Correct the workflow, and deploy it."
        raise OperateError(f"version {before} of {workflow} needs what the stage no longer has: {gone}", advice)
    return before
