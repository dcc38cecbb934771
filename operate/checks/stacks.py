"""The stacks: there, whole, protected as the settings say, and with their outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from operate.errors import OperateError
from operate.stage import STACKS, Stage, outputs_of

MISSING = "deploy the stage: `make deploy STAGE=<stage>`; nothing else was looked at"

_WHOLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_OUTPUTS = {
    "ledger": ("TableName", "DirectoryTableName", "BusName"),
    "public": ("ApiUrl", "ApiId", "Queues", "Providers"),
    "workflow": ("Workflows", "Queues"),
    "monitoring": (),
    "patterns": (),
}


def stacks(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look at every stack.

    Raises:
        OperateError: There is no such stage, or no stack of it is there.
    """
    protected = stage.settings.ledger.protected
    wanted = (*STACKS, "patterns") if stage.settings.patterns else STACKS
    found = {stack: _described(stage, stack) for stack in wanted}
    missing = [error for error in found.values() if isinstance(error, OperateError)]
    if len(missing) == len(wanted):
        raise missing[0]
    for stack, description in found.items():
        if isinstance(description, OperateError):
            yield str(description), MISSING
        else:
            yield from _looked_at(stage.stack_name(stack), stack, description, protected=protected)


def _described(stage: Stage, stack: str) -> dict[str, Any] | OperateError:
    try:
        return stage.describe(stack)
    except OperateError as error:
        return error


def _looked_at(name: str, stack: str, description: dict[str, Any], *, protected: bool) -> Iterator[tuple[str, str]]:
    status = description["StackStatus"]
    whole = status in _WHOLE
    yield f"{name} is {status}", "" if whole else "read the stack's events in CloudFormation, then deploy again"
    missing = [output for output in _OUTPUTS[stack] if output not in outputs_of(description)]
    if missing:
        yield f"{name} lacks the outputs {', '.join(missing)}", "deploy this version of the kit"
    if stack == "ledger" and protected and not description.get("EnableTerminationProtection"):
        yield f"{name} can be deleted", "deploy again, or turn its termination protection on"
