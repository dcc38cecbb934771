"""A workflow's function by its names, for the rights to start, ring and follow its executions in any stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import IConstruct

from stacks.components.house.findings import Accepted, accept, shown
from stacks.components.house.rights import allow
from stacks.components.house.stack import HouseStack

LIVE = "live"
"""The alias of every workflow that starts executions."""

START = ("lambda:InvokeFunction",)
COMPLETE = ("lambda:SendDurableExecutionCallbackFailure", "lambda:SendDurableExecutionCallbackSuccess")
HEARTBEAT = ("lambda:SendDurableExecutionCallbackHeartbeat",)
LOOK = ("lambda:GetDurableExecution",)
CHECKPOINT = ("lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState")
"""CDK has no grants for these. All but `START` match `function:<name>:*` only: neither the bare ARN nor an alias."""

_EVERY_VERSION = (
    "an execution is addressed by the version that it runs on, and old versions finish theirs: "
    "the rights span the versions of this one function, and no other function"
)


@dataclass(frozen=True)
class WorkflowFunction:
    """The function of a workflow.

    Its name in the account is literal, so that any stack can refer to it without an export. An export in use
    would keep the workflow from being removed.

    Attributes:
        workflow: The workflow's name in requests.
        name: The function's name, `<app>-<stage>-<workflow>`.
        stack: The name of its stack, without the prefix.
    """

    workflow: str
    name: str
    stack: str

    @property
    def live_name(self) -> str:
        """The name of its alias, for callers in the account and region."""
        return f"{self.name}:{LIVE}"

    def arn(self, scope: IConstruct) -> str:
        """Return the function's ARN in the account and region of a scope."""
        return f"{HouseStack.around(scope).functions_arn}{self.name}"

    def live_arn(self, scope: IConstruct) -> str:
        """Return the ARN of its alias."""
        return f"{self.arn(scope)}:{LIVE}"

    def grant_start(self, grantee: iam.Role) -> None:
        """Allow starting executions, on the alias only."""
        allow(grantee, *START, on=[self.live_arn(grantee)])

    def grant(self, grantee: iam.Role, *actions: str) -> None:
        """Allow actions on its executions, whatever version they run on."""
        allow(grantee, *actions, on=[f"{self.arn(grantee)}:*"])
        accept_every_version(grantee, [self])


def accept_every_version(policy: IConstruct, workflows: Sequence[WorkflowFunction]) -> None:
    """Accept that a policy, or a role, has rights in every version of these functions, and of no other."""
    functions = shown(policy, HouseStack.around(policy).functions_arn)
    accept(
        policy,
        *(Accepted(_EVERY_VERSION, solutions=f"IAM5[Resource::{functions}{each.name}:*]") for each in workflows),
    )
