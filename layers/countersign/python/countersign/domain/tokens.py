"""Chance: bearer tokens, 256 random bits of which the ledger keeps only the SHA-256, and idempotency keys."""

import hashlib
import re
import secrets
import uuid

TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def mint() -> tuple[str, str]:
    """Return a new URL-safe token, which goes into one message and is never stored, and its SHA-256 in hex."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, _digest(token)


def idempotency_key() -> str:
    """Return a new idempotency key, by which a payment service recognises a repeated request (UUID, RFC 9562).

    Call it in a named step of its own before the request, so that every retry has the same key.
    """
    return str(uuid.uuid4())


def fingerprint(token: str) -> str | None:
    """Return the token's SHA-256 in hex, the key it is known by; None when it cannot be a token.

    The last character of 43 carries four bits and two that a decoder ignores: hashing the text, not the decoded
    bytes, keeps every other spelling of the same bits unknown.
    """
    if not _TOKEN.fullmatch(token):
        return None
    return _digest(token)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
