"""Routes for machines: `/webhooks` for providers, `/callbacks` for workers.

Callbacks have rate limits. Webhooks have none: providers sign, post from few networks, and retry refused events for
days.
"""

from collections.abc import Callable, Mapping
from typing import Any

from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.routing import respond
from webhook import callbacks, providers

ROUTES: Mapping[str, Callable[[Event], http.Reply]] = {
    "POST /webhooks/{provider}": providers.receive,
    "POST /callbacks/succeed": callbacks.succeed,
    "POST /callbacks/fail": callbacks.fail,
    "POST /callbacks/heartbeat": callbacks.heartbeat,
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    return respond(event, ROUTES)
