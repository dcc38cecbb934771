"""The approver: sends recipients of a hand-off a review link each, and tells requesters the outcome."""

from typing import Any

from approver.sending import close, send
from countersign.channels.base import load
from countersign.composition import Ports, current_ports, once
from countersign.contracts import envelope
from countersign.domain import strict_json
from countersign.functions.batches import Record, run_batch
from countersign.functions.log import logger
from countersign.functions.telemetry import about
from countersign.presentation import brand, words
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
    """Deliver the hand-off of one message, or act on a lifecycle event."""
    environment = current_ports().environment
    with (
        brand.shown(environment.table("brand")),
        words.reading(environment.text("LANGUAGE", ""), environment.text("TIME_ZONE", "")),
    ):
        _take(strict_json.read(record["body"].encode()))


def _take(document: Any) -> None:
    if isinstance(document, dict) and "task_kind" in document:  # as no envelope has
        _follow(document)
        return
    handed_off = envelope.read(document)
    about(task_id=handed_off["task_id"])
    if handed_off["kind"].endswith(".inbox"):
        # Nothing may fail after it: the link would be sent again.
        logger.info("delivered", kind=handed_off["kind"], mails=deliveries().deliver_inbox(handed_off))
        return
    logger.info("delivered", kind=handed_off["kind"], mails=deliveries().deliver(handed_off))
    # Also now: the task may have ended while its message was on the way.
    _close_links(handed_off["task_id"])


def _follow(event: dict[str, Any]) -> None:
    """Send the messages of an event with `tell`, and remove the links of a task that has ended from its messages."""
    task_id = str(event.get("task_id", ""))
    about(task_id=task_id)
    if event.get("tell"):
        _tell(task_id, str(event.get("kind")))
    _close_links(task_id)


def _tell(task_id: str, kind: str) -> None:
    """Tell the requester the outcome, and after some kinds of events also approvers that their links are moot."""
    # Imported here, as below: most messages are hand-offs.
    from countersign.services.lifecycle_events import MAKE_MOOT
    from countersign.services.moot_links import MootLinks
    from countersign.services.tellings import Tellings

    sent = Tellings(deliveries()).tell(task_id)
    sent += MootLinks(deliveries()).tell(task_id) if kind in MAKE_MOOT else 0
    logger.info("told", mails=sent)


def _close_links(task_id: str) -> None:
    """Take the links that open nothing any more out of a task's messages, if the stage's channel can change those."""
    ports = current_ports()
    name = ports.environment.text("CHANNEL")
    if load(name).closes:
        # Imported here: most stages send mail, which stays as it is.
        from countersign.services.closings import Closings

        logger.info("links taken out", messages=Closings(ports.ledger, close, name).of_task(task_id))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: a batch of hand-offs; failed ones are reported back for a retry."""
    return run_batch(take, event)
