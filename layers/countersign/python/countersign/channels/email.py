"""The channel `email`: mail through Amazon SES, from one verified address."""

from collections.abc import Mapping, Sequence

from countersign.adapters.failures import raised_as
from countersign.channels.base import Channel
from countersign.channels.messages import Message, html
from countersign.domain.errors import MessageRefusedError
from countersign.functions.clients import client


class Email(Channel):
    """Sends mail with the SES v2 API."""

    settings = frozenset({"sender"})

    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> None:  # noqa: ARG002  the port's
        """See `Channel.send`."""
        texts = message.texts
        bodies = {"Text": texts.body, "Html": html(message)}
        body = {name: {"Data": data, "Charset": "UTF-8"} for name, data in bodies.items()}
        with raised_as(MessageRefusedError):
            client("sesv2").send_email(
                FromEmailAddress=settings["sender"],
                Destination={"ToAddresses": [message.recipient]},
                Content={"Simple": {"Subject": {"Data": texts.subject, "Charset": "UTF-8"}, "Body": body}},
            )


CHANNEL = Email()
