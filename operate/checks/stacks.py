"""Stacks: each is deployed, complete, protected as the settings say, and has its outputs."""

from __future__ import annotations

from typing import Any

from operate.checks import Findings
from operate.errors import OperateError
from operate.stage import Stage, outputs_of

MISSING = "deploy the stage with `make deploy STAGE=<stage>`; the other checks were skipped"

_COMPLETE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_OUTPUTS = {
    "ledger": ("TableName", "DirectoryTableName", "BusName"),
    "public": ("ApiUrl", "ApiId", "Queues", "Providers"),
    "workflow": ("Workflows", "Queues"),
}


def stacks(stage: Stage) -> Findings:
    """Check every stack.

    Raises:
        OperateError: The stage is unknown, or none of its stacks is deployed.
    """
    found = {stack: _described(stage, stack) for stack in stage.wanted}
    missing = [error for error in found.values() if isinstance(error, OperateError)]
    if len(missing) == len(found):
        raise missing[0]
    for stack, description in found.items():
        if isinstance(description, OperateError):
            yield str(description), MISSING
        else:
            yield from _stack(stage, stack, description)
    for name in map(stage.stack_name, stage.left_out):
        if name in stage.present:
            delete = f"aws cloudformation delete-stack --stack-name {name}"
            yield f"the settings leave out {name}", f"delete it when no execution of its workflows runs: {delete}"


def _described(stage: Stage, stack: str) -> dict[str, Any] | OperateError:
    try:
        return stage.describe(stack)
    except OperateError as error:
        return error


def _stack(stage: Stage, stack: str, description: dict[str, Any]) -> Findings:
    name, status = stage.stack_name(stack), description["StackStatus"]
    yield f"{name} is {status}", "" if status in _COMPLETE else "read its events in CloudFormation, then deploy again"
    if missing := [output for output in _OUTPUTS.get(stack, ()) if output not in outputs_of(description)]:
        yield f"{name} lacks the outputs {', '.join(missing)}", "deploy this version of the kit"
    if stack == "ledger" and stage.settings.ledger.protected and not description.get("EnableTerminationProtection"):
        yield f"{name} can be deleted", "deploy again, or turn termination protection on"
