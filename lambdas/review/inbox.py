"""The inbox page, its decisions about several tasks, and the request for its link: decode, one call, encode."""

from functools import partial
from http import HTTPStatus

from countersign.composition import Ports, current_ports, once
from countersign.functions import limits
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.presentation import words
from countersign.services.batches import MOST_ITEMS, Batches, Item, is_decision
from countersign.services.inboxes import Inbox, Inboxes
from countersign.services.reviews import Click, Reviews
from review.batch_page import batch_page
from review.form import click_of, ticked
from review.inbox_page import inbox_page, inbox_sent_page
from review.views import PageResponse


@once
def batches(ports: Ports) -> Batches:
    """Return the use case of batches with its ports."""
    return Batches(Reviews(ports.ledger, ports.directory, ports.clock))


@once
def inboxes(ports: Ports) -> Inboxes:
    """Return the use case with its ports."""
    return Inboxes(ports.ledger, ports.clock)


def show(event: Event) -> PageResponse:
    """Show an inbox. Changes nothing.

    HTTP:
        query page.query: The link.
        200: The tasks that wait for the owner of the link.
        404: No inbox has this token.
        410: The link is too old.
    """
    token = (event.get("queryStringParameters") or {}).get("t", "")
    return PageResponse(HTTPStatus.OK, inbox_page(_looked(token), token, current_ports().clock.now()))


def post(event: Event) -> PageResponse:
    """Decide the ticked tasks, or request an e-mail with the link to an inbox.

    HTTP:
        200: Each ticked task with its result; without a decision, the mail is requested.
        400: The decision is unknown, or no task or too many tasks are ticked.
        403: Another site's page posted the form.
        404: No link has this token.
        410: The link is too old.
        429: The task has sent this person too many links.
    """
    click = click_of(event)
    if click.decision:
        return _decide(event, click)
    recipient = inboxes().send(click)
    logger.info("inbox asked for")
    return PageResponse(HTTPStatus.OK, inbox_sent_page(recipient, current_ports().clock.now()))


def _looked(token: str) -> Inbox:
    """Return the inbox of a link, whose page is in its owner's language."""
    inbox = inboxes().look(token)
    words.turn_to(inbox.recipient, inbox.people)
    return inbox


def _decide(event: Event, click: Click) -> PageResponse:
    # Imported here: the module of the handler imports this one, at its first use.
    from review.handler import limiter

    chosen = ticked(event)
    if problem := _problem(click, len(chosen)):
        now = current_ports().clock.now()
        return PageResponse(HTTPStatus.BAD_REQUEST, inbox_page(_looked(click.token), click.token, now, problem))
    admit = partial(limits.admit, limiter().admit, event, click.token)
    recipient, items = batches().decide(click, chosen, admit)
    for item in items:
        _count(item)
        if item.review:
            words.turn_to(recipient, item.review.task.people)
    return PageResponse(HTTPStatus.OK, batch_page(items, recipient, click.token))


def _problem(click: Click, chosen: int) -> str:
    """Return why a batch decides nothing, a key under `inbox.problem` in the catalogue; empty if it does."""
    if not is_decision(click.decision):
        return "unknown_decision"
    return "" if 1 <= chosen <= MOST_ITEMS else "too_many" if chosen else "none"


def _count(item: Item) -> None:
    """Count and log the result of one task."""
    refusal = (item.review and item.review.refusal) or item.error
    about(task_id=item.review.task.task_id if item.review else "")
    if not (item.review and item.review.unconfirmed):
        count("AnswersRefused" if refusal else "AnswersRecorded")
    logger.info("clicked in a list", refusal=type(refusal).__name__ if refusal else "")
