"""Starting durable executions with Lambda's Invoke."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from countersign.domain.errors import RequestConflictError, StartFailedError, UnknownWorkflowError


class LambdaStarter:
    """Starts workflows by their aliases."""

    def __init__(self, client: Any, functions: Mapping[str, str]) -> None:
        """Take the client and the alias of each workflow by name: its ARN, or `<function>:<alias>`."""
        self._client = client
        self._functions = functions

    def start(self, workflow: str, request_id: str, payload: Mapping[str, Any]) -> str:
        """See `countersign.ports.WorkflowStarter.start`.

        The execution's name makes the start idempotent: the same name and payload start nothing new
        (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, DurableExecutionName).
        """
        if workflow not in self._functions:
            raise UnknownWorkflowError
        try:
            answer = self._client.invoke(
                FunctionName=self._functions[workflow],
                InvocationType="Event",
                DurableExecutionName=request_id,
                Payload=json.dumps(payload).encode(),
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "DurableExecutionAlreadyStartedException":
                raise RequestConflictError(request_id) from error
            raise StartFailedError(code) from error
        except BotoCoreError as error:
            raise StartFailedError(type(error).__name__) from error
        return str(answer.get("DurableExecutionArn", ""))
