"""Building blocks for verifying webhooks: keys, a window of time, a comparison in constant time.

Signatures are compared as text and never decoded. So each has one spelling: neither upper-case hex nor another last
character of base64 is accepted.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from datetime import datetime

from countersign.domain.errors import SecretError, SignatureError

WINDOW_SECONDS = 300
MAX_SIGNATURES = 16
_MAX_TIMESTAMP_DIGITS = 11


def keys(secrets: Sequence[str], decode: Callable[[str], bytes] = str.encode) -> list[bytes]:
    """Return the keys of all active secrets.

    Args:
        secrets: The configured secrets.
        decode: Makes a key of a secret; raises ValueError if the secret is malformed.

    Raises:
        SecretError: No secret is configured, or one is malformed. One malformed secret disables all, so that it is
            noticed now and not when the other one is withdrawn; providers retry for days.
    """
    if isinstance(secrets, str) or not secrets:
        raise SecretError("no list of signing secrets is configured")
    return [_key(secret, number, decode) for number, secret in enumerate(secrets, 1)]


def _key(secret: str, number: int, decode: Callable[[str], bytes]) -> bytes:
    try:
        key = decode(secret)
    except ValueError:
        key = b""
    if not key or secret != secret.strip():
        raise SecretError(f"signing secret {number} does not have its provider's form")
    return key


def in_hex(key: bytes, signed: bytes) -> str:
    """Return the HMAC-SHA256 as lower-case hex."""
    return hmac.digest(key, signed, "sha256").hex()


def in_base64(key: bytes, signed: bytes) -> str:
    """Return the HMAC-SHA256 as base64 with padding."""
    return b2a_base64(hmac.digest(key, signed, "sha256"), newline=False).decode()


def require_fresh(timestamp: str, now: datetime) -> None:
    """Refuse a timestamp that is not within 300 seconds of now.

    Args:
        timestamp: Seconds since 1970, in ASCII digits and nothing else.
        now: The current time.

    Raises:
        SignatureError: `malformed`, `stale` or `future`.
    """
    plain = timestamp.isascii() and timestamp.isdigit() and not timestamp.startswith("0")
    if not plain or len(timestamp) > _MAX_TIMESTAMP_DIGITS:
        raise SignatureError("malformed")
    ahead = int(timestamp) - now.timestamp()
    if abs(ahead) > WINDOW_SECONDS:
        raise SignatureError("future" if ahead > 0 else "stale")


def require_match(sent: Sequence[str], expected: Sequence[str]) -> None:
    """Refuse signatures if none is an expected one; all pairs are compared in constant time.

    Args:
        sent: The signatures of the request, of this scheme's version.
        expected: One for each active secret, all of one length.

    Raises:
        SignatureError: `missing` without a signature, `malformed` if more than 16 were sent or none has the form of a
            signature, `mismatch` otherwise.
    """
    if not sent:
        raise SignatureError("missing")
    if len(sent) > MAX_SIGNATURES:
        raise SignatureError("malformed")
    candidates = [text.encode() for text in sent if text.isascii() and len(text) == len(expected[0])]
    if not candidates:
        raise SignatureError("malformed")
    if not any(hmac.compare_digest(own.encode(), other) for own in expected for other in candidates):
        raise SignatureError("mismatch")
