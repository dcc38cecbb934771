"""Closings: take the links out of messages whose task is closed, or no longer asks their recipient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from countersign.domain.errors import TransientError
from countersign.domain.tasks import Status, Task
from countersign.presentation import display, words

if TYPE_CHECKING:
    from countersign.ports import LinkLedger

Close = Callable[[Mapping[str, Any], str, str], None]
"""Replaces a message, given the data of its audit entry `sent`, by a title and a sentence."""


@dataclass(frozen=True)
class Closings:
    """Takes links out of messages over one channel.

    Attributes:
        channel: The channel's name in the audit.
    """

    ledger: LinkLedger
    close: Close
    channel: str

    def of_task(self, task_id: str) -> int:
        """Take the links of a task out of all messages if it is closed, and out of those of people it no longer asks.

        A colleague's delegator keeps theirs. Any number of repetitions has the same effect.

        Returns:
            The number of messages.

        Raises:
            TransientError: The ledger or the channel did not answer; close them again.
        """
        task = self.ledger.task(task_id)
        if task is None:
            return 0
        failures: list[TransientError] = []
        moot = list(self._moot(task))
        for sent in moot:
            try:
                self._close(task, sent)
            except TransientError as error:  # one message that Slack does not change must not keep the others
                failures.append(error)
        if failures:
            raise failures[0]
        return len(moot)

    def _moot(self, task: Task) -> Iterator[Mapping[str, Any]]:
        for entry in self.ledger.audit(task.task_id):
            sent = entry.event.data
            was_sent = entry.event.event == "sent" and sent["channel"] == self.channel and "message" in sent
            if was_sent and (task.status is not Status.OPEN or _lost_it(task, sent["recipient"])):
                yield sent

    def _close(self, task: Task, sent: Mapping[str, Any]) -> None:
        with words.reading():
            words.turn_to(sent["recipient"], task.people)
            self.close(sent, display.title(task.question), closing_of(task))


def _lost_it(task: Task, recipient: str) -> bool:
    """Tell whether an open task asks somebody else in a person's place, who did not hand it over themselves."""
    return task.replacement_of(recipient) is not None or not task.concerns(recipient)


def closing_of(task: Task) -> str:
    """Return the sentence in place of a link of a task: how it ended, or that it no longer asks the reader."""
    if task.status is Status.OPEN:
        return words.say("slack.closed.moot")
    if task.outcome is None or task.status is Status.CANCELLED:
        return words.say(f"slack.closed.{task.status.lower()}")
    return words.say(f"slack.closed.{task.outcome}")
