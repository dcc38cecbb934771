"""Copies of verified posts, for an operator to replay."""

from datetime import datetime

from countersign.composition import current_ports
from countersign.domain.kept_events import KeptEvent
from countersign.domain.provider_events import Handling
from countersign.functions.http import where_it_failed
from countersign.functions.log import logger
from countersign.functions.telemetry import count
from countersign.providers.base import Verified, WebhookRequest
from countersign.services.webhooks import FAILED


def keep(name: str, scheme: str, request: WebhookRequest, verified: Verified, at: datetime, became: str) -> None:
    """Keep a verified post; see `countersign.ports.KeepEvent`.

    A failure raises an alarm and nothing else: the ledger has the event, or the provider sends it again. A repeated
    event does not replace the first one, which the ledger may have, even if the ledger cannot be asked this time.
    """
    ports = current_ports()
    event = KeptEvent(
        stage=ports.environment.text("METRICS_STAGE"),
        provider=name,
        scheme=scheme,
        received_at=at,
        url=request.url,
        headers=request.headers_read,
        body=request.body,
        delivery_id=verified.delivery_id,
        origin=verified.origin,
        became=became,
    )
    try:
        ports.kept_events.put(event, replace=became not in (Handling.DUPLICATE, FAILED))
    except Exception as error:  # noqa: BLE001  a copy that fails must not refuse an event that the ledger has
        count("EventsNotKept")
        logger.error("event not kept", provider=name, **where_it_failed(error))
