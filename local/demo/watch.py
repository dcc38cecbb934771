"""A durable execution, observed by its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from operate.embedded import aws


@dataclass(frozen=True)
class Execution:
    """One durable execution.

    Attributes:
        client: A client of Lambda.
        arn: The execution's ARN.
    """

    client: Any
    arn: str

    @classmethod
    def named(cls, endpoint_url: str, alias_arn: str, name: str) -> Execution | None:
        """Find an execution of an alias by its name; None if it does not exist."""
        client = aws.client("lambda", endpoint_url)
        function, _, alias = alias_arn.rpartition(":")
        version = client.get_alias(FunctionName=function, Name=alias)["FunctionVersion"]
        found = client.list_durable_executions_by_function(
            FunctionName=function, Qualifier=version, DurableExecutionName=name
        )["DurableExecutions"]
        return cls(client, found[0]["DurableExecutionArn"]) if found else None

    def events(self) -> list[dict[str, Any]]:
        """Return its history."""
        history = self.client.get_durable_execution_history(DurableExecutionArn=self.arn, IncludeExecutionData=False)
        events: list[dict[str, Any]] = history["Events"]
        return events

    def operations(self) -> list[str]:
        """Return the names of its operations, in the order in which they began."""
        started = (event for event in self.events() if event["EventType"].endswith("Started"))
        return [event["Name"] for event in started if "Name" in event]

    def invocations(self) -> int:
        """Return the number of its function's invocations that have ended."""
        return sum(event["EventType"] == "InvocationCompleted" for event in self.events())

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._status() != "RUNNING"

    def is_suspended(self) -> bool:
        """Whether it waits, with no function running."""
        events = self.events()
        return self._status() == "RUNNING" and bool(events) and events[-1]["EventType"] == "InvocationCompleted"

    def _status(self) -> str:
        status: str = self.client.get_durable_execution(DurableExecutionArn=self.arn)["Status"]
        return status
