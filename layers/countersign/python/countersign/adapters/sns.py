"""The channel `sns`: a topic, whose subscriptions pick the messages of their people by filter."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from countersign.domain.errors import MessageRefusedError
from countersign.presentation.display import single_line

SUBJECT_LIMIT = 99
"""SNS takes subjects of less than 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""


class SnsChannel:
    """Publishes each message as plain text, with its recipient's address as the message attribute `recipient`.

    A subscription gets what its filter policy lets through, such as `{"recipient": ["maria@example.com"]}`; one without
    a filter gets everybody's links.
    """

    def __init__(self, client: Any, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def send(self, recipient: str, subject: str, text: str, html: str) -> None:  # noqa: ARG002  the port's signature
        """See `countersign.ports.Channel.send`."""
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=single_line(subject, SUBJECT_LIMIT),
                Message=text,
                MessageAttributes={"recipient": {"DataType": "String", "StringValue": recipient}},
            )
        except ClientError as error:
            raise MessageRefusedError(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise MessageRefusedError(type(error).__name__) from error
