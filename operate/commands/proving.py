"""The command `prove`, which runs the product's claims against a stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from countersign.domain.identity import is_session_of
from operate.checks.stacks import stacks
from operate.context import Context
from operate.embedded.cloud import HOME
from operate.errors import OperateError, Status, is_denied, usage
from operate.prove.disruptive import DISRUPTIVE, restore
from operate.prove.report import Result, Verdict, proved, write
from operate.prove.run import Run
from operate.prove.safe import AFTERWARDS, SAFE
from operate.stage import Stage
from operate.terminal import BAD, QUIET, Terminal, mark

_PATIENCE_SECONDS, _LOCAL_PATIENCE_SECONDS = 120, 30
_LOOK_SECONDS, _LOCAL_LOOK_SECONDS = 3, 0.2


def prove(
    call: typer.Context,
    disruptive: Annotated[
        bool | None,
        typer.Option("--disruptive/--safe", help="Prove the disruptive claims too; the default on the embedded cloud."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write FILE.md and FILE.json; by default .local/prove/<stage>-<time>."),
    ] = None,
) -> int:
    """Run the product's claims against the stage, and write a report. The exit status is 1 if one is not proved."""
    context: Context = call.obj
    stage = context.stage
    quick = stage.cloud is not None
    more = DISRUPTIVE if (quick if disruptive is None else disruptive) else {}
    _refuse_settings(stage, disruptive=bool(more))
    _refuse_deployed(stage, disruptive=bool(more))
    run = Run(
        context,
        _LOCAL_PATIENCE_SECONDS if quick else _PATIENCE_SECONDS,
        _LOCAL_LOOK_SECONDS if quick else _LOOK_SECONDS,
    )
    for what in _clean(run):
        context.terminal.note(f"An earlier run was interrupted, which is cleaned up: {what}.")
    results: list[Result] = []
    try:
        for result in proved(run, SAFE | more | AFTERWARDS):
            results.append(result)
            _say(context.terminal, result)
    finally:
        list(run.withdraw_open_tasks())
    base = report or HOME / "prove" / f"{stage.name}-{context.now:%Y%m%d-%H%M%S}"
    write(run, results, base)
    return _end(context.terminal, results, base)


def _clean(run: Run) -> Iterator[str]:
    """Clean up after an earlier run that was interrupted. Only stages without protection were disturbed."""
    if not run.stage.settings.ledger.protected:
        try:
            yield from restore(run)
        except ClientError as error:
            if not is_denied(error):
                raise
            run.context.terminal.note(f"Without the right to look, what a disruptive run has left stays: {error}")
    for task_id in run.withdraw_open_tasks():
        yield f"{task_id} was open"


def _refuse_settings(stage: Stage, *, disruptive: bool) -> None:
    """Refuse a stage without a role that may prove it, and disruptive claims on a protected one."""
    file = f"settings/{stage.name}.toml"
    if disruptive and stage.settings.ledger.protected:
        advice = "Leave out --disruptive, or prove them on a stage with protected = false under [ledger] in its file."
        raise usage(f"the stage {stage.name} is protected: --disruptive would disturb it", advice)
    if not stage.settings.prove.role:
        line = '[prove] with role = "<the ARN of the role that you act as>"'
        advice = (
            f"Add {line} to {file}, then make deploy STAGE={stage.name}. Attach the policy of the output ProvePolicy."
        )
        raise usage(f"{file} names no role that may prove the stage", advice)


def _refuse_deployed(stage: Stage, *, disruptive: bool) -> None:
    """Refuse a stage that is not completely deployed, and an operator who is not its role."""
    role, file = stage.settings.prove.role, f"settings/{stage.name}.toml"
    for what, advice in stacks(stage):
        if advice:
            raise OperateError(f"the stage {stage.name} is not completely deployed: {what}", advice, Status.NO_ACCESS)
    if disruptive and stage.ledger.is_protected:
        advice = f"Leave out --disruptive; its settings differ from what is deployed: make diff STAGE={stage.name}."
        raise usage(f"the stage {stage.name} is protected: --disruptive would disturb it", advice)
    if "ProvePolicy" not in stage.outputs("public"):
        problem = f"the stage {stage.name} was deployed without the role under [prove]: it lacks the output ProvePolicy"
        raise OperateError(problem, f"make deploy STAGE={stage.name}", Status.NO_ACCESS)
    if not is_session_of(stage.operator, role):
        advice = f"Use a profile of that role: --profile. Or change role under [prove] in {file}, and deploy."
        raise OperateError(f"you act as {stage.operator}; the stage takes proofs from {role}", advice, Status.NO_ACCESS)


def _say(terminal: Terminal, result: Result) -> None:
    if terminal.as_json:
        return
    signs = {Verdict.PROVED: mark("✓", "+"), Verdict.NOT_PROVED: mark("✗", "!"), Verdict.SKIPPED: mark("–", "-")}
    style = {Verdict.NOT_PROVED: BAD, Verdict.SKIPPED: QUIET}.get(result.verdict, "")
    terminal.say(f"{signs[result.verdict]} {result.claim:<15} {result.says}", style)
    terminal.say(f"  {'':<15} {result.verdict}: {result.evidence}", QUIET)


def _end(terminal: Terminal, results: list[Result], base: Path) -> Status:
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    line = f"{', '.join(f'{count} {verdict}' for verdict, count in counts.items())}; the report is {base}.md"
    claims = [vars(result) for result in results]
    terminal.result(line, {"report": f"{base}.json", "claims": claims})
    return Status.REFUSED if counts[Verdict.NOT_PROVED] else Status.DONE
