"""Queues on SQS: hand-offs to one consumer each, and what a function cannot work off."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from countersign.contracts.envelope import is_for_people
from countersign.domain.errors import HandOffRejectedError


class QueueHandOff:
    """Puts each envelope into the queue of those who act on it: the approver, or workers."""

    def __init__(self, client: Any, approvals_url: str, external_tasks_url: str) -> None:
        self._client = client
        self._approvals_url = approvals_url
        self._external_tasks_url = external_tasks_url

    def send(self, envelope: Mapping[str, Any]) -> None:
        """See `countersign.ports.HandOff.send`."""
        url = self._approvals_url if is_for_people(envelope) else self._external_tasks_url
        _send(self._client, url, json.dumps(envelope))


class DeadLetters:
    """A dead-letter queue, for messages that trying again would not mend."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def put(self, body: str, reason: str, detail: str = "") -> None:
        """Put a message, with the message attributes `reason` and, if there is more to say, `detail`.

        Args:
            body: The message as it came.
            reason: A word for why.
            detail: What is wrong where, without what was sent.

        Raises:
            HandOffRejectedError: The queue did not take it; the same may be put again.
        """
        told = {"reason": reason, "detail": detail}
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in told.items() if text}
        _send(self._client, self._url, body, MessageAttributes=attributes)


def _send(client: Any, url: str, body: str, **more: Any) -> None:
    """Send a message (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html)."""
    try:
        client.send_message(QueueUrl=url, MessageBody=body, **more)
    except ClientError as error:
        raise HandOffRejectedError(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise HandOffRejectedError(type(error).__name__) from error
