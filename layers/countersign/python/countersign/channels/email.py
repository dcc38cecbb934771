"""The channel `email`: mail through Amazon SES, from one verified address."""

from collections.abc import Mapping, Sequence

from countersign.adapters.failures import raised_as
from countersign.channels.base import Channel
from countersign.channels.messages import Message, html
from countersign.channels.ses_events import tags_of
from countersign.domain.errors import MessageRefusedError
from countersign.functions.clients import client


class Email(Channel):
    """Sends mail with the SES v2 API.

    Naming the stage's own configuration set replaces a default one of the identity, which the approver may not use.
    """

    settings = frozenset({"sender", "reply_to", "configuration_set"})

    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> None:  # noqa: ARG002  the port's
        """See `Channel.send`."""
        texts = message.texts
        bodies = {"Text": texts.body, "Html": html(message)}
        body = {name: {"Data": data, "Charset": "UTF-8"} for name, data in bodies.items()}
        with raised_as(MessageRefusedError):
            client("sesv2").send_email(
                FromEmailAddress=settings["sender"],
                Destination={"ToAddresses": [message.recipient]},
                ConfigurationSetName=settings["configuration_set"],
                EmailTags=tags_of(message.task_id),
                **({"ReplyToAddresses": [settings["reply_to"]]} if settings["reply_to"] else {}),
                Content={"Simple": {"Subject": {"Data": texts.subject, "Charset": "UTF-8"}, "Body": body}},
            )


CHANNEL = Email()
