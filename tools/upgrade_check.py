"""Replay recorded histories against the code of now: `make upgrade-check [FROM=<version>]`.

Lambda resumes an execution by running its code again from the first line. The code must start the recorded operations
again, each in its place and with its name, type and parent, and then wait as before. The replay is that of Lambda: the
durable SDK itself, from the recorded state.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aws_durable_execution_sdk_python.identifier import OperationIdentifier
from aws_durable_execution_sdk_python.lambda_service import Operation

from operate.terminal import Terminal
from tools import histories
from tools.histories import ROOT, History, Moment, Recorder, Run, at_rest
from tools.rehearsal import Handler
from tools.sealed import EditedError, require_sealed

RELEASES = ROOT / "tests" / "compat"
"""A folder for each release, with its histories in `histories/`."""

WHY = (
    "An execution keeps the version of the function that started it, so a break ends only executions on $LATEST; but "
    "it makes it impossible for good to continue the others on corrected code."
)
FIX = (
    "Keep the operation, its name, type and place. Put new behaviour behind the last wait, or behind a field that only "
    "new inputs have; or retire the workflow (docs/operations.md#retire-a-workflow) and add a new one."
)

_GONE = (
    "the workflow's code is gone: {error}; fix: bring it back, and set `retired = true` for the workflow until "
    "`countersign doctor` reports that its last execution has ended (docs/operations.md#retire-a-workflow)"
)


@dataclass(frozen=True)
class Break:
    """A recorded execution that the code of now does not continue.

    Attributes:
        workflow: The workflow.
        where: The release, the recorded execution and the place in it.
        problem: The recorded operation, and what happens now.
        is_fatal: Whether an execution at a wait fails; otherwise one that is at work in the moment of the deploy.
    """

    workflow: str
    where: str
    problem: str
    is_fatal: bool = True

    def __str__(self) -> str:
        """Return the line of it."""
        return f"{self.workflow}: {self.problem} ({self.where})"


def check(history: History, handler: Handler, source: str = "recorded") -> Iterator[Break]:
    """Yield the first break of each recorded execution of a workflow."""
    for name, run in history.runs.items():
        for number, moment in enumerate(run.moments, start=1):
            if problem := _problem(history.workflow, run, moment, handler):
                place = f"wait {number}" if moment.waits else "after its last wait"
                yield Break(history.workflow, f"{source}, {name}, {place}", problem, moment.waits)
                break


def check_folder(folder: Path, source: str, find: Callable[[str], Handler]) -> Iterator[Break]:
    """Yield the breaks of a folder of histories.

    Args:
        folder: The folder.
        source: Its name in messages.
        find: Returns the handler of a workflow; raises ModuleNotFoundError if the workflow is gone.
    """
    for file in sorted(folder.glob("*.json")):
        try:
            handler = find(file.stem)
        except (ModuleNotFoundError, AttributeError) as error:
            yield Break(file.stem, source, _GONE.format(error=error))
        else:
            yield from check(History.read(file), handler, source)


def check_releases(version: str = "") -> Iterator[Break]:
    """Yield the breaks of one release, or of all of them.

    Raises:
        LookupError: There is no such release.
        EditedError: A release's folder was edited.
    """
    versions = sorted(folder.name for folder in RELEASES.glob("[0-9]*"))
    if version and version not in versions:
        allowed = f"one of {', '.join(versions)}" if versions else "none is recorded yet: make release records one"
        raise LookupError(f"FROM={version}: there is no such release; allowed: {allowed}; without FROM, every release")
    for each in [version] if version else versions:
        require_sealed(RELEASES / each)
        yield from check_folder(RELEASES / each / "histories", f"release {each}", histories.kit_handler)


def check_extensions() -> Iterator[Break]:
    """Yield the breaks of the fork's own histories.

    Raises:
        EditedError: A history was edited.
    """
    if histories.OWN.is_dir():
        require_sealed(histories.OWN)
        yield from check_folder(histories.OWN, "extensions/tests/histories", histories.extension_handler)


def _problem(workflow: str, run: Run, moment: Moment, handler: Handler) -> str:
    """Replay one moment; return what differs, or an empty string."""
    recorder = Recorder(handler, workflow, run.tables, moment.operations)
    reached: dict[str, OperationIdentifier] = {}
    compare = OperationIdentifier.validate_checkpoint

    def noted(identifier: OperationIdentifier, recorded: Operation | None) -> None:
        reached.setdefault(identifier.operation_id, identifier)
        compare(identifier, recorded)

    with at_rest(recorder), patch.object(OperationIdentifier, "validate_checkpoint", noted):
        output = recorder.rehearsal.invoke()
    operations = moment.operations[1:]  # without the execution
    if problem := _other(operations, reached):
        return problem
    wait = f"it waits behind {_told(operations[-1])}"
    if moment.waits and "Error" in output:
        return f"{wait}; now it fails with {output['Error']['ErrorType']}: {output['Error']['ErrorMessage']}"
    known = {each.operation_id for each in operations}
    for each in recorder.rehearsal.started:
        if each.operation_id not in known:
            return f"{wait}; now {_told(each)} begins before that wait is over"
    return _missing(operations, reached) or (f"{wait}; now it ends" if moment.waits and "Result" in output else "")


def _other(operations: Sequence[Operation], reached: Mapping[str, OperationIdentifier]) -> str:
    """Name the first recorded operation in whose place the code has another one."""
    for place, recorded in enumerate(operations, start=1):
        now = reached.get(recorded.operation_id)
        if now and _identity(now) != _identity(recorded):
            return f"operation {place} is {_told(recorded)}; now it is {_told(now)}"
    return ""


def _missing(operations: Sequence[Operation], reached: Mapping[str, OperationIdentifier]) -> str:
    """Name the first recorded operation that the code does not reach any more."""
    # The SDK does not look into a context that has ended.
    closed = {each.operation_id for each in operations if each.context_details and each.end_timestamp}
    for place, recorded in enumerate(operations, start=1):
        if recorded.operation_id not in reached and recorded.parent_id not in closed:
            return f"operation {place} is {_told(recorded)}; now nothing starts it"
    return ""


def _identity(operation: Any) -> tuple[Any, ...]:
    """Return what must stay: name, type and parent, of an operation or of its identifier."""
    return operation.name or None, operation.operation_type, operation.sub_type, operation.parent_id or None


def _told(operation: Any) -> str:
    return f"`{operation.name or 'without a name'}` ({operation.sub_type or operation.operation_type.value})"


def main(arguments: Sequence[str]) -> int:
    """Check the releases and the fork's own histories; return the exit status."""
    terminal = Terminal()
    try:
        found = [*check_releases(*arguments), *check_extensions()]
    except LookupError as error:
        terminal.error(str(error.args[0]))
        return 2
    except EditedError as error:
        terminal.error(str(error), f"bring it back: git checkout -- {error.folder}; or, your own: make histories")
        return 2
    for workflow in sorted(set(histories.extensions()) - {file.stem for file in histories.OWN.glob("*.json")}):
        terminal.note(f"warning: extensions/workflows has {workflow}, which no history records; fix: make histories")
    for each in {(each.workflow, each.problem): each for each in reversed(found)}.values():
        (terminal.error if each.is_fatal else terminal.note)(str(each))
    if any(each.is_fatal for each in found):
        terminal.error(WHY, FIX)
        return 1
    files = [*RELEASES.glob(f"{''.join(arguments) or '*'}/histories/*.json"), *histories.OWN.glob("*.json")]
    none = "There is no history yet. A release records those of the kit, make histories yours."
    terminal.say(f"{len(files)} histories: their executions continue on this code." if files else none)
    return 0


if __name__ == "__main__":
    sys.exit(main([version for version in sys.argv[1:] if version]))
