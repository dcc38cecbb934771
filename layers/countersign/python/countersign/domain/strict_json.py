"""Strict JSON: a signed body must mean the same to every reader.

`json.loads` accepts UTF-16 bytes, a byte order mark, duplicate keys, NaN, Infinity and lone surrogates, and fails with
RecursionError on deep nesting. RFC 8259 §8.1 requires UTF-8 without a mark; RFC 7493 (I-JSON) forbids the rest.
"""

import hashlib
import json
import math
import re
from typing import Any

from countersign.domain.errors import BodyTooLargeError, MalformedBodyError

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 64
_CONTROLS = r"[\x00-\x1f\x7f-\x9f]"
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TOO_DEEP = f"the body is nested deeper than {MAX_DEPTH} levels"


def read(body: bytes) -> Any:
    """Parse one JSON document.

    Args:
        body: The raw bytes.

    Returns:
        The document as Python values.

    Raises:
        BodyTooLargeError: More than 256 KiB.
        MalformedBodyError: The body is not strict JSON; the reason never quotes it.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(MAX_BODY_BYTES)
    document = _parse(_text_of(body))
    _refuse_depth(body)
    if _ESCAPED_SURROGATE.search(body):
        _refuse_lone_surrogates(document)
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
        return _DECODER.decode(text)
    except RecursionError as error:
        raise MalformedBodyError(_TOO_DEEP) from error
    except json.JSONDecodeError as error:
        raise MalformedBodyError(f"the body is not JSON (line {error.lineno}, column {error.colno})") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise MalformedBodyError("the body holds a number that is too long") from error


def canonical(document: Any) -> bytes:
    """Return the same bytes for equal documents: sorted keys, no white space, UTF-8."""
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


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite_float)
"""Made once: `json.loads` makes a new decoder for every call with a hook."""


def _refuse_depth(body: bytes) -> None:
    """Refuse a valid document of more than 64 levels.

    Strings are removed first, then everything but brackets; each turn of the loop removes the innermost pairs. This
    runs at the speed of `bytes`: visiting every value takes longer than parsing. Most documents have too few brackets
    to be deep.
    """
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    outside_of_texts = b"".join(body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    brackets = outside_of_texts.translate(_AS_SQUARE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise MalformedBodyError(_TOO_DEEP)


def _refuse_lone_surrogates(document: Any) -> None:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise MalformedBodyError("a text holds a lone surrogate") from error


def escaped(text: str) -> str:
    """Return a text with its control characters, also C1, as JSON escapes, so that no terminal interprets them."""
    return re.sub(_CONTROLS, lambda found: f"\\u{ord(found[0]):04x}", text)
