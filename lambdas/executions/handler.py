"""Ends of durable executions, from Lambda's status change events."""

from typing import Any

from countersign.composition import Ports, once
from countersign.domain import strict_json
from countersign.domain.requests import WITHDRAWN
from countersign.functions.batches import Record, run_batch
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.services.executions import ENDED, SUCCEEDED, Aftermath, Executions


@once
def executions(ports: Ports) -> Executions:
    """Return the use case with its ports."""
    return Executions(ports.ledger, ports.executions, ports.clock)


def follow(record: Record) -> None:
    """Record the end of an execution from a `Durable Execution Status Change` event."""
    detail = strict_json.read(record["body"].encode())["detail"]
    if detail["status"] not in ENDED:
        return
    request_id, execution_arn = detail["durableExecutionName"], detail["durableExecutionArn"]
    about(request_id=request_id, execution_arn=execution_arn)
    left = executions().ended(request_id, detail["status"], execution_arn)
    count("DecisionsNotApplied", len(left.stranded))
    count("ExecutionsFailed", detail["status"] == "FAILED" and left.error != WITHDRAWN)
    if (detail["status"], left) == (SUCCEEDED, Aftermath()):
        return  # the workflow's own line about its result says it
    log = logger.error if left.stranded else logger.info
    log(
        "execution ended",
        status=detail["status"],
        code=left.error,
        error=left.raised and left.raised.kind,
        at=left.raised and left.raised.at,
        cancelled_tasks=left.cancelled,
        decisions_not_applied=left.stranded,
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: a batch of events; failed ones are reported back for a retry."""
    return run_batch(follow, event)
