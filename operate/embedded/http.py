"""HTTP without redirects, and to this machine without proxies; error statuses are answers, not exceptions."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from operate.embedded import aws

_PATIENCE_SECONDS = 35  # API Gateway gives up after 30


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: The status code.
        headers: The headers, case-insensitive.
        text: The body.
    """

    status: int
    headers: Message
    text: str

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.text)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
_abroad = urllib.request.build_opener(_NoRedirects)


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a GET."""
    return send("GET", url, headers=headers)


def send(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request and return the answer, also for an error status.

    Raises:
        OSError: There was no answer.
    """
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)  # noqa: S310 - callers name http URLs
    try:
        opener = _direct if urlsplit(url).hostname in aws.LOOPBACK else _abroad
        return _read(opener.open(request, timeout=_PATIENCE_SECONDS))
    except urllib.error.HTTPError as error:
        return _read(error)


def _read(response: Any) -> Answer:
    with response:
        return Answer(response.status, response.headers, response.read().decode(errors="replace"))
