"""The channel `sns`: a topic, whose subscriptions filter by recipient."""

from collections.abc import Mapping, Sequence

from countersign.adapters.failures import raised_as
from countersign.channels.base import Channel
from countersign.channels.messages import Message
from countersign.domain.errors import MessageRefusedError
from countersign.functions.clients import client
from countersign.presentation.display import single_line

SUBJECT_LIMIT = 99
"""SNS takes subjects of less than 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""


class Topic(Channel):
    """Publishes each message as plain text, with its recipient's address as the message attribute `recipient`.

    A filter policy such as `{"recipient": ["maria@example.com"]}` limits a subscription to one person's messages. A
    subscription without a filter receives everybody's links.
    """

    settings = frozenset({"topic"})

    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> None:  # noqa: ARG002  the port's
        """See `Channel.send`."""
        with raised_as(MessageRefusedError):
            client("sns").publish(
                TopicArn=settings["topic"],
                Subject=single_line(message.texts.subject, SUBJECT_LIMIT),
                Message=message.texts.body,
                MessageAttributes={"recipient": {"DataType": "String", "StringValue": message.recipient}},
            )


CHANNEL = Topic()
