"""Plain values as DynamoDB's attribute values."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.adapters.attributes import from_attribute, from_item, to_attribute, to_item
from countersign.domain.tasks import Status

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(values)
def test_every_plain_value_is_read_as_it_was_written(value: Any) -> None:
    assert from_attribute(to_attribute(value)) == value


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (None, {"NULL": True}),
        (True, {"BOOL": True}),
        (1, {"N": "1"}),
        ("", {"S": ""}),
        (Status.OPEN, {"S": "OPEN"}),
        ([1], {"L": [{"N": "1"}]}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
        ({"a": None}, {"M": {"a": {"NULL": True}}}),
    ],
)
def test_a_value_becomes_the_attribute_of_its_type(value: Any, attribute: dict[str, Any]) -> None:
    assert to_attribute(value) == attribute
    assert type(next(iter(to_attribute(Status.OPEN).values()))) is str


@pytest.mark.parametrize("value", [1.5, Decimal("1.5"), b"bytes", {1, 2}, object()])
def test_other_types_are_refused_by_name(value: Any) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        to_attribute(value)


def test_an_item_omits_empty_keys() -> None:
    assert (to_item({"a": None, "b": 1}), from_item({"b": {"N": "1"}})) == ({"b": {"N": "1"}}, {"b": 1})


@pytest.mark.parametrize("attribute", [{"SS": ["a"]}, {"B": b"x"}])
def test_an_attribute_of_another_type_is_returned_unchanged(attribute: dict[str, Any]) -> None:
    assert from_attribute(attribute) == next(iter(attribute.values()))
