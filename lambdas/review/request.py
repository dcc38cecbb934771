"""The page of a requester: how the request stands, and what the requester does about it."""

from http import HTTPStatus

from countersign.composition import Ports, current_ports, once
from countersign.domain.errors import (
    ActionRefusedError,
    ContractError,
    CrossSiteError,
    DecidedOtherwiseError,
    DetailsChangedError,
    NotReturnedError,
    TaskClosedError,
)
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.presentation import words
from countersign.services.status_links import Act, Standing, StatusLinks
from review import notices
from review.request_form import act_of
from review.request_page import request_page
from review.views import PageResponse

_STATUSES: dict[type[ActionRefusedError], HTTPStatus] = {
    DecidedOtherwiseError: HTTPStatus.CONFLICT,
    DetailsChangedError: HTTPStatus.CONFLICT,
    NotReturnedError: HTTPStatus.CONFLICT,
    TaskClosedError: HTTPStatus.GONE,
}
"""The status of each refusal; of every other one, 400."""


@once
def status_links(ports: Ports) -> StatusLinks:
    """Return the use case with its ports."""
    return StatusLinks(ports.ledger, ports.clock)


def show(event: Event) -> PageResponse:
    """Show how a request stands. Changes nothing: mail scanners open every link.

    HTTP:
        query page.query: The link.
        200: The status of the request, with forms for what its requester can do.
        404: No status link has this token.
        410: The request ended more than 30 days ago.
    """
    token = (event.get("queryStringParameters") or {}).get("t", "")
    return PageResponse(HTTPStatus.OK, _page(status_links().look(token), token))


def post(event: Event) -> PageResponse:
    """Answer, revise or withdraw the request.

    HTTP:
        200: Answered, changed or withdrawn, now or before.
        400: The action is unknown, or the form is incomplete or changes what it may not.
        403: Another site's page posted the form.
        404: No status link has this token.
        409: The request is decided, the page is outdated, or nobody waits for an answer.
        410: The request has ended.
    """
    posted = act_of(event)
    standing = status_links().act(posted)
    refusal = standing.refusal
    about(task_id=standing.task.task_id)
    logger.info("acted", action=posted.action[:20], refusal=type(refusal).__name__ if refusal else "")
    count("AnswersRefused" if refusal else "AnswersRecorded")
    if isinstance(refusal, CrossSiteError):
        return PageResponse(HTTPStatus.FORBIDDEN, notices.problem_page("cross_site"))
    if isinstance(refusal, ContractError):
        return PageResponse(HTTPStatus.BAD_REQUEST, _page(standing, posted.token, posted))
    status = _STATUSES.get(type(refusal), HTTPStatus.BAD_REQUEST) if refusal else HTTPStatus.OK
    return PageResponse(status, _page(standing, posted.token, posted))


def _page(standing: Standing, token: str, posted: Act | None = None) -> str:
    words.turn_to(standing.requester, standing.task.people)
    return request_page(standing, token, current_ports().clock.now(), posted)
