"""Routing of machines' requests, with errors as problem documents."""

from collections.abc import Callable, Mapping
from typing import Any

from countersign.domain.errors import CountersignError
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count


def respond(event: Event, routes: Mapping[str, Callable[[Event], http.Reply]]) -> dict[str, Any]:
    """Answer a machine by the function of its route; an error becomes a problem document.

    API Gateway has already routed the request: its `routeKey` selects the function. A router library would add a
    seventh to the cold start.
    """
    about()
    route = event["routeKey"]
    try:
        status, headers, body = _reply(event, routes)
    except Exception as error:  # noqa: BLE001  no text of any error leaves the function
        logger.error("request failed", route=route, **http.where_it_failed(error))
        count("RequestsFailed")
        status, headers, body = http.problem(http.UNEXPECTED, {"detail": "the same request may be sent again"})
    return {"statusCode": int(status), "headers": headers, "body": body}


def _reply(event: Event, routes: Mapping[str, Callable[[Event], http.Reply]]) -> http.Reply:
    route = event["routeKey"]
    if route not in routes:
        return http.problem(http.UNKNOWN_ROUTE, {"detail": f"the routes here are {' and '.join(routes)}"})
    try:
        return routes[route](event)
    except CountersignError as error:
        reply = http.problem_of(error)
        count("RequestsFailed", http.is_failure(error, reply[0]))
        logger.warning("request refused", route=route, status=reply[0], **http.why_it_was_refused(error))
        return reply
