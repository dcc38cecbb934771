"""Batches: one decision for several tasks of an inbox. Each is recorded by itself, or refused by itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from countersign.domain.errors import (
    CrossSiteError,
    InboxExpiredError,
    TooManyRequestsError,
    TransientError,
    UnknownLinkError,
)
from countersign.domain.links import Purpose
from countersign.domain.rules import Decision
from countersign.domain.tasks import Task
from countersign.services.links import link_of
from countersign.services.reviews import FOREIGN_SITES, Click, Review, Reviews

MOST_ITEMS = 20
"""How many tasks one batch decides."""


@dataclass(frozen=True)
class Item:
    """The result of one task of a batch.

    Attributes:
        task_id: The task, as the form names it.
        review: The task after the vote, or the reason why it was refused; None if nothing is known about it.
        error: Why the task was not even read, or the ledger did not answer; None otherwise.
    """

    task_id: str
    review: Review | None = None
    error: InboxExpiredError | TooManyRequestsError | TransientError | UnknownLinkError | None = None


@dataclass(frozen=True)
class Batches:
    """Records one decision for several tasks."""

    reviews: Reviews

    def decide(
        self, click: Click, ticked: Sequence[tuple[str, str]], admit: Callable[[], None]
    ) -> tuple[str, list[Item]]:
        """Record the same vote, without a comment, on each ticked task.

        Args:
            click: The posted form, by an inbox link.
            ticked: The id of each task, and the digest of the details that the list showed; at most `MOST_ITEMS`.
            admit: Counts one more request; raises TooManyRequestsError above the limit.

        Returns:
            The owner of the inbox, and the result of each task, in the order of the form.

        Raises:
            CrossSiteError: Another site's page posted the form.
            UnknownLinkError: No inbox has this token.
            InboxExpiredError: The link is too old.
            LedgerUnavailableError: The ledger did not answer; nothing was recorded.
        """
        if click.fetch_site in FOREIGN_SITES:
            raise CrossSiteError
        link = link_of(self.reviews.ledger, click.token, self.reviews.clock.now())
        if link.purpose is not Purpose.INBOX:  # the link of one review, which may have been forwarded
            raise UnknownLinkError
        return link.recipient, list(self._items(click, ticked, admit))

    def _items(self, click: Click, ticked: Sequence[tuple[str, str]], admit: Callable[[], None]) -> Iterator[Item]:
        for number, (task_id, shown) in enumerate(ticked):
            try:
                if number:  # the request itself counts for the first task
                    admit()
                single = replace(click, task_id=task_id, shown=shown, comment="", confirmed=False)
                yield Item(task_id, self.reviews.decide(single))
            except (InboxExpiredError, TooManyRequestsError, TransientError, UnknownLinkError) as error:
                yield Item(task_id, error=error)


def may_tick(task: Task) -> bool:
    """Tell whether a task can be decided in a batch: it asks for a decision, and for nothing else first."""
    question = task.question
    return not (question.confirm or question.comment or question.acknowledge or task.returned)


def is_decision(word: str) -> bool:
    """Tell whether a word decides a batch."""
    return word in set(Decision)
