"""When two addresses are one person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.identity import normalise, same_person

addresses = st.emails()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rita@example.com", "Rita@Example.COM"),
        ("rita@example.com", "  rita@example.com\n"),
        ("rita@example.com", "ｒｉｔａ@example.com"),
        ("straße@example.com", "STRASSE@example.com"),
    ],
)
def test_spellings_of_one_address_are_one_person(one: str, other: str) -> None:
    assert same_person(one, other)


@pytest.mark.parametrize("other", ["rit@example.com", "rita@example.org", "rita+1@example.com", ""])
def test_other_addresses_are_other_people(other: str) -> None:
    assert not same_person("rita@example.com", other)


@given(addresses, addresses)
def test_two_people_are_one_exactly_when_their_normal_forms_are(one: str, other: str) -> None:
    assert same_person(one, other) == same_person(other, one) == (normalise(one) == normalise(other))


@given(addresses)
def test_a_normal_form_is_its_own_normal_form(address: str) -> None:
    assert normalise(normalise(address)) == normalise(address)
