"""The claim to an external id: one task has it. A new task takes it over from one that ended without an answer.

What the provider said of that payment afterwards goes on to the new task, as events that came before it: money that was
held because the old task was closed, and refunds and disputes, which hold it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from countersign.domain import payments
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.provider_events import ProviderEvent
from countersign.domain.tasks import Change, Status, Task

ENDED = frozenset({Status.EXPIRED, Status.CANCELLED})
"""The states of a task that nobody has answered, and nobody can."""

MOST_MOVED = 20
"""How many events one transaction moves; what a provider says beyond that of one payment stays where people see it."""


@dataclass(frozen=True)
class TakeOver:
    """How a task that is opened takes the claim of an ended one over.

    Attributes:
        released: What the ended task's audit gains; fails when anything has happened to it meanwhile.
        events: What was said of the payment since, the oldest first: parked for the new task.
    """

    released: Change
    events: tuple[ProviderEvent, ...]

    @property
    def taken(self) -> AuditEvent:
        """What the new task's audit gains."""
        (released,) = self.released.events
        data = {"from": self.released.before.task_id, "events": released.data["events"]}
        return AuditEvent("claim_taken", released.actor, data=data)


def take_over(ended: Task, entries: Iterable[AuditEntry], new: Task) -> TakeOver:
    """Return how a new task takes over the claim of one that has ended.

    Args:
        ended: The task that has it, EXPIRED or CANCELLED.
        entries: Its audit.
        new: The task that is opened.
    """
    events = tuple(_moving(ended, list(entries)))[:MOST_MOVED]
    data = {"to": new.task_id, "events": [event.event_id for event in events]}
    released = AuditEvent("claim_released", new.workflow, data=data)
    assert new.opened_at, "a task that is opened has a time of opening"
    return TakeOver(Change(ended, None, {}, (released,), new.opened_at), events)


def _moving(ended: Task, entries: list[AuditEntry]) -> Iterator[ProviderEvent]:
    """Yield what the provider said that nobody has done anything about; a worker's token is good for its task alone."""
    dismissed = {entry.event.data["event_id"] for entry in entries if entry.event.event == "dismissed"}
    provider = ended.correlation and ended.correlation.provider
    for event in (entry.event for entry in entries if entry.event.actor == provider):
        held = event.event == "held" and event.data["reason"] == "closed" and event.data["event_id"] not in dismissed
        if held or (event.event == "responded" and event.data["status"] in payments.REVERSALS):
            said = {name: value for name, value in event.data.items() if name != "reason"}  # it is the kit's
            yield payments.event_of(said)
