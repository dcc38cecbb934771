"""Ends of durable executions, from Lambda's status change events."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from countersign.composition import Ports, once
from countersign.domain import strict_json
from countersign.functions.batches import run_batch
from countersign.functions.telemetry import about, count
from countersign.services.executions import ENDED, SUCCEEDED, Aftermath, Executions

logger = Logger()


@once
def executions(ports: Ports) -> Executions:
    """Return the use case with its ports."""
    return Executions(ports.ledger, ports.clock)


def follow(record: SQSRecord) -> None:
    """Record the end of an execution from a `Durable Execution Status Change` event."""
    detail = strict_json.read(record.body.encode())["detail"]
    if detail["status"] not in ENDED:
        return
    request_id, execution_arn = detail["durableExecutionName"], detail["durableExecutionArn"]
    about(request_id=request_id, execution_arn=execution_arn)
    left = executions().ended(request_id, detail["status"], execution_arn)
    count("DecisionsNotApplied", len(left.stranded))
    if (detail["status"], left) == (SUCCEEDED, Aftermath()):
        return  # the workflow's own line about its result says it
    log = logger.error if left.stranded else logger.info
    log(
        "execution ended",
        status=detail["status"],
        cancelled_tasks=left.cancelled,
        decisions_not_applied=left.stranded,
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of events; failed ones are reported back for a retry."""
    return run_batch(EventType.SQS, follow, event, context, logger)
