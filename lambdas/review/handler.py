"""Pages for people: `/review`, `/delegate`, `/inbox`, `/request`, and the answer to every unknown path of the API.

API Gateway has already routed the request: its `routeKey` selects the page. A router library would add a seventh to the
public function's cold start.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from countersign.composition import Ports, current_ports, once
from countersign.domain.errors import CountersignError
from countersign.functions import http, limits
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.presentation import brand, words
from countersign.services.limits import Limiter, Rates
from review import notices, review, views
from review.document import encoded
from review.form import token_of
from review.views import PageResponse


def _other(event: Event) -> PageResponse:
    """Answer for `/inbox` or `/request`, whose modules are imported here: most cold starts are for one review."""
    method, _, path = event["routeKey"].partition(" /")
    page = import_module(f"review.{path}")
    response: PageResponse = page.post(event) if method == "POST" else page.show(event)
    return response


PAGES: Mapping[str, Callable[[Event], PageResponse]] = {
    "GET /review": review.show,
    "HEAD /review": review.show,
    "POST /review": review.decide,
    "POST /delegate": review.hand_over,
    **dict.fromkeys(("GET /inbox", "HEAD /inbox", "POST /inbox"), _other),
    **dict.fromkeys(("GET /request", "HEAD /request", "POST /request"), _other),
}


@once
def limiter(ports: Ports) -> Limiter:
    """Return the rate limiter of pages. LIMITS has the fields of `Rates`."""
    return Limiter("review", Rates(**ports.environment.document("LIMITS")), ports.counters, ports.clock)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    about()
    page = PAGES.get(event["routeKey"])
    environment = current_ports().environment
    language = words.accepted(http.headers_of(event).get("accept-language", "")) or environment.text("LANGUAGE", "")
    with brand.shown(environment.table("brand")), words.reading(language, environment.text("TIME_ZONE", "")):
        status, headers, body = _page(page, event) if page else _unknown_path(event)
    if event["requestContext"]["http"]["method"] == "HEAD":
        body = ""
    reply = {"statusCode": int(status), "headers": headers, "body": body}
    return http.compressed(reply) if body and http.takes_gzip(event) else reply


def _page(page: Callable[[Event], PageResponse], event: Event) -> http.Reply:
    try:
        limits.admit(limiter().admit, event, token_of(event))
        response = page(event)
    except CountersignError as error:
        response = views.of_error(error)
        count("RequestsFailed", http.is_failure(error, response.status))
        logger.warning("page refused", status=response.status, error_type=type(error).__name__)
    except Exception as error:  # noqa: BLE001  no text of any error leaves the function
        response = views.unexpected()
        count("RequestsFailed")
        logger.error("page failed", **http.where_it_failed(error))
    return encoded(response.status, response.page, response.retry_after_seconds)


def _unknown_path(event: Event) -> http.Reply:
    """Answer an unknown path: with a page for browsers, with problem details for machines."""
    if "text/html" not in http.headers_of(event).get("accept", "").lower():
        return http.problem(http.UNKNOWN_ROUTE, {"detail": "correct the method and the path of the request"})
    return encoded(http.UNKNOWN_ROUTE.status, notices.problem_page("unknown_path"))
