"""The `replay` function: handles a kept event again. Only IAM reaches it: it has no route and no event source.

It takes the key of a kept event, never a body: what it records was signed by the provider, and received by this stage.
"""

from typing import Any

from countersign.composition import current_ports
from countersign.domain.errors import CountersignError, KeptEventError
from countersign.domain.kept_events import require_kept
from countersign.functions.http import where_it_failed, why_it_was_refused
from countersign.functions.log import logger
from countersign.functions.telemetry import about
from countersign.providers.base import WebhookRequest
from webhook.providers import webhooks

LONGEST_REASON = 500
"""Characters of the operator's reason."""


def replay(key: str, operator: str, because: str) -> dict[str, Any]:
    """Verify a kept event at its time of receipt, with the provider's secrets of now, and record it.

    Args:
        key: The event's key.
        operator: The operator's IAM ARN, as the tool states it; CloudTrail has the proof.
        because: The operator's reason.

    Returns:
        How the event and each part of it was handled; DUPLICATE if it was recorded before.

    Raises:
        CountersignError: It was not recorded.
    """
    ports = current_ports()
    event = ports.kept_events.read(key)
    require_kept(event, ports.environment.document("KEEP_EVENTS_DAYS"), ports.clock.now())
    request = WebhookRequest(event.headers, event.body, event.url)
    received = webhooks().receive(event.provider, request, event.received_at)
    handled = {"handling": received.handling, "ignored": list(received.ignored)}
    logger.info("event replayed", key=key, operator=operator, because=because, **handled)
    return handled


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: `{"key", "operator", "because"}`; the answer has `handling`, or `refused` with the reason."""
    about()
    try:
        return replay(**_texts(event))
    except CountersignError as error:
        why = why_it_was_refused(error)
        logger.warning("event not replayed", **why)
    except Exception as error:  # noqa: BLE001  no text of any error leaves the function
        why = where_it_failed(error)
        logger.error("event not replayed", **why)
    return {"refused": why}


def _texts(event: dict[str, Any]) -> dict[str, str]:
    named = {name: event.get(name) for name in ("key", "operator", "because")}
    if not all(isinstance(text, str) and 0 < len(text) <= LONGEST_REASON for text in named.values()):
        raise KeptEventError(f"key, operator and because must be texts of 1 to {LONGEST_REASON} characters")
    return named  # type: ignore[return-value]
