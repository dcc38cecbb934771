"""The review page, what a click on it records, and handing a task over: decode, one call, encode."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from countersign.adapters.directory import DynamoDirectory
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.domain.clock import SystemClock
from countersign.functions.clients import client
from countersign.functions.telemetry import about, count
from countersign.services.reviews import Review, Reviews
from webhook import answers
from webhook.answers import Answer
from webhook.form import click_of, hand_over_of
from webhook.pages import Key
from webhook.settings import Settings

Event = Mapping[str, Any]

logger = Logger()
clock = SystemClock()


@cache
def reviews() -> Reviews:
    """Return the use case with its ports on AWS, made once."""
    dynamodb = client("dynamodb")
    ledger = DynamoLedger(dynamodb, Settings.load(os.environ).ledger_table)
    return Reviews(ledger, DynamoDirectory.from_environment(dynamodb, os.environ), clock)


def show(event: Event) -> Answer:
    """Show what a link is about. Changes nothing: mail scanners open every link."""
    query = event.get("queryStringParameters") or {}
    key = Key(query.get("t", ""), query.get("task", ""))
    return answers.of_look(reviews().look(key.token, key.task_id), key, clock.now())


def decide(event: Event) -> Answer:
    """Record a decision."""
    click = click_of(event)
    review = reviews().decide(click)
    _tell("clicked", review, refused="AnswersRefused", recorded="AnswersRecorded")
    return answers.of_click(review, click, clock.now())


def hand_over(event: Event) -> Answer:
    """Hand the task to a colleague."""
    handing = hand_over_of(event)
    review = reviews().hand_over(handing)
    _tell("handed over", review, refused="DelegationsRefused", recorded="DelegationsRecorded")
    return answers.of_hand_over(review, handing, clock.now())


def _tell(what: str, review: Review, *, refused: str, recorded: str) -> None:
    """Log and count what became of a post."""
    refusal = type(review.refusal).__name__ if review.refusal else ""
    about(task_id=review.task.task_id)
    logger.info(what, refusal=refusal, repeated=review.repeated)
    count(refused if refusal else recorded)
