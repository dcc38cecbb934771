"""The `held-payment` workflow: ask the operators about a held event, sleep, carry out their answer."""

from typing import Any

from aws_durable_execution_sdk_python import DurableContext

from countersign.domain.errors import NothingHeldError
from countersign.domain.tasks import task_id_of
from countersign.services.held_payments import HeldPayments
from countersign.workflows.approval import request_approval
from countersign.workflows.runtime import current
from countersign.workflows.steps import LEDGER_STEP
from countersign.workflows.workflow import execution_of, workflow
from held_payment.question import APPROVAL, approval_of, resolution_of, result_of


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `accepted`, `dismissed` or `expired`, with the effect on the payment."""
    task_id, event_id = document["task_id"], document["event_id"]
    held = context.step(lambda _: held_payments().held(task_id, event_id), "read held payment", LEDGER_STEP)
    if held is None:
        raise NothingHeldError(task_id, event_id)
    approval = approval_of(held, current().operators, document["deadline_seconds"])
    decision = request_approval(context, APPROVAL, approval)
    resolution = resolution_of(decision, task_id_of(execution_of(context).request_id, APPROVAL))
    effect = context.step(
        lambda _: held_payments().carry_out(task_id, event_id, resolution), "settle payment", LEDGER_STEP
    )
    return result_of(task_id, event_id, resolution, effect)


def held_payments() -> HeldPayments:
    """Return the use case with its ports."""
    runtime = current()
    return HeldPayments(runtime.ledger, runtime.clock, runtime.workflow)
