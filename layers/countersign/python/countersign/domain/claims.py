"""The claim to an external id: one task has it. A new task takes it over from one that ended without an answer.

What the provider said of that payment, and nobody has done anything about, goes on to the new task, as events that came
before it: money that was held, and refunds and disputes, which hold it. Whether the money is right, the new task says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from countersign.domain import payments
from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.provider_events import EventStatus, ParkedEvent
from countersign.domain.tasks import Change, Task

MOST_MOVED = 20
"""How many events one transaction moves; what a provider says beyond that of one payment stays where people see it."""

_MOVING = frozenset({EventStatus.PAID, *payments.REVERSALS})


@dataclass(frozen=True)
class TakeOver:
    """How a task that is opened takes the claim of an ended one over.

    Attributes:
        holder: The id of the ended task.
        taken: What the new task's audit gains.
        released: What the ended task's audit gains; fails when anything has happened to it meanwhile. None where TTL
            has removed the task: with it went the end of its chain.
        events: What was said of the payment, the oldest first: parked for the new task.
    """

    holder: str
    taken: AuditEvent
    released: Change | None
    events: tuple[ParkedEvent, ...]


def has_ended(entries: Sequence[AuditEntry]) -> bool:
    """Tell whether a task has ended, by its audit, so that nobody has answered it, and nobody can."""
    return any(entry.event.event in ("expired", "cancelled") for entry in entries)


def take_over(holder: str, ended: Task | None, entries: Sequence[AuditEntry], new: Task) -> TakeOver:
    """Return how a new task takes over the claim of one that has ended.

    Args:
        holder: The id of the task that has it.
        ended: That task, EXPIRED or CANCELLED; None where TTL has removed it.
        entries: Its audit, by which it has ended.
        new: The task that is opened; correlated.
    """
    assert new.opened_at, "a task that is opened has a time of opening"
    assert new.question.correlation, "a task that takes a claim over has one"
    events = tuple(_moving(new.question.correlation.provider, entries))[:MOST_MOVED]
    moved = {"events": [parked.event.event_id for parked in events]}
    taken = AuditEvent("claim_taken", new.workflow, data={"from": holder, **moved})
    released = AuditEvent("claim_released", new.workflow, data={"to": new.task_id, **moved})
    change = Change(ended, None, {}, (released,), new.opened_at) if ended else None
    return TakeOver(holder, taken, change, events)


def taken_by(entries: Sequence[AuditEntry]) -> str:
    """Return the id of the task that has taken a task's claim over, by its audit; empty where none has."""
    return next((str(entry.event.data["to"]) for entry in entries if entry.event.event == "claim_released"), "")


def _moving(provider: str, entries: Sequence[AuditEntry]) -> Iterator[ParkedEvent]:
    """Yield what the provider itself said that nobody has done anything about.

    A worker's token is good for its task alone, and whoever may put events on the bus can call themselves anything.
    """
    dismissed = {entry.event.data["event_id"] for entry in entries if entry.event.event == "dismissed"}
    for event in (entry.event for entry in entries if entry.event.event in ("held", "responded")):
        if event.actor != provider or not Sender(event.actor, event.identified_by).is_provider:
            continue
        said = payments.event_of({name: value for name, value in event.data.items() if name != "reason"})  # the kit's
        if said.status in _MOVING and said.event_id not in dismissed:
            yield ParkedEvent(provider, said, event.identified_by)
