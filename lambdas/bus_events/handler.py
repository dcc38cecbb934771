"""Results over EventBridge: what machines answer on the kit's bus, and what partners send on theirs."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from bus_events.reasons import REASONS, reason_of
from bus_events.settings import Settings
from countersign.adapters.callbacks import CallbackHeartbeats
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.queue import DeadLetters
from countersign.domain.clock import SystemClock
from countersign.domain.errors import PlainAnswerError
from countersign.domain.provider_events import Handling
from countersign.functions.batches import run_batch
from countersign.functions.clients import client
from countersign.functions.telemetry import about, count
from countersign.services.answers import Results
from countersign.services.bus_events import BusEvents
from countersign.services.provider_events import ProviderEvents

logger = Logger()


@cache
def settings() -> Settings:
    """Return the settings, read once."""
    return Settings.load(os.environ)


@cache
def bus_events() -> BusEvents:
    """Return the use case with its ports on AWS, made once."""
    ledger, clock = DynamoLedger(client("dynamodb"), settings().ledger_table), SystemClock()
    results = Results(ledger, CallbackHeartbeats(client("lambda")), clock)
    return BusEvents(results, ProviderEvents(ledger, clock), settings().partners)


@cache
def dead_letters() -> DeadLetters:
    """Return the queue of what nobody can use, made once."""
    return DeadLetters(client("sqs"), settings().dead_letters_url)


def take(record: SQSRecord) -> None:
    """Record what one event says; one that can never be recorded goes to the dead letters at once, with why."""
    try:
        received = bus_events().receive(record.body.encode())
    except tuple(REASONS) as error:
        reason, detail = reason_of(error)
        if not isinstance(error, PlainAnswerError):  # what should be encrypted is kept nowhere
            dead_letters().put(record.body, reason, detail)
        count("ResultsRefused")
        logger.warning("result refused", reason=reason, message_id=record.message_id)
        return
    about(task_id=received.task_id)
    for handling in received.handlings or (Handling.IGNORED,):
        count(f"Results{handling.title()}")
    logger.info(
        "result received",
        partner=received.partner,
        handlings=[handling.value for handling in received.handlings],
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a batch of events; those that must be tried again are reported back."""
    return run_batch(EventType.SQS, take, event, context, logger)
