"""The approver: sends recipients of a hand-off a review link each, and tells requesters the outcome."""

from typing import Any

from approver.sending import send
from countersign.composition import Ports, current_ports, once
from countersign.contracts import envelope
from countersign.domain import strict_json
from countersign.functions.batches import Record, run_batch
from countersign.functions.log import logger
from countersign.functions.telemetry import about
from countersign.presentation import brand
from countersign.services.deliveries import Deliveries

PRODUCTION = "prod"
"""The stage whose name messages do not show."""


@once
def deliveries(ports: Ports) -> Deliveries:
    """Return the use case with its ports."""
    environment = ports.environment
    stage = environment.text("STAGE")
    shown = "" if stage == PRODUCTION else stage
    return Deliveries(ports.ledger, send, ports.clock, environment.base_url, shown)


def take(record: Record) -> None:
    """Deliver the hand-off of one message, or tell a requester of a lifecycle event."""
    document = strict_json.read(record["body"].encode())
    if isinstance(document, dict) and document.get("tell_requester"):
        _tell(str(document.get("task_id", "")))
        return
    handed_off = envelope.read(document)
    about(task_id=handed_off["task_id"])
    deliver = deliveries().deliver_inbox if handed_off["kind"].endswith(".inbox") else deliveries().deliver
    with brand.shown(current_ports().environment.table("brand")):
        sent = deliver(handed_off)
    logger.info("delivered", kind=handed_off["kind"], mails=sent)


def _tell(task_id: str) -> None:
    # Imported here: most messages are hand-offs.
    from countersign.services.tellings import Tellings

    about(task_id=task_id)
    with brand.shown(current_ports().environment.table("brand")):
        sent = Tellings(deliveries()).tell(task_id)
    logger.info("told", mails=sent)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: a batch of hand-offs; failed ones are reported back for a retry."""
    return run_batch(take, event)
