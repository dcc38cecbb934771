"""Events of EventBridge: answers of machines on the kit's bus, events of partners on their own, reports of SES."""

from typing import Any

from bus_events.reasons import REASONS, reason_of
from countersign.composition import Ports, current_ports, once
from countersign.domain.errors import PlainAnswerError
from countersign.domain.provider_events import Handling
from countersign.functions.batches import Record, run_batch
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.services.answers import Results
from countersign.services.bus_events import BusEvents, Partner, Received
from countersign.services.mail_reports import MailReports
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source

MAILS = {
    "bounced": "MailsDelayed",
    "delayed": "MailsDelayed",
    "complained": "MailsComplained",
    "mail_rejected": "MailsBounced",
}
"""The metrics of reports about mails. A temporary bounce counts as a delay: the address is valid."""


@once
def bus_events(ports: Ports) -> BusEvents:
    """Return the use case with its ports. PARTNERS has, by event source, each partner's `name` and `Source`."""
    results, mails = Results(ports.ledger, ports.heartbeats, ports.clock), MailReports(ports.ledger, ports.clock)
    partners = ports.environment.document("PARTNERS", "{}").items()
    known = {source: Partner(each["name"], Source.of(each)) for source, each in partners}
    return BusEvents(results, ProviderEvents(ports.ledger, ports.clock), mails, known)


def take(record: Record) -> None:
    """Record one event; one that can never be recorded goes to the dead letters at once, with the reason."""
    try:
        received = bus_events().receive(record["body"].encode())
    except tuple(REASONS) as error:
        reason, detail = reason_of(error)
        if not isinstance(error, PlainAnswerError):  # the plain text of an encrypted answer must not be stored
            current_ports().dead_letters.put(record["body"], reason, detail)
        logger.warning("result refused", reason=reason, message_id=record["messageId"])
        return
    about(task_id=received.task_id)
    for name in metrics_of(received):
        count(name)
    logger.info(
        "result received",
        partner=received.partner,
        handlings=[handling.value for handling in received.handlings],
        mail=received.mail and received.mail.event,
    )


def metrics_of(received: Received) -> list[str]:
    """Return the metrics of an event: the effect of a new report about a mail, or else how each part was handled."""
    if received.mail is None:
        return [f"Results{handling.title()}" for handling in received.handlings or (Handling.IGNORED,)]
    if received.mail.is_hard:
        return ["MailsBounced"]
    return [MAILS[received.mail.event]]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: a batch of events; failed ones are reported back for a retry."""
    return run_batch(take, event)
