"""The port of the channels: what carries a message to one person."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module

from countersign.channels.messages import Message

KIT = ("email", "sns")
"""The kit's own channels, each the module of its name."""


class Channel(ABC):
    """Carries messages to people.

    Attributes:
        settings: The names of the settings that it needs, in the stage's table `[channels.<name>]`.
        has_secret: Whether it has a secret in Secrets Manager.
    """

    settings: frozenset[str] = frozenset()
    has_secret: bool = False

    @abstractmethod
    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Send one message.

        Args:
            message: The message.
            settings: The stage's settings of the channel.
            secrets: Every active secret, the newest first; none without `has_secret`.

        Raises:
            MessageRefusedError: The service did not take it. This message is sent again later, and those to others
                are sent now. An OSError, such as those of `urllib`, counts as the same.
        """


@cache
def load(name: str) -> Channel:
    """Return the channel of a name: the kit's, or that of a fork's module in `extensions/channels`."""
    channel: Channel = import_module(f"{'countersign' if name in KIT else 'extensions'}.channels.{name}").CHANNEL
    return channel
