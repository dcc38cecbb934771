"""Documents: values by pointer, or an error with the pointer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.errors import ContractError
from countersign.domain.money import ISO_4217
from countersign.providers.documents import Document

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from("ab"), inside, max_size=2),
)

READERS: dict[str, Callable[[Document], Any]] = {
    "text": lambda document: document.text("/a/b"),
    "note": lambda document: document.note("/a/b"),
    "count": lambda document: document.count("/a/b"),
    "currency": lambda document: document.currency("/a/b"),
    "amount": lambda document: document.amount("/a/b", "EUR"),
    "minor_units": lambda document: document.minor_units("/a/b", "EUR", ISO_4217),
    "moment": lambda document: document.moment("/a/b"),
    "each": lambda document: document.each("/a/b"),
    "member": lambda document: document.member("/a/b"),
}


@pytest.mark.parametrize("reader", READERS)
@given(value=values)
def test_any_value_is_read_or_refused_with_its_pointer(reader: str, value: Any) -> None:
    for document in (Document({"a": {"b": value}}), Document({"a": value}), Document(value)):
        try:
            READERS[reader](document)
        except ContractError as error:
            assert error.pointer == "/a/b"  # noqa: PT017  most values are read, and none may raise anything else


def test_a_note_is_cut_and_an_empty_note_is_none() -> None:
    assert Document({"a": "x" * 501}).note("/a") == "x" * 500
    assert Document({"a": ""}).note("/a") is None
    assert Document({}).note("/a") is None


@pytest.mark.parametrize("value", [True, 1.0, "1", -1, 2**63, 10**4000, None, [1]])
def test_a_count_is_a_whole_number_of_at_most_64_bits(value: Any) -> None:
    with pytest.raises(ContractError, match="whole number"):
        Document({"a": value}).count("/a")


@pytest.mark.parametrize(
    "value",
    [
        *("2026-03-01T09:00:00Z", "2026-03-01T09:00:00+00:00", "2026-03-01T04:00:00-05:00"),
        *("2026-03-01T09:00:00.000Z", "2026-03-01T09:00:00.000000000Z", 1772355600),
    ],
)
def test_a_moment_is_iso_8601_with_a_zone_or_seconds_since_1970(value: Any) -> None:
    assert Document({"a": value}).moment("/a") == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", "2026-03-01", "2026-03-01T09:00:00", "2026-02-30T09:00:00Z", "２０２６-03-01T09:00:00Z"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "x" * 5000, -1, 10**12, 10**18, 10**400),
        *(1772355600.5, True, [], {}),
    ],
)
def test_another_form_of_time_is_refused(value: Any) -> None:
    with pytest.raises(ContractError, match="must be a time"):
        Document({"a": value}).moment("/a")
