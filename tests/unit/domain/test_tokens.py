"""Tokens: 256 random bits, stored as a fingerprint."""

import hashlib
import re
import uuid
from collections.abc import Callable

import pytest

from countersign.domain.tokens import fingerprint, idempotency_key, mint, mint_proof


def test_a_token_is_43_url_safe_characters_and_identified_by_its_sha_256() -> None:
    token, known_by = mint()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert known_by == hashlib.sha256(token.encode()).hexdigest() == fingerprint(token)


def test_the_fingerprint_of_a_proofs_token_begins_as_the_token() -> None:
    token, known_by = mint_proof()
    assert re.fullmatch(r"prove-[A-Za-z0-9_-]{43}", token)
    assert known_by == f"prove-{hashlib.sha256(token.encode()).hexdigest()}" == fingerprint(token)


@pytest.mark.parametrize("make", [mint, mint_proof, idempotency_key])
def test_every_token_and_every_idempotency_key_is_different(make: Callable[[], object]) -> None:
    assert len({make() for _ in range(500)}) == 500


def test_an_idempotency_key_is_a_random_uuid() -> None:
    key = idempotency_key()
    assert (str(uuid.UUID(key)), uuid.UUID(key).version) == (key, 4)


@pytest.mark.parametrize(
    "text",
    [
        *("", "t", "t" * 42, "t" * 44, "t" * 42 + "=", "t" * 42 + "+", "t" * 43 + "\n", " " + "t" * 43, "ｔ" * 43),
        "t" * 42 + "é",
    ],
)
def test_a_text_that_is_not_a_token_has_no_fingerprint(text: str) -> None:
    assert fingerprint(text) is None


def test_a_token_is_compared_as_text_and_not_as_decoded_bytes() -> None:
    assert fingerprint("A" * 43) != fingerprint("A" * 42 + "B"), "base64url decodes both to the same 32 bytes"
