"""Events of providers: each acts once on its task, however early or often it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from countersign.domain import payments
from countersign.domain.answers import SIGNED, Sender
from countersign.domain.clock import Clock
from countersign.domain.errors import LedgerConflictError
from countersign.domain.payments import Effect
from countersign.domain.provider_events import EventRecord, EventStatus, Handling, ParkedEvent, ProviderEvent
from countersign.domain.tasks import Status, Task
from countersign.retries import retried

if TYPE_CHECKING:
    from countersign.ports import EventLedger


@dataclass(frozen=True)
class ProviderEvents:
    """Records events with their effects."""

    ledger: EventLedger
    clock: Clock

    @retried
    def receive(self, event: ProviderEvent, body_digest: str, sender: Sender, *, parks: bool = True) -> Handling:
        """Record an event with its effect, in one transaction.

        Args:
            event: The verified event.
            body_digest: SHA-256 of its body, or of the part that its provider signs, in hex.
            sender: The provider; its actor is the name under which tasks are correlated.
            parks: Whether an event without a task is parked; otherwise it is ignored.

        Returns:
            The handling; for a repeated event DUPLICATE, or CONFLICT if its body differs.

        Raises:
            LedgerUnavailableError: The ledger did not answer; nothing is lost if the event is sent again.
        """
        if event.status is EventStatus.IGNORED:
            return self._ignore(event, sender)
        record, task_id, as_opened = self.ledger.look_up(sender.actor, event.event_id, event.external_id)
        if record is not None:
            return self._again(record, body_digest)
        if not task_id:
            return self._park(event, body_digest, sender) if parks else Handling.IGNORED
        # Nothing changes most payments between their opening and their event. If something has, the write fails.
        if as_opened and event.status not in payments.REVERSALS:
            with suppress(LedgerConflictError):
                return self._recorded(as_opened, event, body_digest, sender)
        task = self._holder(task_id, event, sender)
        if task is None:
            return self._forgotten(event, body_digest, sender, task_id)
        return self._recorded(task, event, body_digest, sender)

    def apply_parked(self, task: Task) -> Task:
        """Apply the events that were parked before the task was opened, and return the task afterwards.

        Refunds and disputes come first, since the other events are then held; after them the oldest. If another task
        has taken over the external id, the events stay parked for that task.
        """
        if task.question.correlation is None:
            return task
        provider, external_id = task.question.correlation.provider, task.question.correlation.external_id
        waiting = self.ledger.parked(provider, external_id)
        # The task was read before this check: a takeover after it changes the task, and the write below fails.
        if waiting and self.ledger.correlated(provider, external_id) != task.task_id:
            return task
        for parked in sorted(waiting, key=lambda each: each.event.status not in payments.REVERSALS):
            sender = Sender(provider, parked.identified_by or SIGNED)
            effect = effect_of(task, parked.event, sender, self.clock)
            task = self.ledger.commit_parked(effect.change, parked, effect.handling)
        return task

    def _holder(self, task_id: str, event: ProviderEvent, sender: Sender) -> Task | None:
        """Return the task that has the claim of an event, or None if it was purged.

        Raises:
            LedgerConflictError: Another task has taken the claim over. A takeover after this check changes the task, so
                that its next write fails.
        """
        task = self.ledger.task(task_id)
        loses_claims = task is None or task.status in (Status.EXPIRED, Status.CANCELLED)
        if loses_claims and self.ledger.correlated(sender.actor, event.external_id) != task_id:
            raise LedgerConflictError(task_id)
        return task

    def _recorded(self, task: Task, event: ProviderEvent, body_digest: str, sender: Sender) -> Handling:
        effect = effect_of(task, event, sender, self.clock)
        if not effect.says_nothing:
            come = EventRecord(sender.actor, event.event_id, body_digest, effect.handling, task.task_id)
            self.ledger.commit_event(effect.change, come)
        return effect.handling

    def _ignore(self, event: ProviderEvent, sender: Sender) -> Handling:
        _, task_id, _ = self.ledger.look_up(sender.actor, event.event_id, event.external_id)
        task = self.ledger.task(task_id) if task_id else None
        change = payments.ignore(task, event, sender, self.clock.now()) if task else None
        if change:
            self.ledger.commit(change)
        return Handling.IGNORED

    def _again(self, record: EventRecord, body_digest: str) -> Handling:
        if record.body_digest == body_digest:
            return Handling.DUPLICATE
        conflict = EventRecord(record.provider, record.event_id, body_digest, Handling.CONFLICT, record.task_id)
        self.ledger.put_aside(conflict, self.clock.now())
        return Handling.CONFLICT

    def _forgotten(self, event: ProviderEvent, body_digest: str, sender: Sender, task_id: str) -> Handling:
        """Hold an event whose task has been purged; its correlation item outlives it briefly."""
        late = EventRecord(sender.actor, event.event_id, body_digest, Handling.HELD, task_id)
        self.ledger.put_aside(late, self.clock.now())
        return Handling.HELD

    def _park(self, event: ProviderEvent, body_digest: str, sender: Sender) -> Handling:
        come = EventRecord(sender.actor, event.event_id, body_digest, Handling.PARKED)
        self.ledger.park(ParkedEvent(sender.actor, event, sender.identified_by), come, self.clock.now())
        return Handling.PARKED


def effect_of(task: Task, event: ProviderEvent, sender: Sender, clock: Clock) -> Effect:
    """Return the effect of an event on its task, with the announcement of a held event to the operators."""
    effect = payments.apply(task, event, sender, clock.now())
    if not (effect.held_because and effect.change.events):
        return effect
    announced = {f"held#{event.event_id}": _held(task, event, effect.held_because)}
    return replace(effect, change=replace(effect.change, outbox=announced))


def _held(task: Task, event: ProviderEvent, reason: str) -> Mapping[str, Any]:
    # Imported here: loading the schemas would slow every cold start of the public function.
    from countersign.contracts import envelope

    return envelope.held(task, event, reason)
