"""Resolving held payments: ask the operators about an event that needs a person, and carry out their answer.

A request names only the payment's task and the event. The event itself is read from the ledger, so a caller can neither
invent nor change it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from countersign.domain import held_payments, payments
from countersign.domain.clock import Clock, to_text
from countersign.domain.errors import UnknownTaskError
from countersign.domain.held_payments import Held, Resolution
from countersign.domain.questions import Correlation
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Task
from countersign.retries import retried
from countersign.services.starts import OWN_IDS

if TYPE_CHECKING:
    from countersign.ports import TaskLedger

WORKFLOW = "held-payment"
"""The workflow that asks the operators."""


def request_of(handed_off: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that asks the operators about a held event; a repeated event gives the same request.

    The request id is made from the task and the event, since equal answers of workers share one event id.

    Args:
        handed_off: The envelope that announced the event.
    """
    asked = {"task_id": handed_off["task_id"], "event_id": handed_off["task"]["event_id"]}
    return {"workflow": WORKFLOW, "request_id": f"{OWN_IDS}{digest(asked)[:40]}", "input": asked}


@dataclass(frozen=True)
class HeldPayments:
    """Reads held events, and carries out their resolutions. Each method is the body of one durable step.

    Attributes:
        workflow: The name of the workflow that asks the operators.
    """

    ledger: TaskLedger
    clock: Clock
    workflow: str

    def held(self, task_id: str, event_id: str) -> dict[str, Any] | None:
        """Return the facts of a held event for the operators, as plain values; None if no such event is held."""
        task = self.ledger.task(task_id)
        entries = self.ledger.audit(task_id)
        held = held_payments.held_event(entries, event_id)
        if task is None or task.question.correlation is None or held is None:
            return None
        moved_to = held_payments.moved_to(entries, event_id)
        return _report(task, task.question.correlation, held, self.clock) | ({"moved_to": moved_to} if moved_to else {})

    @retried
    def carry_out(self, task_id: str, event_id: str, resolution: Resolution) -> str:
        """Carry out the operators' resolution once, and return its effect on the payment.

        It is `none` if the payment stays as it is, and `moved to TASK` if another task has taken the event over.

        Raises:
            UnknownTaskError: The task or its held event is gone from the ledger.
            LedgerUnavailableError: The ledger did not answer; the same resolution may be given again.
        """
        # Read the task first: if its audit grows after this read, the write fails and the step reads again.
        task = self.ledger.task(task_id)
        entries = self.ledger.audit(task_id)
        held = held_payments.held_event(entries, event_id)
        if task is None or held is None:
            raise UnknownTaskError(task_id)
        if on_record := held_payments.effect_on_record(entries, resolution):
            return on_record
        moved_to = held_payments.moved_to(entries, event_id)
        change = held_payments.carry_out(task, held.event, resolution, self.workflow, self.clock.now(), moved_to)
        self.ledger.commit(change)
        return str(change.events[0].data["effect"])


def _report(task: Task, correlation: Correlation, held: Held, clock: Clock) -> dict[str, Any]:
    event, now = held.event, clock.now()
    decisive = held_payments.acceptable(task, event, now)
    amount = correlation.amount
    return {
        "provider": correlation.provider,
        "external_id": correlation.external_id,
        "request_id": task.request_id,
        "order_id": json.loads(task.question.payload or "{}").get("order_id"),
        "expected": {"amount": None if amount is None else f"{amount:f}", "currency": correlation.currency},
        "received": {"status": event.status.value, "amount": event.amount, "currency": event.currency},
        "reason": held.reason,
        "standing": payments.standing(task, now),
        "expires_at": to_text(task.expires_at),
        "becomes": decisive and decisive.status.value,
        **payments.reversals(task),
    }
