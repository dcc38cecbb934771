"""Looks: asks a provider for one payment, and records its answer.

Invoked by workflows before a payment expires, by the webhook function for providers that sign nothing, and by
operators.
"""

from typing import Any

from countersign.composition import Ports, once
from countersign.domain.errors import LookFailedError
from countersign.functions.log import logger
from countersign.functions.telemetry import count
from countersign.services.looks import UNASKABLE, Looks
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source


@once
def looks(ports: Ports) -> Looks:
    """Return the use case with its ports. PROVIDERS has, by name, the document of each `Source`, and its API key."""
    sources = {name: Source.of(document) for name, document in ports.environment.document("PROVIDERS").items()}
    return Looks(sources, ports.secrets, ports.provider_api, ProviderEvents(ports.ledger, ports.clock))


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: `provider`, `external_id`, `lookup_id` if any; returns the payment's status and the effect."""
    name = event["provider"]
    try:
        looked = looks().look(name, event["external_id"], event.get("lookup_id", ""))
    except LookFailedError as error:
        count("LooksFailing", int(error.reason != UNASKABLE))
        logger.warning("look failed", provider=name, reason=error.reason)
        raise
    logger.info("look", provider=name, status=looked.status, handling=looked.handling, reason=looked.reason)
    count(f"Events{looked.handling.title()}")
    return {name: str(value) for name, value in vars(looked).items() if value}
