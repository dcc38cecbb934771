"""Unknown routes."""

import json

from countersign.testing.builders import http_event
from webhook.handler import handler


def test_an_unknown_route_is_404() -> None:
    reply = handler(http_event("GET", "/review"), None)
    assert (reply["statusCode"], json.loads(reply["body"])["code"]) == (404, "unknown_route")
