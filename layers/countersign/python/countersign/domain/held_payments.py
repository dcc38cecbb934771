"""Held payments: the operators' resolution of an event that needs a person, and its effect."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEntry
from countersign.domain.payments import FINAL, decided_by_event, entry_of, event_of
from countersign.domain.provider_events import ProviderEvent
from countersign.domain.tasks import Change, Task


class Verdict(StrEnum):
    """The result of asking the operators about a held event."""

    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    """No answer came in time."""


@dataclass(frozen=True)
class Resolution:
    """The operators' resolution of a held event.

    Attributes:
        verdict: The result.
        by: The operators whose votes decided; empty if the question expired.
        task_id: The task by which they were asked.
    """

    verdict: Verdict
    by: tuple[str, ...]
    task_id: str


@dataclass(frozen=True)
class Held:
    """An event that is recorded as held.

    Attributes:
        event: The event, without the provider's own words.
        reason: Why a person must decide, such as `amount`.
    """

    event: ProviderEvent
    reason: str


NO_EFFECT = "none"
"""The effect of a resolution that leaves the payment as it is."""

_RESOLVED = {Verdict.ACCEPTED: "settled", Verdict.DISMISSED: "dismissed", Verdict.EXPIRED: "lapsed"}


def held_event(entries: Iterable[AuditEntry], event_id: str) -> Held | None:
    """Return an event that a task's audit has as held, or None. No other event can be resolved."""
    for entry in entries:
        if entry.event.event == "held" and entry.event.data["event_id"] == event_id:
            data = dict(entry.event.data)
            why = data.pop("reason")  # of the kit's; the provider's words are in no audit
            return Held(event_of(data), why)
    return None


def moved_to(entries: Iterable[AuditEntry], event_id: str) -> str:
    """Return the task that took an event over together with the claim to the payment; empty if none did."""
    released = (entry.event.data for entry in entries if entry.event.event == "claim_released")
    return next((str(data["to"]) for data in released if event_id in data["events"]), "")


def acceptable(task: Task, event: ProviderEvent, now: datetime) -> ProviderEvent | None:
    """Return the event that decides the task once a person accepts it; None if it would change nothing.

    A person who accepts confirms the money as it came. An unknown status decides nothing, because it may be a refund, a
    dispute or a reversal. An event that is not final decides nothing either. A decided or closed task stays as it is.
    """
    if not task.takes_answers(now):
        return None
    return event if event.status in FINAL else None


def carry_out(
    task: Task, event: ProviderEvent, resolution: Resolution, workflow: str, now: datetime, moved_to: str = ""
) -> Change:
    """Return the effect of the operators' resolution: it decides an open task, or is only recorded.

    Args:
        task: The payment's task.
        event: The held event.
        resolution: What the operators say.
        workflow: The workflow that asked them; it is the actor if nobody answered.
        now: The current time.
        moved_to: The task that took the event over, if one did: no resolution on it acts any more.
    """
    decisive = acceptable(task, event, now) if resolution.verdict is Verdict.ACCEPTED else None
    effect = decisive.status.value if decisive else f"moved to {moved_to}" if moved_to else NO_EFFECT
    sender = Sender(", ".join(resolution.by), "approval") if resolution.by else Sender(workflow, "kit")
    entry = sender.event(
        _RESOLVED[resolution.verdict], entry_of(event) | {"approval": resolution.task_id, "effect": effect}
    )
    if decisive:
        return decided_by_event(task, decisive, (entry,), sender, now)
    return Change(task, None, {}, (entry,), now)


def effect_on_record(entries: Iterable[AuditEntry], resolution: Resolution) -> str:
    """Return the effect of a resolution that a task's audit already has; empty if it has none."""
    for entry in entries:
        if entry.event.event in _RESOLVED.values() and entry.event.data["approval"] == resolution.task_id:
            return str(entry.event.data["effect"])
    return ""
