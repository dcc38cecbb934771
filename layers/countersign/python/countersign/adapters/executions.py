"""The states of durable executions, as Lambda has them."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

PAUSED = frozenset({"PAUSING", "PAUSED"})
"""Lambda's statuses of an execution that somebody has paused, and that can be resumed."""


class LambdaExecutions:
    """Reads the states of executions with GetDurableExecution.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def is_paused(self, execution_arn: str) -> bool:
        """See `countersign.ports.ExecutionStates.is_paused`."""
        try:
            found = self._client.get_durable_execution(DurableExecutionArn=execution_arn, IncludeExecutionData=False)
        except (ClientError, BotoCoreError):
            return False  # then it counts as running: a needless alarm is better than a lost decision
        return found["Status"] in PAUSED
