"""Rights of one function in many workflows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.flow.workflow_function import START, WorkflowFunction, accept_every_version
from stacks.components.house.python_function import PythonFunction

_MOST_WORKFLOWS = 20
"""A managed policy has at most 6,144 characters: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""


class WorkflowRights(Construct):
    """A function's rights in workflows, as managed policies: a role's own policies have 10,240 characters in all.

    A policy covers the workflows of one stack, so that changes in another stack leave it alone. The function is created
    after its policies: a ring without the right is refused permanently, and an operator must repeat it.

    Args:
        function: The function.
        workflows: The workflows.
        on_versions: The actions on their executions, whatever version these run on.
        start: Whether it may start executions.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: PythonFunction,
        workflows: Sequence[WorkflowFunction],
        on_versions: Sequence[str] = (),
        start: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        for name, group in _groups(workflows):
            policy = iam.ManagedPolicy(
                self,
                name,
                description=f"Rights of {function.service} in workflows of countersign",
                roles=[function.role],
            )
            if on_versions:
                policy.add_statements(_allow(on_versions, [f"{each.arn(self)}:*" for each in group]))
                accept_every_version(policy, group)
            if start:
                policy.add_statements(_allow(START, [each.live_arn(self) for each in group]))
            function.function.node.add_dependency(policy)


def _allow(actions: Sequence[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=resources)


def _groups(workflows: Sequence[WorkflowFunction]) -> Iterator[tuple[str, list[WorkflowFunction]]]:
    """Yield the workflows of each policy, and the policy's construct id."""
    by_stack: dict[str, list[WorkflowFunction]] = defaultdict(list)
    for workflow in workflows:
        by_stack[workflow.stack].append(workflow)
    for stack, members in by_stack.items():
        for start in range(0, len(members), _MOST_WORKFLOWS):
            yield f"{stack}-{start // _MOST_WORKFLOWS + 1}", members[start : start + _MOST_WORKFLOWS]
