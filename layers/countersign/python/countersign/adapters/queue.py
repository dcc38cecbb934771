"""A dead-letter queue on SQS, for messages that a function cannot handle."""

from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import HandOffRejectedError


class DeadLetters:
    """Puts messages that no retry can handle into a dead-letter queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def put(self, body: str, reason: str, detail: str = "") -> None:
        """Put a message with the message attributes `reason` and, unless it is empty, `detail`.

        See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html.

        Args:
            body: The received message.
            reason: The reason, in one word.
            detail: The problems and their places, without the sent values.

        Raises:
            HandOffRejectedError: The queue did not accept the message; put it again.
        """
        texts = {"reason": reason, "detail": detail}
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text}
        with raised_as(HandOffRejectedError):
            self._client.send_message(QueueUrl=self._url, MessageBody=body, MessageAttributes=attributes)
