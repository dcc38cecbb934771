"""Identity: addresses that belong to one person."""

import json
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.identity import (
    NO_ALIASES,
    Aliases,
    caller_name,
    is_address,
    is_session_of,
    normalise,
    role_of,
    session_name,
    untagged,
)

addresses = st.emails()
ROLE = "arn:aws:iam::111122223333:role/teams/payments/Prover"
SESSION = "arn:aws:sts::111122223333:assumed-role/Prover/rita@example.com"


@pytest.mark.parametrize(
    ("address", "same"),
    [
        *((spelling, True) for spelling in ("Rita@Example.COM", "  rita@example.com\n", "ｒｉｔａ@example.com")),
        *((other, False) for other in ("rit@example.com", "rita@example.org", "rita+1@example.com", "")),
    ],
)
def test_only_spellings_of_one_address_are_one_person(address: str, same: bool) -> None:
    assert NO_ALIASES.same("rita@example.com", address) is same
    assert NO_ALIASES.same("straße@example.com", "STRASSE@example.com")


@given(addresses, addresses)
def test_two_addresses_are_one_person_exactly_when_their_normal_forms_are_equal(one: str, other: str) -> None:
    assert NO_ALIASES.same(one, other) == NO_ALIASES.same(other, one) == (normalise(one) == normalise(other))


@given(addresses)
def test_normalising_twice_equals_normalising_once(address: str) -> None:
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
def test_merged_aliases_keep_every_pair_of_both(known: dict[str, str], news: dict[str, str]) -> None:
    both = NO_ALIASES | Aliases(known) | Aliases(news)
    for address, owner in (*known.items(), *news.items()):
        assert both.same(address, owner)
    assert not set(both.known) & set(both.known.values())


def test_merged_aliases_do_not_join_different_people() -> None:
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
def test_an_invalid_address_is_refused(text: str) -> None:
    assert not is_address(text)


def test_the_domain_and_the_contracts_accept_the_same_addresses() -> None:
    schema = json.loads(files("countersign.contracts.schemas").joinpath("order-approval.input.json").read_text("utf-8"))
    contract = re.compile(schema["definitions"]["address"]["pattern"].replace("\\$%", "$%"))
    for text in (
        *(f"li{mark}x@example.com" for mark in map(chr, range(33, 127)) if not mark.isupper()),
        *("li@example.com", "a.b+c_d@sub.example.org", "li@-example.com", "li@example..com", "x" * 65 + "@e.org"),
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
def test_only_the_session_of_an_assumed_role_has_a_session_name(caller: str, name: str, session: str) -> None:
    assert (caller_name(caller), session_name(caller)) == (name, session)


@pytest.mark.parametrize(
    ("caller", "role"),
    [
        ("arn:aws:sts::111122223333:assumed-role/shop/Rita@example.com", "arn:aws:iam::111122223333:role/shop"),
        ("arn:aws-cn:sts::111122223333:assumed-role/shop/i-0abc", "arn:aws-cn:iam::111122223333:role/shop"),
        *((arn, arn) for arn in ("arn:aws:iam::111122223333:user/shop/rita", "arn:aws:iam::111122223333:role/a/b", "")),
    ],
)
def test_the_role_of_a_session_is_without_its_path_and_any_other_principal_is_itself(caller: str, role: str) -> None:
    assert role_of(caller) == role


@pytest.mark.parametrize(
    ("caller", "role", "same"),
    [
        (SESSION, ROLE, True),
        (SESSION, ROLE.replace("teams/payments/", ""), True),
        (SESSION.replace("Prover", "Prover2"), ROLE, False),
        (SESSION.replace("1111", "4444"), ROLE, False),
        (ROLE, ROLE, False),
        ("arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:root", True),
        (SESSION, "", False),
        ("", "", False),
    ],
)
def test_a_session_belongs_to_the_role_of_its_account_and_name(caller: str, role: str, same: bool) -> None:
    assert is_session_of(caller, role) is same
