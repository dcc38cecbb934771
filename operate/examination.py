"""Examinations of a stage, such as `doctor` and `preflight`: checks, their results, and their report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from countersign.domain.errors import TransientError
from operate.checks import Findings, Note
from operate.errors import Status, is_denied, of_aws
from operate.stage import Stage
from operate.terminal import BAD, GOOD, Terminal, mark


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
        """Whether an operator must act. A note is no finding."""
        return bool(self.advice) and not isinstance(self.advice, Note)


def examined(area: str, check: Callable[[Stage], Findings], stage: Stage) -> Iterator[Result]:
    """Yield the results of a check. A missing right is a finding: the result is unknown."""
    try:
        for what, advice in check(stage):
            yield Result(area, what, advice)
    except (ClientError, TransientError) as error:
        denied: Any = of_aws(error)
        if not is_denied(denied):
            raise
        action = _action(denied)
        yield Result(area, f"unknown: needs {action}", f"get the right {action}, or ask a colleague who has it")


def report(terminal: Terminal, results: Iterable[Result]) -> Status:
    """Print results as they come, and return the exit status: REFUSED if there are findings."""
    printed = []
    for result in results:
        printed.append(result)
        if not terminal.as_json:
            _say(terminal, result)
    findings = sum(result.is_finding for result in printed)
    if terminal.as_json:
        terminal.document([vars(result) | {"finding": result.is_finding} for result in printed])
    else:
        count = f"{findings} finding{'' if findings == 1 else 's'}"
        terminal.say(f"{len(printed)} results, {count}", BAD if findings else GOOD)
    return Status.REFUSED if findings else Status.DONE


def _say(terminal: Terminal, result: Result) -> None:
    sign = mark("✗", "!") if result.is_finding else mark("✓", "+")
    terminal.say(f"{sign} {result.area:<13} {result.what}", BAD if result.is_finding else "")
    if result.advice:
        terminal.say(f"  {'':<13} {mark('→', '->')} {result.advice}")


def _action(denied: Any) -> str:
    """Return the action that IAM denied: its full name if IAM's message has it."""
    said = re.search(r"not authorized to perform: ([\w-]+:\w+)", denied.response["Error"].get("Message", ""))
    operation: str = denied.operation_name
    return said[1] if said else operation
