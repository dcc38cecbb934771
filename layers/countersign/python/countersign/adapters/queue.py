"""A dead-letter queue on SQS, for what a function cannot work off."""

from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import HandOffRejectedError


class DeadLetters:
    """A dead-letter queue, for messages that trying again would not mend."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def put(self, body: str, reason: str, detail: str = "") -> None:
        """Put a message, with the message attributes `reason` and, if there is more to say, `detail`.

        See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html.

        Args:
            body: The message as it came.
            reason: A word for why.
            detail: What is wrong where, without what was sent.

        Raises:
            HandOffRejectedError: The queue did not take it; the same may be put again.
        """
        told = {"reason": reason, "detail": detail}
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in told.items() if text}
        with raised_as(HandOffRejectedError):
            self._client.send_message(QueueUrl=self._url, MessageBody=body, MessageAttributes=attributes)
