"""Chance: bearer tokens, 256 random bits of which the ledger keeps only the SHA-256, and idempotency keys."""

import hashlib
import re
import secrets

from countersign.domain.proofs import PREFIX

TOKEN_BYTES = 32
_TOKEN = re.compile(rf"({PREFIX})?[A-Za-z0-9_-]{{43}}", re.ASCII)


def mint() -> tuple[str, str]:
    """Return a new URL-safe token, which goes into one message and is never stored, and its SHA-256 in hex."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, _digest(token)


def mint_proof() -> tuple[str, str]:
    """Return a new token for a link of `countersign prove`, and its fingerprint; see `countersign.domain.proofs`."""
    token = f"{PREFIX}{secrets.token_urlsafe(TOKEN_BYTES)}"
    return token, f"{PREFIX}{_digest(token)}"


def idempotency_key() -> str:
    """Return a new idempotency key, by which a payment service recognises a repeated request (UUID, RFC 9562).

    Call it in a named step of its own before the request, so that every retry has the same key.
    """
    # Imported here: no page and no webhook needs it, and it would slow their cold starts.
    import uuid

    return str(uuid.uuid4())


def fingerprint(token: str) -> str | None:
    """Return the token's SHA-256 in hex, the key it is known by; None when it cannot be a token.

    The fingerprint of a proof's token begins with `prove-`, as the token does.

    The last character of 43 carries four bits and two that a decoder ignores: hashing the text, not the decoded
    bytes, keeps every other spelling of the same bits unknown.
    """
    found = _TOKEN.fullmatch(token)
    return f"{found[1] or ''}{_digest(token)}" if found else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
