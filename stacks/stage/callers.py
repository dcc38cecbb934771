"""Callers of a stage: `[callers."<role ARN>"]`, what the sessions of one IAM role may start and see."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any

from countersign.services.caller_rules import AGENTS_WORKFLOW
from stacks.stage.fields import Name, Table, matching
from stacks.stage.policies import Policies
from stacks.stage.problems import Problem, dotted

PRINCIPAL = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}|arn:aws:iam::000000000000:root"
"""A role's ARN, or the ARN of everybody on the embedded cloud."""

RoleArn = Annotated[str, matching(PRINCIPAL, "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/shop")]


class CallerSettings(Table):
    """The limits of one role's sessions, by the role's ARN in quotes.

    A role without a table has none. A session's ARN lacks the path of its role, so roles are told apart by account and
    name.
    """

    workflows: tuple[Name, ...] | None = None
    """The workflows that the role may start; left out for any."""
    agent: bool = False
    """Whether the role is an AI agent's. It then starts `approval` only, the policy of `approval` names the approvers,
    pages and messages show its text as a quotation, and it sees its own requests only."""
    own_only: bool = False
    """Whether the role sees the requests of its own sessions only. Agents always do."""

    @property
    def document(self) -> dict[str, Any]:
        """The limits for `countersign.services.caller_rules.Caller`."""
        workflows = (AGENTS_WORKFLOW,) if self.agent else self.workflows
        return {"workflows": workflows, "agent": self.agent, "own_only": self.own_only or self.agent}


def check_callers(
    callers: Mapping[str, CallerSettings], workflows: Collection[str], policies: Policies
) -> Iterator[Problem]:
    """Yield the contradictions among callers, and between callers, workflows and policies.

    Args:
        callers: The tables, by role.
        workflows: The names of all workflows that the stage deploys.
        policies: The rows of policies, by the name of their workflow.
    """
    yield from _check_names(tuple(callers))
    for role, caller in callers.items():
        key = dotted("callers", role)
        for name in caller.workflows or ():
            if name not in workflows:
                allowed = f"names of workflows: {', '.join(workflows)}"
                yield Problem(f"{key}.workflows", name, allowed, "correct the name, or remove it")
        if caller.agent:
            yield from _check_agent(key, caller, workflows, policies)


def _check_names(roles: Sequence[str]) -> Iterator[Problem]:
    """Report roles that sessions cannot tell apart: IAM has one role of a name in an account, whatever its case."""
    seen: dict[tuple[str, str], str] = {}
    for role in roles:
        named = role.split(":")[4], role.rpartition("/")[2].casefold()
        if named in seen:
            allowed = f"one table for a role's name in an account; {seen[named]} has the same"
            yield Problem(dotted("callers", role), role, allowed, "remove the table of the role that does not exist")
        seen.setdefault(named, role)


def _check_agent(key: str, caller: CallerSettings, workflows: Collection[str], policies: Policies) -> Iterator[Problem]:
    if caller.workflows not in (None, (AGENTS_WORKFLOW,)):
        allowed = f'nothing or ["{AGENTS_WORKFLOW}"], with agent = true: agents start nothing else'
        yield Problem(f"{key}.workflows", list(caller.workflows or ()), allowed, "remove it, or remove agent")
    if AGENTS_WORKFLOW not in workflows:
        allowed = f"false, unless the stage deploys [workflows.{AGENTS_WORKFLOW}], which agents start"
        yield Problem(f"{key}.agent", caller.agent, allowed, "deploy it, or remove agent")
        return
    rows = policies.get(AGENTS_WORKFLOW, ())
    for number, row in enumerate(rows, start=1):
        if row.approvers is None and not row.auto_approve:
            allowed = "addresses in every row, because agents, which have a table under [callers], name no approvers"
            yield Problem(f"policies.{AGENTS_WORKFLOW}[{number}].approvers", None, allowed, "add them")
    if not rows:
        allowed = f"false, unless [[policies.{AGENTS_WORKFLOW}]] names the approvers, which agents do not"
        yield Problem(f"{key}.agent", caller.agent, allowed, f"add [[policies.{AGENTS_WORKFLOW}]], or remove agent")
