"""Sends one message over the stage's channel, or by mail if that channel cannot carry it; takes links out again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from countersign.channels.base import load
from countersign.channels.messages import Message
from countersign.composition import current_ports
from countersign.domain.errors import MessageRefusedError, SecretError, SecretsUnavailableError
from countersign.functions.log import logger
from countersign.presentation import words


def send(message: Message) -> Mapping[str, str]:
    """Send a message, and return what the audit records about it.

    Where the stage has a second channel, mail, a message that the first one refuses goes by mail at once: it
    arrives in time, and the queue's retries and alarm begin only when mail fails too.

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


def close(sent: Mapping[str, Any], title: str, text: str) -> None:
    """Replace a sent message, given the data of its audit entry, by a title and a sentence; see `Channel.close`."""
    name = sent["channel"]
    settings = current_ports().environment.document("CHANNEL_SETTINGS")
    with _failing_as_refused():
        load(name).close(sent["message"], title, text, settings, _secrets(name))


def _carried(name: str, message: Message, settings: Mapping[str, str]) -> dict[str, str]:
    """Send a message over one channel."""
    ports, channel = current_ports(), load(name)
    if channel.by_user_id:
        entry = ports.directory.entries((message.recipient,))[message.recipient]
        message = replace(message, user_id=entry.slack)
    with _failing_as_refused(), words.reading():
        words.turn_to(message.recipient, message.people)
        reference = channel.send(message, settings, _secrets(name))
    return {"channel": name, "message": reference} if reference else {"channel": name}


def _secrets(name: str) -> Sequence[str]:
    return current_ports().secrets.active(name) if load(name).has_secret else ()


@contextmanager
def _failing_as_refused() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MessageRefusedError(type(error).__name__) from error
