"""The relay: rings the workflow's callback for each decision, requester's withdrawal and first bounce in the stream."""

from typing import Any

from countersign.adapters.task_items import task_of
from countersign.composition import Ports, once
from countersign.domain.rules import Outcome
from countersign.domain.tasks import RingState, Status
from countersign.functions.batches import Record, run_batch
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.services.rings import Rings


@once
def rings(ports: Ports) -> Rings:
    """Return the use case with its ports."""
    return Rings(ports.ledger, ports.doorbell, ports.clock)


def ring(record: Record) -> None:
    """Ring for one task. A ring that failed for good is counted, and does not block the others."""
    task = task_of(record["dynamodb"]["NewImage"])
    about(task_id=task.task_id)
    is_withdrawn = task.status is Status.CANCELLED
    result = rings().ring(
        task.task_id, task.callback_id, failed=task.outcome is Outcome.FAILED, always_record=is_withdrawn
    )
    if result.state is not RingState.DELIVERED:  # the workflow's `TaskApplied` counts the others
        count(f"Rings{result.state.capitalize()}")
    log = logger.error if result.state is RingState.FAILED else logger.info
    log("rung", state=result.state, error=result.error)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: a batch of stream records; failed ones are reported back for a retry."""
    return run_batch(ring, event)
