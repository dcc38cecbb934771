"""Notices: unsigned webhooks, each of which only names a payment. The kit asks the provider, if a task waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from countersign.domain.clock import Clock

if TYPE_CHECKING:
    from countersign.ports import EventLedger, PaymentLooks

PAUSE = timedelta(seconds=30)
"""How long after a notice further ones about the same payment cause no look: anybody can post them."""


def take(ledger: EventLedger, looks: PaymentLooks, clock: Clock, provider: str, external_id: str) -> bool:
    """Start a look if a task waits for the payment, and no notice started one just now; return whether it did.

    Args:
        ledger: The ledger.
        looks: The function that asks providers.
        clock: The time.
        provider: The provider's name in the settings.
        external_id: An external id that the provider's API can know.

    Raises:
        TransientError: The ledger or Lambda did not answer; the provider posts again.
    """
    task_id, now = ledger.correlated(provider, external_id), clock.now()
    task = ledger.task(task_id) if task_id else None
    if task is None or not task.takes_answers(now) or not ledger.look_once(provider, external_id, now, PAUSE):
        return False
    looks.start(provider, external_id)
    return True
