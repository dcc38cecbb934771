"""`doctor`: compares the deployed stage with its settings, and advises on each difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from countersign.domain.errors import TransientError
from operate.checks import Findings, delivery, functions, stacks, state
from operate.errors import is_denied, of_aws
from operate.stage import Stage


@dataclass(frozen=True)
class Result:
    """The result of a check.

    Attributes:
        area: Its subject, in a word or two.
        what: The result, in words.
        advice: What to do; empty if no action is needed.
    """

    area: str
    what: str
    advice: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether an operator must act."""
        return bool(self.advice)


CHECKS: dict[str, Callable[[Stage], Findings]] = {
    "workflows": functions.workflows,
    "functions": functions.functions,
    "event sources": functions.event_sources,
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
            yield from _checked(area, check, stage)


def _checked(area: str, check: Callable[[Stage], Findings], stage: Stage) -> Iterator[Result]:
    try:
        for what, advice in check(stage):
            yield Result(area, what, advice)
    except (ClientError, TransientError) as error:
        denied: Any = of_aws(error)
        if not is_denied(denied):
            raise
        call = denied.operation_name
        advice = f"get the right to call {call}, or ask a colleague with this right to run doctor"
        yield Result(area, f"not checked: IAM denies {call}", advice)
