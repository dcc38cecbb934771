"""Events of EventBridge: answers of machines on the kit's bus, and events of partners on their own."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from bus_events.reasons import REASONS, reason_of
from countersign.composition import Ports, current_ports, once
from countersign.domain.errors import PlainAnswerError
from countersign.domain.provider_events import Handling
from countersign.functions.batches import run_batch
from countersign.functions.telemetry import about, count
from countersign.services.answers import Results
from countersign.services.bus_events import BusEvents, Partner
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source

logger = Logger()


@once
def bus_events(ports: Ports) -> BusEvents:
    """Return the use case with its ports. PARTNERS has, by event source, each partner's `name` and `Source`."""
    results = Results(ports.ledger, ports.heartbeats, ports.clock)
    partners = ports.environment.document("PARTNERS", "{}").items()
    known = {source: Partner(each["name"], Source.of(each)) for source, each in partners}
    return BusEvents(results, ProviderEvents(ports.ledger, ports.clock), known)


def take(record: SQSRecord) -> None:
    """Record one event; one that can never be recorded goes to the dead letters at once, with the reason."""
    try:
        received = bus_events().receive(record.body.encode())
    except tuple(REASONS) as error:
        reason, detail = reason_of(error)
        if not isinstance(error, PlainAnswerError):  # the plain text of an encrypted answer must not be stored
            current_ports().dead_letters.put(record.body, reason, detail)
        count("ResultsRefused")
        logger.warning("result refused", reason=reason, message_id=record.message_id)
        return
    about(task_id=received.task_id)
    for handling in received.handlings or (Handling.IGNORED,):
        count(f"Results{handling.title()}")
    logger.info(
        "result received",
        partner=received.partner,
        handlings=[handling.value for handling in received.handlings],
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of events; failed ones are reported back for a retry."""
    return run_batch(EventType.SQS, take, event, context, logger)
