"""`doctor`: compares the deployed stage with its settings, and advises on each difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from operate.checks import Findings, delivery, functions, references, requests, running, stacks, state
from operate.examination import Result, examined
from operate.stage import Stage

CHECKS: dict[str, Callable[[Stage], Findings]] = {
    "workflows": functions.workflows,
    "functions": functions.functions,
    "event sources": functions.event_sources,
    "executions": running.executions,
    "requests": requests.requests,
    "references": references.references,
    "tables": state.tables,
    "tasks": state.tasks,
    "audit copy": state.audit_copy,
    "dead letters": state.dead_letters,
    "secrets": state.secrets,
    "mail": delivery.channel,
    "alarms": delivery.alarms,
}
"""The checks of a stage whose stacks are deployed, in order."""


def examine(stage: Stage) -> Iterator[Result]:
    """Yield the results of all checks; if a stack is missing, only those of the stacks.

    Raises:
        OperateError: The stage is unknown, or none of its stacks is deployed.
    """
    found = [Result("stacks", *result) for result in stacks.stacks(stage)]
    yield from found
    if stacks.MISSING not in {result.advice for result in found}:
        for area, check in CHECKS.items():
            yield from examined(area, check, stage)
