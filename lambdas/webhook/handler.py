"""Routes for machines: `/webhooks` for providers, `/callbacks` for workers.

API Gateway has routed already: its `routeKey` picks the function. A router of our own would cost the public function
a seventh of its cold start.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from countersign.domain.errors import CountersignError
from countersign.functions import http, limits
from countersign.functions.http import Event
from countersign.functions.telemetry import about
from webhook import callbacks, providers

logger = Logger()

ROUTES: Mapping[str, Callable[[Event], http.Reply]] = {
    "POST /webhooks/{provider}": providers.receive,
    "POST /callbacks/succeed": callbacks.succeed,
    "POST /callbacks/fail": callbacks.fail,
    "POST /callbacks/heartbeat": callbacks.heartbeat,
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    about()
    status, headers, body = _reply(event["routeKey"], event)
    return {"statusCode": int(status), "headers": headers, "body": body}


def _reply(route: str, event: Event) -> http.Reply:
    try:
        return _answered_or_refused(route, event)
    except Exception as error:  # noqa: BLE001  whatever it is, no word of it leaves the function
        logger.error("failed", route=route, **http.where_it_failed(error))  # noqa: TRY400  the text may quote data
        return http.problem(http.UNEXPECTED, {"detail": "the same request may be sent again"})


def _answered_or_refused(route: str, event: Event) -> http.Reply:
    if route not in ROUTES:
        return http.problem(http.UNKNOWN_ROUTE, {"detail": "the API and this function were deployed apart"})
    try:
        # Webhooks have no limit: providers sign, post from few networks, and post a refused event again for days.
        if route.startswith("POST /callbacks/"):
            limits.admit("callbacks", event, http.bearer_of(event))
        return ROUTES[route](event)
    except CountersignError as error:
        reply = http.problem_of(error)
        logger.warning("refused", route=route, status=reply[0], **http.why_it_was_refused(error))
        return reply
