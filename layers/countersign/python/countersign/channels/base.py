"""The port of the channels: a message to one person, as data, and what carries it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module

from countersign.domain.questions import Shown

INBOX = "approval.inbox"
"""The kind of the message with the link to somebody's inbox."""

KIT = ("email", "sns")
"""The kit's own channels, each the module of its name."""


NOTHING = Shown("", (), "")
"""What the link to an inbox asks."""


@dataclass(frozen=True)
class Texts:
    """A message in words, with what requesters wrote cut to size and kept from turning into links.

    Attributes:
        subject: One line of at most 150 characters.
        body: The whole message as plain text, with its link.
    """

    subject: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message to one person, as data. What requesters wrote (the question) is untrusted.

    Attributes:
        kind: Why it is sent: `approval.requested` (the first time), `approval.reminder` (again), `approval.escalated`
            (passed on from others) or `approval.inbox` (the link to the person's inbox, without a title and rows).
        recipient: The person's e-mail address, normalised.
        link: The person's own link, an absolute URL: it must reach nobody else.
        deadline: When the task closes by itself, or the link to the inbox ends, in UTC.
        stage: The deployment stage; empty for production.
        question: What is asked, as the page shows it. Name the documents that it links to, and leave their links to
            the page.
        instead_of: In whose place the person is asked; empty in nobody's.
    """

    kind: str
    recipient: str
    link: str
    deadline: datetime
    stage: str = ""
    question: Shown = NOTHING
    instead_of: str = ""

    @property
    def title(self) -> str:
        """What is asked, in a line."""
        return self.question.title

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The details as label and value, the amount among them."""
        return self.question.details

    @property
    def texts(self) -> Texts:
        """The message in the kit's words."""
        from countersign.channels import mail

        return mail.texts(self)


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
