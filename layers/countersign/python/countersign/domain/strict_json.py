"""Strict JSON: what a signature covers must mean one thing to every reader.

`json.loads` accepts UTF-16 bytes, a byte order mark, duplicate keys, NaN, Infinity and lone surrogates, and fails with
RecursionError on deep nesting. RFC 8259 §8.1 asks for UTF-8 without a mark; RFC 7493 (I-JSON) forbids the rest.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from countersign.domain.errors import BodyTooLargeError, MalformedBodyError

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_DEEP = f"the body is nested deeper than {MAX_DEPTH} levels"


def read(body: bytes) -> Any:
    """Parse one JSON document.

    Args:
        body: The document's bytes, as they were received.

    Returns:
        The document as Python values.

    Raises:
        BodyTooLargeError: More than 256 KiB.
        MalformedBodyError: Anything else that strict JSON is not; the reason never quotes the body.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(MAX_BODY_BYTES)
    document = _parse(_text_of(body))
    _refuse_depth_and_surrogates(document)
    return document


def _text_of(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBodyError("the body is not UTF-8") from error
    if text.startswith("\ufeff"):
        raise MalformedBodyError("the body starts with a byte order mark; send UTF-8 without one")
    return text


def _parse(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite_float
        )
    except RecursionError as error:
        raise MalformedBodyError(_TOO_DEEP) from error
    except json.JSONDecodeError as error:
        raise MalformedBodyError(f"the body is not JSON (line {error.lineno}, column {error.colno})") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise MalformedBodyError("the body holds a number that is too long") from error


def canonical(document: Any) -> bytes:
    """Return the document as bytes that are equal for equal documents: sorted keys, no white space, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(document: Any) -> str:
    """Return the SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise MalformedBodyError("an object holds the same key twice")
    return document


def _refuse_constant(constant: str) -> None:
    raise MalformedBodyError(f"{constant} is not a JSON number")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedBodyError("a number is out of range")
    return number


def _refuse_depth_and_surrogates(document: Any) -> None:
    level: list[Any] = [[document]]
    for _ in range(MAX_DEPTH + 1):
        level = [container for value in level for container in _containers_in(value)]
        if not level:
            return
    raise MalformedBodyError(_TOO_DEEP)


def _containers_in(container: dict[str, Any] | list[Any]) -> Iterator[Any]:
    members = chain(container, container.values()) if isinstance(container, dict) else container
    for member in members:
        if isinstance(member, dict | list):
            yield member
        elif isinstance(member, str) and not member.isascii() and _SURROGATE.search(member):
            raise MalformedBodyError("a text holds a lone surrogate")
