"""The shared functions of verifiers."""

from typing import Any

import pytest

from countersign.domain.errors import SecretError, SignatureError
from countersign.providers import signatures

EXPECTED = ["a" * 64, "b" * 64]


def refused(reason: str) -> Any:
    return pytest.raises(SignatureError, match=f": {reason}$")


def test_one_matching_signature_of_any_key_is_enough() -> None:
    for own in EXPECTED:
        signatures.require_match(["c" * 64, own], EXPECTED)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ([], "missing"),
        (["a" * 64] * 17, "malformed"),
        ([""], "malformed"),
        (["a" * 63], "malformed"),
        (["é" * 64], "malformed"),
        (["é" * 32], "malformed"),
        (["\ud800" * 64], "malformed"),
        (["A" * 64], "mismatch"),
        (["c" * 64] * 16, "mismatch"),
        (["é" * 64, "c" * 64], "mismatch"),
    ],
)
def test_other_signatures_are_refused_with_a_reason(sent: list[str], reason: str) -> None:
    with refused(reason):
        signatures.require_match(sent, EXPECTED)


def test_every_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr("hmac.compare_digest", compare)
    with refused("mismatch"):
        signatures.require_match(EXPECTED, EXPECTED)
    assert sorted(compared) == sorted((one.encode(), other.encode()) for one in EXPECTED for other in EXPECTED)


def test_a_malformed_secret_is_reported_by_its_number_and_is_in_no_traceback() -> None:
    with pytest.raises(SecretError) as error:
        signatures.keys(["00", "s3cr3t"], bytes.fromhex)
    assert error.value.reason == "signing secret 2 does not have its provider's form"
    assert error.value.__suppress_context__ or error.value.__context__ is None
