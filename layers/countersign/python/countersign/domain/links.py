"""Links: what a token opens, for whom and until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_WAITING = 200
"""How many tasks an inbox lists."""


class Purpose(StrEnum):
    """What a token is for; it opens nothing else."""

    REVIEW = "review"
    INBOX = "inbox"
    CALLBACK = "callback"


@dataclass(frozen=True)
class Link:
    """What a token opens: the review of a task, somebody's inbox, or the callback of a machine's task.

    Attributes:
        fingerprint: SHA-256 of its token, in hex.
        task_id: The task that it shows; empty for an inbox, which shows every task that waits for its recipient.
        recipient: Whose link it is, normalised; an answer through it is theirs. Empty for a machine's.
        purpose: What it is for.
        expires_at: Until when an inbox can be opened; a review can for as long as its task is there.
        minted_for: The task whose audit has the entry `minted` of an inbox link; empty for the other links.
    """

    fingerprint: str
    task_id: str
    recipient: str
    purpose: Purpose = Purpose.REVIEW
    expires_at: datetime | None = None
    minted_for: str = ""
