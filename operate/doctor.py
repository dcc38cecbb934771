"""`doctor`: what is deployed, held against the settings of the stage; for each finding, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from countersign.domain.errors import TransientError
from operate.checks import lambdas, mail, monitoring, stacks, state
from operate.errors import is_denied, of_aws
from operate.stage import Stage


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        area: What it is about, in a word.
        what: What it found.
        advice: What to do; empty where everything is as it should be.
    """

    area: str
    what: str
    advice: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether somebody must act."""
        return bool(self.advice)


Check = Callable[[Stage], Iterator[tuple[str, str]]]
"""Yields what it finds, each with what to do; with nothing to do where it is in order."""

CHECKS: dict[str, Check] = {
    "workflows": lambdas.workflows,
    "functions": lambdas.functions,
    "event sources": lambdas.event_sources,
    "tables": state.tables,
    "tasks": state.tasks,
    "audit copy": state.audit_copy,
    "dead letters": state.dead_letters,
    "secrets": state.secrets,
    "mail": mail.channel,
    "alarms": monitoring.alarms,
}
"""The checks of a stage whose stacks are there, in the order in which they are made."""


def examine(stage: Stage) -> Iterator[Result]:
    """Yield what every check finds; where a stack is missing, only that.

    Raises:
        OperateError: There is no such stage, or nothing of it is deployed.
    """
    found = [Result("stacks", *result) for result in stacks.stacks(stage)]
    yield from found
    if stacks.MISSING not in {result.advice for result in found}:
        for area, check in CHECKS.items():
            yield from _examined(area, check, stage)


def _examined(area: str, check: Check, stage: Stage) -> Iterator[Result]:
    from botocore.exceptions import ClientError

    try:
        for what, advice in check(stage):
            yield Result(area, what, advice)
    except (ClientError, TransientError) as error:
        said: Any = of_aws(error)
        if not is_denied(said):
            raise
        advice = f"ask for the right to call {said.operation_name}, or have somebody look who has it"
        yield Result(area, f"could not be looked at: IAM refused {said.operation_name}", advice)
