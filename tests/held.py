"""An open payment, and events about it that are held."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.domain.questions import Correlation
from countersign.domain.strict_json import canonical
from countersign.domain.tasks import Task
from countersign.testing.builders import NOW, any_payment_task

PROVIDER = Sender("stripe", "webhook signature")
PAYMENT_REQUEST = "order-7"
PAYMENT = f"{PAYMENT_REQUEST}.payment"
EVENT = "evt_1"
APPROVAL = "held-1.approval"
OPERATOR = "finance@example.com"
OPENED = AuditEvent("opened", "payment")


def any_payment(**changes: Any) -> Task:
    """Return an open task for a payment of 250.00 EUR that expires an hour after NOW."""
    fields: dict[str, Any] = {
        "task_id": PAYMENT,
        "request_id": PAYMENT_REQUEST,
        "payload": canonical({"order_id": "7", "amount": "250.00"}).decode(),
        "correlation": Correlation("stripe", "pi_1", Decimal("250.00"), "EUR"),
    }
    return any_payment_task(**fields | changes)


def any_event(**changes: Any) -> ProviderEvent:
    """Return an event that 25.00 EUR were paid."""
    fields: dict[str, Any] = {
        "event_id": EVENT,
        "external_id": "pi_1",
        "status": EventStatus.PAID,
        "amount": "25.00",
        "currency": "EUR",
        "occurred_at": NOW,
        "reason": "the provider's own words",
    }
    return ProviderEvent(**fields | changes)


def any_held(**changes: Any) -> Mapping[str, Any]:
    """Return the report of `any_event` as a held event."""
    report = {
        "provider": "stripe",
        "external_id": "pi_1",
        "request_id": PAYMENT_REQUEST,
        "order_id": "7",
        "expected": {"amount": "250.00", "currency": "EUR"},
        "received": {"status": "paid", "amount": "25.00", "currency": "EUR"},
        "reason": "amount",
        "standing": "pending",
        "expires_at": "2026-03-01T10:00:00.000000Z",
        "becomes": "paid",
    }
    return report | changes
