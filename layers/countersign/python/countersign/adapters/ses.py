"""The channel `email`: mail through Amazon SES."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from countersign.domain.errors import MessageRefusedError


class SesChannel:
    """Sends mail from one verified address with the SES v2 API."""

    def __init__(self, client: Any, sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, recipient: str, subject: str, text: str, html: str) -> None:
        """See `countersign.ports.Channel.send`."""
        body = {"Text": {"Data": text, "Charset": "UTF-8"}, "Html": {"Data": html, "Charset": "UTF-8"}}
        try:
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [recipient]},
                Content={"Simple": {"Subject": {"Data": subject, "Charset": "UTF-8"}, "Body": body}},
            )
        except ClientError as error:
            raise MessageRefusedError(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise MessageRefusedError(type(error).__name__) from error
