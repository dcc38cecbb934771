"""Test a workflow or a provider without AWS.

    from countersign.testing import Decision, running
    from extensions.workflows.refund.handler import handler

    def test_a_refund_is_paid_once_it_is_approved() -> None:
        with running(handler, "refund") as bench:
            document = {"order_id": "1001", "reason": "broken", "requester": "rita@example.com"}
            bench.start({**document, "deadline_seconds": 60})
            bench.answer(Decision.APPROVE, "finance@example.com")
            bench.relay()
            assert bench.result() == {"status": "refunded"}

`running` runs a workflow on AWS's local runner of durable functions, with the ledger in memory. `Bench` answers like
people and workers, and `Bench.replay` checks that a replay repeats no side effect. The `any_…` functions build valid
data; the `Memory…` classes are the ports in memory; the `sign_…` functions sign a webhook like its provider.

The kit's own tests use this module. It is not deployed.
"""

from countersign.domain.people import Entry
from countersign.domain.rules import Decision
from countersign.testing.bench import SHORT_SECONDS, Bench, running
from countersign.testing.builders import (
    NOW,
    any_click,
    any_decided_task,
    any_event,
    any_message,
    any_payment_task,
    any_question,
    any_rule,
    any_task,
    http_event,
)
from countersign.testing.deliveries import Delivery, told
from countersign.testing.fakes import (
    FixedClock,
    MemoryCipher,
    MemoryDirectory,
    MemoryHandOff,
    MemoryLedger,
)
from countersign.testing.signing import (
    sign_adyen,
    sign_github,
    sign_shopify,
    sign_slack,
    sign_square,
    sign_standard_webhooks,
    sign_stripe,
)

__all__ = [
    "NOW",
    "SHORT_SECONDS",
    "Bench",
    "Decision",
    "Delivery",
    "Entry",
    "FixedClock",
    "MemoryCipher",
    "MemoryDirectory",
    "MemoryHandOff",
    "MemoryLedger",
    "any_click",
    "any_decided_task",
    "any_event",
    "any_message",
    "any_payment_task",
    "any_question",
    "any_rule",
    "any_task",
    "http_event",
    "running",
    "sign_adyen",
    "sign_github",
    "sign_shopify",
    "sign_slack",
    "sign_square",
    "sign_standard_webhooks",
    "sign_stripe",
    "told",
]
