"""The inbox page, and the request for its link: decode, one call, encode."""

from http import HTTPStatus

from countersign.composition import Ports, current_ports, once
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.services.inboxes import Inboxes
from review.form import click_of
from review.inbox_page import inbox_page, inbox_sent_page
from review.views import PageResponse


@once
def inboxes(ports: Ports) -> Inboxes:
    """Return the use case with its ports."""
    return Inboxes(ports.ledger, ports.clock)


def show(event: Event) -> PageResponse:
    """Show an inbox. Changes nothing."""
    token = (event.get("queryStringParameters") or {}).get("t", "")
    return PageResponse(HTTPStatus.OK, inbox_page(inboxes().look(token), token, current_ports().clock.now()))


def send(event: Event) -> PageResponse:
    """Request an e-mail with the link to an inbox."""
    recipient = inboxes().send(click_of(event))
    logger.info("inbox asked for")
    return PageResponse(HTTPStatus.OK, inbox_sent_page(recipient, current_ports().clock.now()))
