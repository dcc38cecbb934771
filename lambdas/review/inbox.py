"""The list of all tasks that wait for somebody, and asking for it: decode, one call, encode."""

import os
from functools import cache

from aws_lambda_powertools import Logger

from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.domain.clock import SystemClock
from countersign.functions.clients import client
from countersign.functions.environment import required
from countersign.functions.http import Event
from countersign.functions.telemetry import count
from countersign.services.inboxes import Inboxes
from review import views
from review.form import inbox_request_of
from review.views import PageResponse

logger = Logger()
clock = SystemClock()


@cache
def inboxes() -> Inboxes:
    """Return the use case with its ports on AWS, made once."""
    return Inboxes(DynamoLedger(client("dynamodb"), required(os.environ, "LEDGER_TABLE")), clock)


def show(event: Event) -> PageResponse:
    """Show what waits for the owner of an inbox. Changes nothing."""
    token = (event.get("queryStringParameters") or {}).get("t", "")
    return views.of_inbox(inboxes().look(token), token, clock.now())


def send(event: Event) -> PageResponse:
    """Have the link to an inbox mailed to its owner."""
    recipient = inboxes().send(inbox_request_of(event))
    logger.info("inbox asked for")
    count("InboxesAskedFor")
    return views.of_inbox_request(recipient, clock.now())
