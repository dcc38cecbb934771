"""The review page's form, as a browser posts it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from countersign import http
from countersign.domain.audit import network_of
from countersign.domain.errors import MalformedBodyError
from countersign.services.reviews import Click

_MAX_FIELDS = 16


def click_of(event: Mapping[str, Any]) -> Click:
    """Return what was clicked.

    A field that is missing or posted twice reads as empty, so that it decides nothing.

    Args:
        event: The API Gateway event, payload format 2.0.

    Raises:
        BodyTooLargeError: More than 256 KiB.
        MalformedBodyError: The body is no form in UTF-8.
    """
    fields = _fields(http.body_bytes(event))
    return Click(
        token=fields.get("t", ""),
        decision=fields.get("decision", ""),
        comment=fields.get("comment", "").replace("\r\n", "\n"),
        shown=fields.get("shown", ""),
        fetch_site=_header(event, "sec-fetch-site"),
        source=network_of(event["requestContext"]["http"]["sourceIp"]),
    )


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError as error:  # not ASCII, not UTF-8 after decoding, or too many fields
        raise MalformedBodyError("the body is not a form in UTF-8") from error
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _header(event: Mapping[str, Any], name: str) -> str:
    headers = {key.lower(): value for key, value in (event.get("headers") or {}).items()}
    return str(headers.get(name, "")).strip().lower()
