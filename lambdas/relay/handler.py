"""The relay: rings the workflow's callback for each decision, and each first bounce, in the ledger's stream."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from countersign.adapters.task_items import task_of
from countersign.composition import Ports, once
from countersign.domain.rules import Outcome
from countersign.domain.tasks import RingState
from countersign.functions.batches import run_batch
from countersign.functions.telemetry import about, count
from countersign.services.rings import Rings

logger = Logger()


@once
def rings(ports: Ports) -> Rings:
    """Return the use case with its ports."""
    return Rings(ports.ledger, ports.doorbell, ports.clock)


def ring(record: DynamoDBRecord) -> None:
    """Ring for one task. A ring that failed for good is counted, and does not block the others."""
    task = task_of(record.raw_event["dynamodb"]["NewImage"])
    about(task_id=task.task_id)
    result = rings().ring(task.task_id, task.callback_id, failed=task.outcome is Outcome.FAILED)
    count({"delivered": "RingsDelivered", "closed": "RingsClosed", "failed": "RingsFailed"}[result.state])
    log = logger.error if result.state is RingState.FAILED else logger.info
    log("rung", state=result.state, error=result.error)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of stream records; failed ones are reported back for a retry."""
    return run_batch(EventType.DynamoDBStreams, ring, event, context, logger)
