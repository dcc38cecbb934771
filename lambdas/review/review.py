"""The review page, its votes and its delegations: decode, one call, encode."""

from countersign.composition import Ports, current_ports, once
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.presentation import words
from countersign.services.reviews import Click, Review, Reviews
from review import views
from review.form import TAKE_BACK, click_of
from review.parts import Key
from review.views import PageResponse


@once
def reviews(ports: Ports) -> Reviews:
    """Return the use case with its ports."""
    return Reviews(ports.ledger, ports.directory, ports.clock)


def show(event: Event) -> PageResponse:
    """Show the task of a link. Changes nothing: mail scanners open every link.

    HTTP:
        query page.query: The link.
        200: The task, open or decided.
        404: No link has this token.
        410: The task has ended undecided, or somebody else is asked.
    """
    query = event.get("queryStringParameters") or {}
    key = Key(query.get("t", ""), query.get("task", ""))
    review = _read_by_owner(reviews().look(key.token, key.task_id))
    return views.of_look(review, key, current_ports().clock.now())


def decide(event: Event) -> PageResponse:
    """Record a vote, or send the request back to its requester.

    HTTP:
        200: Recorded, now or before, or a page to confirm it, whose form adds `confirmed`.
        400: The decision is unknown, or its comment is missing or too long.
        403: Another site's page posted the form, or the person may not decide this task.
        404: No link has this token.
        409: The task is decided otherwise, the page is outdated, or the task waits for its requester.
        410: The task has ended, or somebody else is asked.
    """
    click = click_of(event)
    review = _read_by_owner(reviews().decide(click))
    _tell("clicked", review)
    if not review.unconfirmed:
        count("AnswersRefused" if review.refusal else "AnswersRecorded")
    return views.of_click(reviews().with_next(review), click, current_ports().clock.now())


def hand_over(event: Event) -> PageResponse:
    """Delegate the task to a colleague, or take it back.

    HTTP:
        200: A page to confirm the address, whose form adds `confirmed`; then delegated, or taken back.
        400: The colleague has no valid address.
        403: Another site's page posted the form, or the person may not decide this task.
        404: No link has this token.
        409: This colleague cannot have the task, has answered already, or the task is decided.
        410: The task has ended, or somebody else is asked.
    """
    click = click_of(event)
    if click.action == TAKE_BACK:
        return _take_back(click)
    review = _read_by_owner(reviews().hand_over(click))
    _tell("handed over", review)
    return views.of_hand_over(review, click, current_ports().clock.now())


def _take_back(click: Click) -> PageResponse:
    review = _read_by_owner(reviews().take_back(click))
    _tell("taken back", review)
    return views.of_take_back(review, click, current_ports().clock.now())


def _read_by_owner(review: Review) -> Review:
    """Make the page in the language of the link's owner."""
    words.turn_to(review.recipient, review.task.people)
    return review


def _tell(what: str, review: Review) -> None:
    """Log the result of a post."""
    refusal = type(review.refusal).__name__ if review.refusal else ""
    about(task_id=review.task.task_id)
    logger.info(what, refusal=refusal, repeated=review.repeated)
