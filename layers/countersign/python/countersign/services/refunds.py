"""Refunds on the ledger: find the payment, reserve its money, and free it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from countersign.domain import payments, refunds
from countersign.domain.answers import Sender
from countersign.domain.clock import Clock, to_text
from countersign.domain.errors import UnknownTaskError
from countersign.domain.refunds import Refusal, State
from countersign.domain.tasks import Task, task_id_of
from countersign.retries import retried

if TYPE_CHECKING:
    from countersign.ports import Ledger

HAND_OFF = "refund"
"""The name of the wait in which the workflow asks the worker. Once its task was opened, money may have moved."""


@dataclass(frozen=True)
class Refunds:
    """Reads payments, and reserves and frees their money. Each method is the body of one durable step.

    Attributes:
        actor: Who reserves and frees, for the audit.
    """

    ledger: Ledger
    clock: Clock
    actor: str

    def payment(self, paid_by: str, amount: Decimal, currency: str) -> dict[str, Any]:
        """Return the facts of a request's payment of which an amount can be refunded, as plain values.

        Args:
            paid_by: The id of the request that was paid.
            amount: The amount, in units of the currency.
            currency: ISO 4217 code.

        Returns:
            `refused` with a `Refusal` if no payment of the request has that much left.
        """
        why: Refusal | None = Refusal.NOT_PAID
        for task in self.ledger.with_tasks(paid_by)[1]:
            if task.question.correlation is None:
                continue
            why = refunds.refusal(task, amount, currency)
            if why is None:
                return _facts(task)
        return {"refused": why}

    @retried
    def reserve(self, task_id: str, refund: str, amount: Decimal, currency: str, until: datetime) -> dict[str, Any]:
        """Reserve an amount of a payment for a refund's request; a repetition changes nothing.

        Returns:
            `refused` with a `Refusal`, or None.

        Raises:
            UnknownTaskError: The payment's task is gone from the ledger.
        """
        # Read the task first: if its audit grows after this read, the write fails.
        task = self._present(task_id)
        if refunds.state(task, self.ledger.audit(task_id), refund):
            return {"refused": None}
        why = refunds.refusal(task, amount, currency)
        if why is None:
            self.ledger.commit(refunds.reserve(task, refund, amount, until, self.actor, self.clock.now()))
        return {"refused": why}

    @retried
    def free(self, task_id: str, refund: str, because: str) -> dict[str, Any]:
        """Free what is reserved for a refund's request, and return as `look` does; raises as `reserve` does."""
        task = self._present(task_id)
        entries, sender = self.ledger.audit(task_id), Sender(self.actor, "kit")
        change = refunds.free(task, entries, refund, sender, because, self.clock.now())
        if change:
            self.ledger.commit(change)
        return self.look(task_id, refund)

    def free_unmoved(self, task_id: str, refund: str) -> dict[str, Any]:
        """Free what is reserved if no money can have moved, and return as `look` does; raises as `reserve` does."""
        if self.may_have_moved(refund):
            return self.look(task_id, refund)
        return self.free(task_id, refund, "its request ended before the hand-off")

    def look(self, task_id: str, refund: str) -> dict[str, Any]:
        """Return the `State` of a refund's money, and the time; raises as `reserve` does."""
        task = self._present(task_id)
        # The audit is read only once something has happened.
        entries = () if refund in task.reserved else self.ledger.audit(task_id)
        found = refunds.state(task, entries, refund) or State.FREED
        return {"state": found, "at": to_text(self.clock.now())}

    def may_have_moved(self, refund: str) -> bool:
        """Tell whether money may have moved for a refund's request: whether its hand-off was begun."""
        asked = self.ledger.task(task_id_of(refund, HAND_OFF))
        return asked is not None and asked.opened_at is not None

    def _present(self, task_id: str) -> Task:
        task = self.ledger.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        return task


def _facts(task: Task) -> dict[str, Any]:
    paid, currency = payments.money_of(task)
    assert task.question.correlation, "only payments are refunded"
    external_id = task.question.correlation.external_id
    return {
        "refused": None,
        "task_id": task.task_id,
        "provider": task.question.correlation.provider,
        "external_id": external_id,
        "payment_id": task.payment_id or external_id,
        "paid": f"{paid:f}",
        "refunded": f"{payments.refunded(task):f}",
        "reserved": f"{refunds.reserved(task):f}",
        "currency": currency,
        "disputed": payments.disputed(task),
    }
