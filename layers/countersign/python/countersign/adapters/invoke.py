"""Hand-offs by asynchronous invocation: Lambda's own queue between the workflow and the function that acts on them."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from countersign.contracts.envelope import is_for_people
from countersign.domain.errors import HandOffRejectedError


class InvokeHandOff:
    """Invokes the function that acts on an envelope: the approver, or the workflow's worker."""

    def __init__(self, client: Any, approver: str, worker: str) -> None:
        """Take the client and the functions.

        Args:
            client: Lambda's.
            approver: ARN of the approver.
            worker: ARN of the worker; empty where the settings name none.
        """
        self._client = client
        self._approver = approver
        self._worker = worker

    def send(self, envelope: Mapping[str, Any]) -> None:
        """See `countersign.ports.HandOff.send`.

        Lambda answers 202 once the event is in its queue; it tries the function again, then its dead-letter queue
        (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html).
        """
        function = self._approver if is_for_people(envelope) else self._worker
        if not function:
            raise HandOffRejectedError("the settings name no worker for this workflow")
        try:
            self._client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(envelope).encode())
        except ClientError as error:
            raise HandOffRejectedError(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise HandOffRejectedError(type(error).__name__) from error
