"""The requests function: starts and cancels workflows, and reports their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from constructs import Construct

from stacks.components.actors.actor import Actor
from stacks.components.edge.api import PublicApi, Route, Throttle
from stacks.components.flow.workflow_function import WorkflowFunction
from stacks.components.flow.workflow_rights import WorkflowRights
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.directory import Directory
from stacks.components.state.ledger import Ledger
from stacks.components.state.limits import Limits


class Requests(Actor):
    """Serves callers of the account, who sign with SigV4. The only function of the API that may start workflows.

    Args:
        ledger: The ledger.
        directory: The directory.
        limits: The limits of its waiting callers.
        workflows: The workflows that it starts.
        tables: Its tables of workflows, policies and rules.
        tells_errors: Whether its reports say what a workflow raised.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        directory: Directory,
        limits: Limits,
        workflows: Sequence[WorkflowFunction],
        tables: Mapping[str, Any],
        tells_errors: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="requests_api",
            description="Starts and cancels workflows, and reports their state",
            ledger=ledger,
            # The longest wait, and the reads before and after it. Most of a wait's time it sleeps: half the memory.
            options=FunctionOptions(timeout=Duration.seconds(28), memory_mb=256),
            environment={
                **directory.environment,
                **limits.requests,
                **({"TELL_ERRORS": "yes"} if tells_errors else {}),
            },
            tables=tables,
        )
        ledger.grant_requests(self.function)
        directory.grant_read(self.function)
        limits.grant_wait(self.function)
        WorkflowRights(self, "Workflows", function=self.function, workflows=workflows, start=True)

    def add_routes(self, api: PublicApi, throttle: Throttle) -> None:
        """Add the routes that it answers, each with this throttle."""
        paths = {"/requests": ("POST", "GET"), "/requests/{request_id}": ("GET", "DELETE")}
        routes = [Route(f"{method} {path}", throttle) for path, methods in paths.items() for method in methods]
        api.add_routes(self, self.function, *routes)
