"""Claims to external ids: one task has each. A new task takes the claim over from a task that ended unanswered.

Unresolved events of the payment move to the new task as parked events: money that was held, refunds and disputes. The
new task then decides whether the money is right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from countersign.domain import payments
from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.provider_events import EventStatus, ParkedEvent
from countersign.domain.tasks import Change, Task

MOST_MOVED = 20
"""How many events one transaction moves; further ones stay with the old task, where people see them."""

_MOVING = frozenset({EventStatus.PAID, *payments.REVERSALS})


@dataclass(frozen=True)
class TakeOver:
    """How a new task takes over the claim of an ended one.

    Attributes:
        holder: The id of the ended task.
        taken: The entry for the new task's audit.
        released: The entry for the ended task's audit; its write fails if that task has changed. None if TTL has
            removed the task, and with it the end of its chain.
        events: Events of the payment to park for the new task, the oldest first.
    """

    holder: str
    taken: AuditEvent
    released: Change | None
    events: tuple[ParkedEvent, ...]


def has_ended(entries: Sequence[AuditEntry]) -> bool:
    """Tell by a task's audit whether the task has ended unanswered."""
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
    """Return, by a task's audit, the id of the task that took its claim over; empty if none did."""
    return next((str(entry.event.data["to"]) for entry in entries if entry.event.event == "claim_released"), "")


def _moving(provider: str, entries: Sequence[AuditEntry]) -> Iterator[ParkedEvent]:
    """Yield the unresolved events that came from the provider itself.

    Other senders are left out: a worker's token is valid for its own task only, and senders on the bus choose their
    names.
    """
    dismissed = {entry.event.data["event_id"] for entry in entries if entry.event.event == "dismissed"}
    for event in (entry.event for entry in entries if entry.event.event in ("held", "responded")):
        if event.actor != provider or not Sender(event.actor, event.identified_by).is_provider:
            continue
        said = payments.event_of({name: value for name, value in event.data.items() if name != "reason"})  # the kit's
        if said.status in _MOVING and said.event_id not in dismissed:
            yield ParkedEvent(provider, said, event.identified_by)
