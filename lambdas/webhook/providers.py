"""`POST /webhooks/{provider}`, the webhooks of providers: decode, one call, encode."""

from datetime import datetime
from hashlib import sha256
from http import HTTPStatus

from countersign.composition import Ports, current_ports, once
from countersign.domain.errors import ContractError, SecretError, SignatureError
from countersign.domain.provider_events import WAITING, Handling
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import count
from countersign.providers.base import Verified, WebhookRequest
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source, Webhooks


@once
def webhooks(ports: Ports) -> Webhooks:
    """Return the use case with its ports. PROVIDERS has, by name, the document of each provider's `Source`."""
    sources = {name: Source.of(document) for name, document in ports.environment.document("PROVIDERS", "{}").items()}
    keep = _keep if ports.environment.text("EVENTS_BUCKET", "") else None
    return Webhooks(sources, ports.secrets, ProviderEvents(ports.ledger, ports.clock), ports.clock, _notice, keep)


def _notice(provider: str, external_id: str) -> bool:
    # Imported here: most stages have no provider that signs nothing, and the client of Lambda is slow to make.
    from countersign.services import notices

    ports = current_ports()
    return notices.take(ports.ledger, ports.looks, ports.clock, provider, external_id)


def _keep(name: str, scheme: str, request: WebhookRequest, verified: Verified, at: datetime, became: str) -> None:
    # Imported here: a refused post is not kept.
    from webhook.keeping import keep

    keep(name, scheme, request, verified, at, became)


def receive(event: Event) -> http.Reply:
    """Record the events of a provider.

    HTTP:
        body any: The events in the form of the provider, with its signature and its media type.
        200 webhook-receipt: The events are recorded, known already, held for a person, or ignored.
        200 text: The same, for a provider whose scheme requires a fixed text.
        202 webhook-receipt: No event affects its workflow yet: each is pending, declined, or came before its task.
        problems: contract, signature, unknown_provider, media_type
    """
    name = (event.get("pathParameters") or {}).get("provider", "")
    url = f"{current_ports().environment.base_url}/webhooks/{name}"
    request = WebhookRequest(http.headers_of(event), http.body_bytes(event), url)
    try:
        received = webhooks().receive(name, request)
    except SignatureError as error:
        count("SignaturesRefused")
        error.body_sha256 = sha256(request.body).hexdigest()
        raise
    except SecretError:
        count("SecretsUnusable")
        raise
    except ContractError:  # the signature is valid, so a genuine event of the provider is not recorded
        count("EventsMalformed")
        raise
    logger.info(
        "webhook received",
        provider=name,
        handling=received.handling,
        events=len(received.handlings),
        ignored=received.ignored,
        asks=received.asks,
    )
    for handling in received.handlings or (Handling.IGNORED,):
        count(f"Events{handling.title()}")
    if received.acknowledgement:
        return HTTPStatus.OK, {"Content-Type": "text/plain", "Cache-Control": "no-store"}, received.acknowledgement
    status = HTTPStatus.ACCEPTED if received.handling in WAITING else HTTPStatus.OK
    reasons = {"ignored": received.ignored} if received.ignored else {}
    return http.document(status, {"status": received.handling, **reasons})
