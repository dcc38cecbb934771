"""Sends one message over the stage's channel, or by mail if that channel cannot carry it."""

from collections.abc import Mapping

from countersign.channels.base import load
from countersign.channels.messages import Message
from countersign.composition import current_ports
from countersign.domain.errors import MessageRefusedError, SecretError, SecretsUnavailableError
from countersign.functions.log import logger


def send(message: Message) -> Mapping[str, str]:
    """Send a message, and return what the audit records about it.

    Where the stage has a second channel, mail, a message that the first one refuses goes by mail at once: people hear
    in time, and the queue's retries and alarm begin only when mail fails too.

    Returns:
        `channel`, the name of the channel that carried it; `message`, the service's reference, if it gave one; and
        `instead_of` with `because`, if another channel refused it.

    Raises:
        MessageRefusedError: No channel accepted it.
    """
    environment = current_ports().environment
    name, mail = environment.text("CHANNEL"), environment.document("MAIL_SETTINGS", "{}")
    try:
        return _carried(name, message, environment.document("CHANNEL_SETTINGS"))
    except (MessageRefusedError, SecretError, SecretsUnavailableError) as error:
        if not mail:
            raise
        reason = str(error) if isinstance(error, MessageRefusedError) else "no_secret"
        logger.warning("sent by mail instead", channel=name, reason=reason)
        return {**_carried("email", message, mail), "instead_of": name, "because": reason}


def _carried(name: str, message: Message, settings: Mapping[str, str]) -> dict[str, str]:
    """Send a message over one channel."""
    ports, channel = current_ports(), load(name)
    try:
        reference = channel.send(message, settings, ports.secrets.active(name) if channel.has_secret else ())
    except OSError as error:
        raise MessageRefusedError(type(error).__name__) from error
    return {"channel": name, "message": reference} if reference else {"channel": name}
