"""`POST /webhooks/{provider}`: what a provider posts; decode, one call, encode."""

import os
from functools import cache
from http import HTTPStatus

from aws_lambda_powertools import Logger

from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.secrets import ManagedSecrets
from countersign.domain.clock import SystemClock
from countersign.domain.errors import ContractError, SignatureError
from countersign.domain.provider_events import WAITING, Handling
from countersign.functions import http
from countersign.functions.clients import client
from countersign.functions.http import Event
from countersign.functions.telemetry import count
from countersign.providers.base import WebhookRequest
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source, Webhooks
from webhook.settings import Settings

logger = Logger()
clock = SystemClock()


@cache
def settings() -> Settings:
    """Return the settings, read once."""
    return Settings.load(os.environ)


@cache
def webhooks() -> Webhooks:
    """Return the use case with its ports on AWS, made once."""
    secrets = ManagedSecrets(client("secretsmanager"), settings().secrets)
    events = ProviderEvents(DynamoLedger(client("dynamodb"), settings().ledger_table), clock)
    sources = {name: Source.of(document) for name, document in settings().providers.items()}
    return Webhooks(sources, secrets, events, clock)


def receive(event: Event) -> http.Reply:
    """Take a provider's post: 200 when nothing more is awaited of it, 202 when it is on record only."""
    name = (event.get("pathParameters") or {}).get("provider", "")
    request = WebhookRequest(http.headers_of(event), http.body_bytes(event), f"{settings().webhooks_url}/{name}")
    try:
        received = webhooks().receive(name, request)
    except SignatureError:
        count("SignaturesRefused")
        raise
    except ContractError:  # its signature was in order: what its provider says of a payment is not on record
        count("EventsMalformed")
        raise
    logger.info(
        "webhook received",
        provider=name,
        handling=received.handling,
        events=len(received.handlings),
        ignored=received.ignored,
    )
    for handling in received.handlings or (Handling.IGNORED,):
        count(f"Events{handling.title()}")
    if received.acknowledgement:
        return HTTPStatus.OK, {"Content-Type": "text/plain", "Cache-Control": "no-store"}, received.acknowledgement
    status = HTTPStatus.ACCEPTED if received.handling in WAITING else HTTPStatus.OK
    reasons = {"ignored": received.ignored} if received.ignored else {}
    return http.document(status, {"status": received.handling, **reasons})
