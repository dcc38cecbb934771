"""`GET`, `HEAD` and `POST /review`: decode, one call, encode.

API Gateway has routed already: its `routeKey` picks the function. A router of our own would cost the public function
a seventh of its cold start.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from countersign import http
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.aws import client
from countersign.domain.clock import SystemClock
from countersign.domain.errors import CountersignError
from countersign.services.reviews import Reviews
from countersign.telemetry import count
from webhook import answers, pages
from webhook.answers import Answer
from webhook.form import click_of
from webhook.settings import Settings

Event = Mapping[str, Any]

logger = Logger()
clock = SystemClock()


@cache
def reviews() -> Reviews:
    """Return the use case with its ports on AWS, made once."""
    return Reviews(DynamoLedger(client("dynamodb"), Settings.load(os.environ).ledger_table), clock)


def show(event: Event) -> Answer:
    """Show what a link is about. Changes nothing: mail scanners open every link."""
    token = (event.get("queryStringParameters") or {}).get("t", "")
    return answers.of_look(reviews().look(token), token, clock.now())


def decide(event: Event) -> Answer:
    """Record a decision."""
    click = click_of(event)
    review = reviews().decide(click)
    refusal = type(review.refusal).__name__ if review.refusal else ""
    logger.info("clicked", task_id=review.task.task_id, refusal=refusal, repeated=review.repeated)
    count("AnswersRefused" if refusal else "AnswersRecorded")
    return answers.of_click(review, click, clock.now())


ROUTES: Mapping[str, Callable[[Event], Answer]] = {"GET /review": show, "HEAD /review": show, "POST /review": decide}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    try:
        answer = ROUTES[event["routeKey"]](event)
    except CountersignError as error:
        answer = answers.of_error(error)
        logger.warning("page refused", status=answer.status, error_type=type(error).__name__)
    except Exception as error:  # noqa: BLE001  whatever it is, no word of it leaves the function
        answer = answers.unexpected()
        logger.error("page failed", **http.where_it_failed(error))  # noqa: TRY400  the text of it may quote data
    return _encoded(answer, with_body=event["requestContext"]["http"]["method"] != "HEAD")


def _encoded(answer: Answer, *, with_body: bool) -> dict[str, Any]:
    headers = {**pages.SECURITY_HEADERS}
    if answer.status >= 500:
        headers["Retry-After"] = str(http.RETRY_AFTER_SECONDS)
    return {"statusCode": int(answer.status), "headers": headers, "body": answer.page if with_body else ""}
