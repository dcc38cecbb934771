"""Moot links: tell people whose links stopped working before a decision, each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from countersign.channels.messages import MOOT, Message
from countersign.domain.audit import AuditEntry
from countersign.domain.clock import to_text
from countersign.domain.moot import Moot, moot_for, perhaps_told
from countersign.domain.tasks import Task
from countersign.services.deliveries import Deliveries, to_each


@dataclass(frozen=True)
class MootLinks:
    """Tells people over the channel of the deliveries."""

    deliveries: Deliveries

    def tell(self, task_id: str) -> int:
        """Tell the people whose links to a task are moot, if a link was minted for them and they were not told yet.

        Every principal that may put events on the bus can ask for this. So only the ledger says what is told, and to
        whom. Only a crash between sending and recording makes a second message.

        Returns:
            The number of messages sent.

        Raises:
            TransientError: The ledger or the channel did not answer; tell the same again.
        """
        task = self.deliveries.ledger.task(task_id)
        people = [person for person in perhaps_told(task) if moot_for(task, person)] if task else []
        return to_each(people, lambda person: self._tell_once(task_id, person))

    def _tell_once(self, task_id: str, recipient: str) -> bool:
        task = self.deliveries.ledger.task(task_id)
        moot = moot_for(task, recipient) if task else None
        if task is None or moot is None:
            return False
        told = {"recipient": recipient, "why": moot.why, "since": to_text(moot.since)}
        if not _is_news(self.deliveries.ledger.audit(task_id), told):
            return False
        carried = self.deliveries.send(self._message(task, recipient, moot))
        self.deliveries.record(task, "told_moot", {**told, **carried})
        return True

    def _message(self, task: Task, recipient: str, moot: Moot) -> Message:
        return Message(
            kind=MOOT,
            recipient=recipient,
            link="",
            deadline=task.expires_at,
            stage=self.deliveries.stage,
            question=task.question,
            people=task.people,
            task_id=task.task_id,
            moot=moot.why,
            by=(moot.person,) if moot.person else (),
            comment=moot.because,
        )


def _is_news(entries: Iterable[AuditEntry], told: Mapping[str, str]) -> bool:
    """Tell whether a person has got a link to a task and was not told yet that it is moot."""
    events = [entry.event for entry in entries if entry.event.data.get("recipient") == told["recipient"]]
    has_link = any(event.event == "minted" and "attempt" in event.data for event in events)
    return has_link and not any(event.event == "told_moot" and told.items() <= event.data.items() for event in events)
