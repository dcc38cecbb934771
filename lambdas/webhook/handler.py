"""`GET`, `HEAD` and `POST /review`: decode, one call, encode."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

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

logger = Logger()
app = APIGatewayHttpResolver()
clock = SystemClock()


@cache
def reviews() -> Reviews:
    """Return the use case with its ports on AWS, made once."""
    return Reviews(DynamoLedger(client("dynamodb"), Settings.load(os.environ).ledger_table), clock)


@app.route("/review", method=["GET", "HEAD"])
def show() -> Response[str]:
    """Show what a link is about. Changes nothing: mail scanners open every link."""
    token = (app.current_event.raw_event.get("queryStringParameters") or {}).get("t", "")
    return _page(answers.of_look(reviews().look(token), token, clock.now()))


@app.post("/review")
def decide() -> Response[str]:
    """Record a decision."""
    click = click_of(app.current_event.raw_event)
    review = reviews().decide(click)
    refusal = type(review.refusal).__name__ if review.refusal else ""
    logger.info("clicked", task_id=review.task.task_id, refusal=refusal, repeated=review.repeated)
    count("AnswersRefused" if refusal else "AnswersRecorded")
    return _page(answers.of_click(review, click, clock.now()))


@app.exception_handler(CountersignError)
def refuse(error: CountersignError) -> Response[str]:
    """Answer an error of ours with its page."""
    answer = answers.of_error(error)
    logger.warning("page refused", status=answer.status, error_type=type(error).__name__)
    return _page(answer)


@app.not_found
def wrong_method(_: Exception) -> Response[str]:
    """Answer a method that the page has not."""
    return _page(answers.wrong_method())


@app.exception_handler(Exception)
def fail(error: Exception) -> Response[str]:
    """Answer what nobody expected, without a word of it leaving the function."""
    logger.error("page failed", **http.where_it_failed(error))
    return _page(answers.unexpected())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry."""
    return app.resolve(event, context)


def _page(answer: Answer) -> Response[str]:
    headers: dict[str, str | list[str]] = {**pages.SECURITY_HEADERS}
    if answer.status >= 500:
        headers["Retry-After"] = str(http.RETRY_AFTER_SECONDS)
    body = "" if app.current_event.raw_event["requestContext"]["http"]["method"] == "HEAD" else answer.page
    return Response(status_code=int(answer.status), headers=headers, body=body)
