"""When two addresses are one person."""

import json
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.identity import NO_ALIASES, Aliases, caller_name, is_address, normalise, session_name, untagged

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
    assert NO_ALIASES.same(one, other)


@pytest.mark.parametrize("other", ["rit@example.com", "rita@example.org", "rita+1@example.com", ""])
def test_other_addresses_are_other_people(other: str) -> None:
    assert not NO_ALIASES.same("rita@example.com", other)


@given(addresses, addresses)
def test_two_people_are_one_exactly_when_their_normal_forms_are(one: str, other: str) -> None:
    assert NO_ALIASES.same(one, other) == NO_ALIASES.same(other, one) == (normalise(one) == normalise(other))


@given(addresses)
def test_a_normal_form_is_its_own_normal_form(address: str) -> None:
    assert normalise(normalise(address)) == normalise(address)


def test_an_alias_counts_as_its_owner() -> None:
    aliases = Aliases({"m.lopez@example.com": "maria@example.com"})
    assert aliases.same("M.Lopez@example.com", " maria@example.com")
    assert aliases.distinct(["m.lopez@example.com", "otto@example.com", "maria@example.com"]) == (
        "m.lopez@example.com",
        "otto@example.com",
    )


names = st.sampled_from([f"{name}@example.com" for name in "abcde"])
owners = st.dictionaries(names, names, max_size=5)


@given(owners, owners)
def test_who_is_one_person_to_either_is_one_person_to_both(known: dict[str, str], news: dict[str, str]) -> None:
    both = NO_ALIASES | Aliases(known) | Aliases(news)
    for address, owner in (*known.items(), *news.items()):
        assert both.same(address, owner)
    assert not set(both.known) & set(both.known.values())


def test_who_was_one_person_stays_one_when_another_of_their_addresses_becomes_the_first() -> None:
    renamed = Aliases({"r.diaz@example.com": "rita@example.com"}) | Aliases({"rita@example.com": "r.diaz@example.com"})
    assert renamed.same("rita@example.com", "r.diaz@example.com")


def test_strangers_to_both_stay_strangers() -> None:
    both = Aliases({"r.diaz@example.com": "rita@example.com"}) | Aliases({"m.lopez@example.com": "maria@example.com"})
    assert not both.same("rita@example.com", "maria@example.com")
    assert not both.same("r.diaz@example.com", "m.lopez@example.com")


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("rita+shop@example.com", "rita@example.com"),
        ("rita+shop+2@example.com", "rita@example.com"),
        ("rita@example.com", "rita@example.com"),
        ("+1@example.com", "+1@example.com"),
    ],
)
def test_a_subaddress_belongs_to_its_mailbox(address: str, owner: str) -> None:
    assert untagged(address) == owner


@pytest.mark.parametrize(
    "text",
    ["", "li", "li@", "@example.com", "li@exa mple.com", "li@example.com\n", "lí@example.com", "li?x=1@example.com"],
)
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_an_address_is_what_the_contracts_of_inputs_call_one() -> None:
    schema = json.loads(files("countersign.contracts.schemas").joinpath("order-approval.input.json").read_text("utf-8"))
    contract = re.compile(schema["definitions"]["address"]["pattern"].replace("\\$%", "$%"))
    for text in (
        *(f"li{mark}x@example.com" for mark in map(chr, range(33, 127)) if not mark.isupper()),
        "li@example.com",
        "a.b+c_d@sub.example.org",
        "li@-example.com",
        "li@example..com",
        "x" * 65 + "@e.org",
    ):
        assert is_address(text) == bool(contract.match(text))


@pytest.mark.parametrize(
    ("caller", "name", "session"),
    [
        ("arn:aws:sts::1:assumed-role/shop/Rita@example.com", "assumed-role/shop/Rita@example.com", "Rita@example.com"),
        ("arn:aws-cn:sts::111122223333:assumed-role/shop/i-0abc", "assumed-role/shop/i-0abc", "i-0abc"),
        ("arn:aws:iam::111122223333:user/shop/rita@example.com", "user/shop/rita@example.com", ""),
        ("arn:aws:sts::111122223333:federated-user/rita@example.com", "federated-user/rita@example.com", ""),
        ("arn:aws:iam::111122223333:root", "root", ""),
        ("held_payments", "held_payments", ""),
        ("", "", ""),
    ],
)
def test_only_a_session_of_a_role_has_the_name_of_a_person(caller: str, name: str, session: str) -> None:
    assert (caller_name(caller), session_name(caller)) == (name, session)
