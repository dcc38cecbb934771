"""The port of the channels, which carry messages to people."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module

from countersign.channels.messages import Message

KIT = ("email", "slack", "sns")
"""The kit's own channels, each a module of this package."""


class Channel(ABC):
    """Carries messages to people.

    Attributes:
        settings: The names of its settings, all required, in the stage's table `[channels.<name>]`.
        has_secret: Whether it has a secret in Secrets Manager.
        by_user_id: Whether it needs the recipient's user id, which the directory has.
        closes: Whether it can take the link out of a sent message.
    """

    settings: frozenset[str] = frozenset()
    has_secret: bool = False
    by_user_id: bool = False
    closes: bool = False

    @abstractmethod
    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> str | None:
        """Send one message.

        Args:
            message: The message.
            settings: The stage's settings of the channel.
            secrets: Every active secret, the newest first; empty without `has_secret`.

        Returns:
            The reference by which the service finds the message again, without secrets. The audit keeps it. None if
            sent messages cannot be changed.

        Raises:
            MessageRefusedError: The service refused the message. The kit sends it again later, and sends the messages
                to others now. It treats an OSError, such as those of `urllib`, the same way.
        """

    def close(self, reference: str, title: str, text: str, settings: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Replace a sent message whose link opens nothing any more by a text without a link; only with `closes`.

        Args:
            reference: The reference that `send` returned.
            title: The question's title, in the requester's untrusted words.
            text: A sentence about the task's end, in the recipient's language.
            settings: As for `send`.
            secrets: As for `send`.

        Raises:
            MessageRefusedError: The service did not change the message; the kit tries it again later.
        """
        raise NotImplementedError


@cache
def load(name: str) -> Channel:
    """Return the channel of this name, from the kit or `extensions/channels`."""
    channel: Channel = import_module(f"{'countersign' if name in KIT else 'extensions'}.channels.{name}").CHANNEL
    return channel
