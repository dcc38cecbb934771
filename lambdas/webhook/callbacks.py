"""`POST /callbacks/succeed|fail|heartbeat`: what machines answer; decode, one call, encode."""

import os
from functools import cache
from http import HTTPStatus

from aws_lambda_powertools import Logger

from countersign.adapters.callbacks import CallbackHeartbeats
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.kms import KmsCipher
from countersign.contracts import validation
from countersign.domain import strict_json
from countersign.domain.answers import Sender
from countersign.domain.clock import SystemClock
from countersign.domain.errors import ContractError
from countersign.domain.links import Link
from countersign.domain.provider_events import WAITING
from countersign.functions import http
from countersign.functions.clients import client
from countersign.functions.http import Event
from countersign.functions.telemetry import about, count
from countersign.services.answers import Receipt, Results, failure_of
from webhook.settings import Settings

logger = Logger()

IDENTIFIED_BY = "callback token"
"""How the audit says that a worker was identified."""


WORKER = "worker"
"""How a task and its audit name a machine that answers with its token."""


@cache
def results() -> Results:
    """Return the use case with its ports on AWS, made once."""
    settings = Settings.load(os.environ)
    ledger = DynamoLedger(client("dynamodb"), settings.ledger_table)
    cipher = KmsCipher(client("kms"), settings.answers_key)
    return Results(ledger, CallbackHeartbeats(client("lambda")), SystemClock(), cipher)


def succeed(event: Event) -> http.Reply:
    """Record an answer."""
    body, link = http.body_bytes(event), _link_of(event)
    document = strict_json.read(body)
    if not isinstance(document, dict):
        raise ContractError("the answer must be a JSON object")
    return _replied(results().succeed(link.task_id, document, _sender(event, link)))


def fail(event: Event) -> http.Reply:
    """Record that a machine could not do what was asked."""
    body, link = http.body_bytes(event), _link_of(event)
    document = validation.check("failure", strict_json.read(body))
    return _replied(results().fail(link.task_id, failure_of(document), _sender(event, link)))


def heartbeat(event: Event) -> http.Reply:
    """Tell the workflow that its task is worked on."""
    http.body_bytes(event)
    results().heartbeat(_link_of(event).task_id)
    logger.info("heartbeat")
    return http.document(HTTPStatus.OK, {"status": "alive"})


def _link_of(event: Event) -> Link:
    link = results().link_of(http.bearer_of(event))
    about(task_id=link.task_id)
    return link


def _sender(event: Event, link: Link) -> Sender:
    """Return who answers: the channel that the token was handed to, if the task has several."""
    return Sender(link.recipient or WORKER, IDENTIFIED_BY, http.source_of(event), http.bearer_of(event))


def _replied(receipt: Receipt) -> http.Reply:
    logger.info("answered", handling=receipt.handling)
    count(f"Results{receipt.handling.title()}")
    status = HTTPStatus.ACCEPTED if receipt.handling in WAITING else HTTPStatus.OK
    missing = {"missing": list(receipt.missing)} if receipt.missing else {}
    return http.document(status, {"status": receipt.handling, **missing})
