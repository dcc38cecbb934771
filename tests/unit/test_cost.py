"""The arithmetic of `make cost`."""

from datetime import date, timedelta
from typing import Any

import pytest

from benchmarks.cost.deployed import matches
from benchmarks.cost.prices import LONGEST_AGE, Price, Prices
from benchmarks.cost.units import Index, read_units, size, write_units

TODAY = date(2026, 11, 27)
ALL = Index(("gpk", "gsk"))
KEYS = Index(("gpk", "gsk"), frozenset({"pk", "gpk", "gsk"}))


def item(length: int = 0, **more: str) -> dict[str, Any]:
    """Return an item of the size of its key, 4 bytes, and `length` more."""
    return {"pk": {"S": "id"}, **({"x": {"S": "x" * (length - 1)}} if length else {})} | {
        name: {"S": value} for name, value in more.items()
    }


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"S": "Käse"}, 5),
        ({"N": "1806915600"}, 5),
        ({"N": "7"}, 2),
        ({"BOOL": True}, 1),
        ({"B": b"123"}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 3 + 2 + 3),
        ({"M": {"name": {"S": "ab"}}}, 3 + 1 + 4 + 2),
    ],
)
def test_an_attribute_has_the_size_that_dynamodb_names(attribute: dict[str, Any], expected: int) -> None:
    assert size({"n": attribute}) == 1 + expected


def test_a_write_takes_a_unit_for_each_kilobyte_of_the_larger_image() -> None:
    assert [write_units(item(length)) for length in (0, 1020, 1021, 3000)] == [1, 1, 2, 3]
    assert write_units(item(1021), item()) == write_units(item(), item(1021)) == 2
    assert write_units({}) == 1, "a refused or needless write is paid too"


def test_a_read_takes_a_unit_for_each_four_kilobytes_and_half_where_it_is_eventually_consistent() -> None:
    assert [read_units([item(length)]) for length in (0, 4092, 4093)] == [1, 1, 2]
    assert (read_units([item(3000), item(3000)], consistent=False), read_units([])) == (1, 1)


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ({}, item(), 0),
        ({}, item(2000, gpk="a", gsk="1"), 2),
        (item(2000, gpk="a", gsk="1"), item(2000, gpk="a", gsk="1"), 0),
        (item(10, gpk="a", gsk="1"), item(2000, gpk="a", gsk="1"), 2),
        (item(10, gpk="a", gsk="1"), item(2000, gpk="a", gsk="2"), 1 + 2),
        (item(2000, gpk="a", gsk="1"), item(2000), 2),
    ],
)
def test_the_index_takes_units_for_entries_that_change_and_twice_where_the_key_changes(
    before: dict[str, Any], after: dict[str, Any], units: int
) -> None:
    assert ALL.write_units(before, after) == units


def test_an_index_of_keys_takes_no_units_for_other_attributes() -> None:
    assert KEYS.write_units(item(10, gpk="a", gsk="1"), item(2000, gpk="a", gsk="1")) == 0
    assert KEYS.write_units({}, item(2000, gpk="a", gsk="1")) == 1


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ({"eventName": ["INSERT", "MODIFY"]}, {"eventName": "MODIFY"}, True),
        ({"eventName": ["INSERT"]}, {"eventName": "REMOVE"}, False),
        ({"pk": {"S": [{"prefix": "AUDIT#"}]}}, {"pk": {"S": "AUDIT#1"}}, True),
        ({"pk": {"S": [{"prefix": "AUDIT#"}]}}, {}, False),
        ({"bounced": {"N": [{"exists": False}]}}, {}, True),
        ({"bounced": {"N": [{"exists": False}]}}, {"bounced": {"N": "1"}}, False),
    ],
)
def test_a_stream_record_passes_the_filter_of_an_event_source(pattern: Any, value: Any, expected: bool) -> None:
    assert matches(pattern, value) is expected


def test_a_price_is_for_a_million_or_for_a_gigabyte() -> None:
    million, gigabyte, month = (Price(0.5, per, "") for per in ("million", "GB", "month"))
    assert (million.of(3e6), gigabyte.of(4e9), month.of(7)) == (1.5, 2, 3.5)
    assert [million.amount(3e6), gigabyte.amount(4.05e9), month.amount(7)] == ["3 M x 0.5", "4.05 GB x 0.5", "7 x 0.5"]


def test_a_price_list_older_than_a_year_is_reported_with_the_fix() -> None:
    prices = Prices(TODAY - LONGEST_AGE, "us-east-1", {})
    assert prices.warning(TODAY) == ""
    warning = prices.warning(TODAY + timedelta(days=1))
    assert all(part in warning for part in ("prices.toml", "2025-11-27", "`source`", "`dollars`", "`checked`"))


def test_every_price_of_the_list_names_its_source() -> None:
    prices = Prices.load()
    assert all(
        price.dollars > 0 and price.source.startswith("https://aws.amazon.com/") for price in prices.prices.values()
    )
