"""Held events from the bus: starts a request that asks the operators, for each event."""

from typing import Any

from countersign.adapters.directory import EmptyDirectory
from countersign.composition import Ports, once
from countersign.contracts import envelope
from countersign.domain import strict_json
from countersign.functions.batches import Record, run_batch
from countersign.functions.log import logger
from countersign.functions.telemetry import about
from countersign.services.held_payments import WORKFLOW, request_of
from countersign.services.submissions import Startable, Submissions


@once
def submissions(ports: Ports) -> Submissions:
    """Return the use case with its ports. WORKFLOW_ARN is the alias of the workflow that it starts."""
    starter = ports.starter({WORKFLOW: ports.environment.text("WORKFLOW_ARN")})
    deadline = int(ports.environment.text("DEADLINE_SECONDS"))
    return Submissions(ports.ledger, starter, EmptyDirectory(), ports.clock, {WORKFLOW: Startable(deadline, WORKFLOW)})


def ask(record: Record) -> None:
    """Start the request that asks the operators about one held event; a repeated event starts nothing."""
    held = envelope.read(strict_json.read(record["body"].encode()))
    about(task_id=held["task_id"])
    submission = submissions().submit(request_of(held), submitted_by="settlements")
    logger.info(
        "settlement asked for",
        settlement_id=submission.request.request_id,
        reason=held["task"]["reason"],
        started=submission.started,
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: a batch of envelopes; failed ones are reported back for a retry."""
    return run_batch(ask, event)
