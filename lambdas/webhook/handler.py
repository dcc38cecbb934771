"""The public routes: `/review`, `/delegate` and `/inbox` for people, `/webhooks` and `/callbacks` for machines.

API Gateway has routed already: its `routeKey` picks the function. A router of our own would cost the public function
a seventh of its cold start.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from aws_lambda_powertools import Logger

from countersign.domain.errors import CountersignError
from countersign.functions import http
from countersign.functions.telemetry import about
from webhook import answers, inbox, limits, pages, review
from webhook.answers import Answer
from webhook.review import Event

logger = Logger()

PAGES: Mapping[str, Callable[[Event], Answer]] = {
    "GET /review": review.show,
    "HEAD /review": review.show,
    "POST /review": review.decide,
    "POST /delegate": review.hand_over,
    "GET /inbox": inbox.show,
    "HEAD /inbox": inbox.show,
    "POST /inbox": inbox.send,
}

MACHINES: Mapping[str, tuple[str, str]] = {
    "POST /webhooks/{provider}": ("providers", "receive"),
    "POST /callbacks/succeed": ("callbacks", "succeed"),
    "POST /callbacks/fail": ("callbacks", "fail"),
    "POST /callbacks/heartbeat": ("callbacks", "heartbeat"),
}
"""Module and function of each route; imported when it is first asked for, so that no page's cold start pays for it."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    about()
    route = event["routeKey"]
    status, headers, body = _for_people(route, event) if route in PAGES else _for_machines(route, event)
    return {"statusCode": int(status), "headers": headers, "body": body}


def _for_people(route: str, event: Event) -> http.Reply:
    try:
        limits.admit(event)
        answer = PAGES[route](event)
    except CountersignError as error:
        answer = answers.of_error(error)
        logger.warning("page refused", status=answer.status, error_type=type(error).__name__)
    except Exception as error:  # noqa: BLE001  whatever it is, no word of it leaves the function
        answer = answers.unexpected()
        logger.error("page failed", **http.where_it_failed(error))  # noqa: TRY400  the text of it may quote data
    return pages.encoded(answer.status, answer.page, answer.retry_after_seconds, with_body=not route.startswith("HEAD"))


def _for_machines(route: str, event: Event) -> http.Reply:
    try:
        return _answered_or_refused(route, event)
    except Exception as error:  # noqa: BLE001  whatever it is, no word of it leaves the function
        logger.error("failed", route=route, **http.where_it_failed(error))  # noqa: TRY400  the text may quote data
        return http.problem(http.UNEXPECTED, {"detail": "the same request may be sent again"})


def _answered_or_refused(route: str, event: Event) -> http.Reply:
    if route not in MACHINES:
        return http.problem(http.UNKNOWN_ROUTE, {"detail": "the API and this function were deployed apart"})
    try:
        limits.admit(event)
        module, function = MACHINES[route]
        reply: http.Reply = getattr(import_module(f"webhook.{module}"), function)(event)
    except CountersignError as error:
        reply = http.problem_of(error)
        logger.warning("refused", route=route, status=reply[0], **http.why_it_was_refused(error))
    return reply
