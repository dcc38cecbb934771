"""Routes for machines: `/webhooks` for providers, `/callbacks` for workers.

Callbacks have rate limits. Webhooks have none: providers sign, post from few networks, and retry refused events for
days.
"""

from collections.abc import Callable, Mapping
from typing import Any

from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.routing import respond
from webhook import providers


def _callback(event: Event) -> http.Reply:
    # Imported here: what workers need would slow the cold start for providers, which are less patient.
    from webhook import callbacks

    return callbacks.ROUTES[event["routeKey"]](event)


ROUTES: Mapping[str, Callable[[Event], http.Reply]] = {
    "POST /webhooks/{provider}": providers.receive,
    "POST /callbacks/succeed": _callback,
    "POST /callbacks/fail": _callback,
    "POST /callbacks/heartbeat": _callback,
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    return respond(event, ROUTES)
