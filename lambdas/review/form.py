"""Reads the forms of the pages."""

from urllib.parse import parse_qsl

from countersign.domain.errors import ContractError, MalformedBodyError
from countersign.functions import http
from countersign.functions.http import Event
from countersign.services.reviews import Click

TAKE_BACK = "take_back"
"""The action of the form that takes a delegated task back."""

_MAX_FIELDS = 256
"""More than a list of the most tasks that an inbox shows, all ticked."""


def token_of(event: Event) -> str:
    """Return the token of a page's address or posted form; empty if the form cannot be read."""
    if event["requestContext"]["http"]["method"] != "POST":
        return str((event.get("queryStringParameters") or {}).get("t", ""))
    try:
        return fields_of(http.body_bytes(event)).get("t", "")
    except ContractError:  # the page reports it
        return ""


def click_of(event: Event) -> Click:
    """Return the posted form. A field that is missing or posted twice is empty, so that it decides nothing.

    Raises:
        BodyTooLargeError: More than 256 KiB.
        MalformedBodyError: The body is not a form in UTF-8.
    """
    fields = fields_of(http.body_bytes(event))
    return Click(
        token=fields.get("t", ""),
        decision=fields.get("decision", ""),
        comment=fields.get("comment", "").replace("\r\n", "\n"),
        shown=fields.get("shown", ""),
        fetch_site=http.headers_of(event).get("sec-fetch-site", "").strip().lower(),
        source=http.source_of(event),
        task_id=fields.get("task", ""),
        colleague=fields.get("colleague", ""),
        action=fields.get("action", ""),
        confirmed=bool(fields.get("confirmed")),
        exchanges=fields.get("exchanges", ""),
    )


def ticked(event: Event) -> list[tuple[str, str]]:
    """Return the ticked tasks of an inbox's form, each once: the id, and the digest of the details that it showed.

    Raises:
        MalformedBodyError: The body is not a form in UTF-8.
    """
    values = dict.fromkeys(value for name, value in _pairs(http.body_bytes(event)) if name == "tick")
    return [(task_id, shown) for task_id, _, shown in (value.rpartition(" ") for value in values)]


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form, without those that are posted twice.

    Raises:
        MalformedBodyError: The body is not a form in UTF-8.
    """
    pairs = _pairs(body)
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError as error:  # not ASCII, not UTF-8 after decoding, or too many fields
        raise MalformedBodyError("the body is not a form in UTF-8") from error
