"""Starting durable executions with Lambda's Invoke."""

import json
from collections.abc import Mapping
from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import RequestConflictError, StartFailedError, UnknownWorkflowError

_ALREADY_STARTED = "DurableExecutionAlreadyStartedException"


class LambdaStarter:
    """Starts workflows by their aliases."""

    def __init__(self, client: Any, functions: Mapping[str, str]) -> None:
        """Set the client and each workflow's alias, by the workflow's name: an ARN, or `<function>:<alias>`."""
        self._client = client
        self._functions = functions

    def start(self, workflow: str, request_id: str, payload: Mapping[str, Any]) -> str:
        """See `countersign.ports.WorkflowStarter.start`.

        The execution's name makes the start idempotent: a second start with the same name and payload has no effect
        (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, DurableExecutionName).
        """
        if workflow not in self._functions:
            raise UnknownWorkflowError

        def error_of(code: str) -> Exception:
            return RequestConflictError(request_id) if code == _ALREADY_STARTED else StartFailedError(code)

        with raised_as(error_of):
            answer = self._client.invoke(
                FunctionName=self._functions[workflow],
                InvocationType="Event",
                DurableExecutionName=request_id,
                Payload=json.dumps(payload).encode(),
            )
        return str(answer.get("DurableExecutionArn", ""))
