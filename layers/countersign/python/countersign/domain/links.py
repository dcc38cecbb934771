"""Links: the purpose, the owner and the lifetime of a token."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

MOST_WAITING = 200
"""How many tasks an inbox lists."""

MOST_NEXT = 20
"""How many of the tasks that wait next are looked up after a vote."""


class Purpose(StrEnum):
    """The purpose of a token; it opens nothing else."""

    REVIEW = "review"
    INBOX = "inbox"
    REQUESTER = "requester"
    CALLBACK = "callback"


class Link(NamedTuple):
    """A link to the review of a task, to an inbox, to the status of a request, or to the callback of a machine's task.

    Attributes:
        fingerprint: SHA-256 of its token, in hex.
        task_id: The task; empty for an inbox, which shows every task that waits for its recipient.
        recipient: The owner's address, normalised; what the link does is theirs. For a callback, its channel.
        purpose: The purpose.
        expires_at: End of an inbox link; None for the others, which last as long as their task.
        minted_for: The task whose audit has the entry `minted` of an inbox link; empty for the other links.
    """

    fingerprint: str
    task_id: str
    recipient: str
    purpose: Purpose = Purpose.REVIEW
    expires_at: datetime | None = None
    minted_for: str = ""
