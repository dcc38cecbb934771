"""Unknown paths."""

import pytest

from countersign.composition import Ports, use
from countersign.presentation.brand import PLAIN
from countersign.testing.builders import any_token, http_event
from review.document import security_headers
from review.handler import handler

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Accept": BROWSER}, "text/html; charset=utf-8"),
        ({"Accept": "application/json"}, "application/problem+json"),
        ({}, "application/problem+json"),
    ],
)
def test_an_unknown_path_is_404_without_a_read(method: str, headers: dict[str, str], kind: str) -> None:
    """A read would fail this test, which has no AWS."""
    event = http_event(method, "/reviews", query={"t": any_token()}, headers=headers) | {"routeKey": "$default"}
    with use(Ports({}, {"brand": PLAIN})):
        reply = handler(event, None)
    assert (reply["statusCode"], reply["headers"]["Content-Type"]) == (404, kind)
    assert (reply["body"] == "") is (method == "HEAD")
    assert any_token() not in reply["body"]
    if kind.startswith("text/html"):
        assert reply["headers"] == dict(security_headers())
