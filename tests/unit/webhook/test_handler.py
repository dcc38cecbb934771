"""A route that the function does not have."""

import json

from countersign.testing.builders import http_event
from webhook.handler import handler


def test_a_route_that_the_function_does_not_have_is_404() -> None:
    reply = handler(http_event("GET", "/review"), None)
    assert (reply["statusCode"], json.loads(reply["body"])["code"]) == (404, "unknown_route")
