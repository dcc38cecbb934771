"""The approver: mails each recipient of a handed-off approval a review link of their own."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from approver.channels import DEFAULT_CHANNEL, channel_of
from approver.messages import InboxMail, ReviewMail, inbox_message, review_message
from countersign.composition import Ports, current_ports, once
from countersign.contracts import envelope
from countersign.domain import strict_json
from countersign.domain.tasks import Task
from countersign.functions.batches import run_batch
from countersign.functions.environment import Environment
from countersign.functions.telemetry import about, count
from countersign.services.deliveries import Deliveries, Message

logger = Logger()


@once
def deliveries(ports: Ports) -> Deliveries:
    """Return the use case with its ports; messages go out on CHANNEL, e-mail by default."""
    name = ports.environment.text("CHANNEL", DEFAULT_CHANNEL)
    return Deliveries(ports.ledger, channel_of(ports.environment, name), ports.clock, write, write_inbox, name)


def write(kind: str, task: Task, recipient: str, token: str) -> Message:
    """Write one recipient's mail, with the link that holds their token."""
    return review_message(
        ReviewMail(
            kind=kind,
            question=task.question,
            recipient=recipient,
            expires_at=task.expires_at,
            link=_link("review", token),
            stage=_environment().text("STAGE"),
            instead_of=task.stands_in_for(recipient),
        )
    )


def write_inbox(recipient: str, token: str, until: datetime) -> Message:
    """Write the mail that holds the link to somebody's inbox."""
    return inbox_message(InboxMail(recipient, until, _link("inbox", token), _environment().text("STAGE")))


def _environment() -> Environment:
    return current_ports().environment


def _link(page: str, token: str) -> str:
    return f"{_environment().base_url}/{page}?{urlencode({'t': token})}"


def take(record: SQSRecord) -> None:
    """Deliver the hand-off of one message."""
    handed_off = envelope.read(strict_json.read(record.body.encode()))
    about(task_id=handed_off["task_id"])
    sent = (deliveries().deliver_inbox if handed_off["kind"].endswith(".inbox") else deliveries().deliver)(handed_off)
    count("MailsSent", sent)
    logger.info("delivered", kind=handed_off["kind"], mails=sent)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of hand-offs, of which those that must be tried again are reported back."""
    return run_batch(EventType.SQS, take, event, context, logger)
