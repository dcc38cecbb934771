"""Held events from the bus: starts a request that asks the operators, for each event."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from countersign.adapters.directory import EmptyDirectory
from countersign.composition import Ports, once
from countersign.contracts import envelope
from countersign.domain import strict_json
from countersign.functions.batches import run_batch
from countersign.functions.telemetry import about
from countersign.services.held_payments import WORKFLOW, request_of
from countersign.services.submissions import Startable, Submissions

logger = Logger()


@once
def submissions(ports: Ports) -> Submissions:
    """Return the use case with its ports. WORKFLOW_ARN is the alias of the workflow that it starts."""
    starter = ports.starter({WORKFLOW: ports.environment.text("WORKFLOW_ARN")})
    deadline = int(ports.environment.text("DEADLINE_SECONDS"))
    return Submissions(ports.ledger, starter, EmptyDirectory(), ports.clock, {WORKFLOW: Startable(deadline, WORKFLOW)})


def ask(record: SQSRecord) -> None:
    """Start the request that asks the operators about one held event; a repeated event starts nothing."""
    held = envelope.read(strict_json.read(record.body.encode()))
    about(task_id=held["task_id"])
    submission = submissions().submit(request_of(held), submitted_by="settlements")
    logger.info(
        "settlement asked for",
        settlement_id=submission.request.request_id,
        reason=held["task"]["reason"],
        started=submission.started,
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of envelopes; failed ones are reported back for a retry."""
    return run_batch(EventType.SQS, ask, event, context, logger)
