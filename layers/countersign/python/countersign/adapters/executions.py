"""The states of durable executions, as Lambda has them."""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from countersign.domain.requests import Raised

PAUSED = frozenset({"PAUSING", "PAUSED"})
"""Lambda's statuses of an execution that somebody has paused, and that can be resumed."""


_FRAME = re.compile(r'File "(?:/var/task/)?([^"/][^"]*)",? [Ll]ine (\d+)')
"""A frame in the code of a function: `/var/task` has it on Lambda, and the layers are elsewhere."""

_CLASS = re.compile(r"[A-Za-z_]\w{0,99}")
_TYPE = re.compile(r"[\w.]{1,200}")


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

    def raised(self, execution_arn: str) -> Raised | None:
        """See `countersign.ports.ExecutionStates.raised`."""
        try:
            error = self._client.get_durable_execution(DurableExecutionArn=execution_arn).get("Error")
        except (ClientError, BotoCoreError):
            return None  # then only the log has it
        return _raised(error) if error else None


def _raised(error: dict[str, Any]) -> Raised:
    """Read Lambda's record of an error: the trace of `countersign.workflows` ends with the class of the error."""
    trace, kind = error.get("StackTrace") or [""], error.get("ErrorType") or ""
    frames = [frame for entry in trace for frame in _FRAME.findall(entry)]
    last = trace[-1] if _CLASS.fullmatch(trace[-1]) else kind
    return Raised(last if _TYPE.fullmatch(last) else "", ":".join(frames[-1]) if frames else "")
