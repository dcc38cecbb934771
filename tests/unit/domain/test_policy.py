"""Policy: the terms of an amount, compared with an oracle that tries every row."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.errors import ContractError, UncoveredAmountError
from countersign.domain.identity import Aliases
from countersign.domain.policy import Escalation, Policy, Terms
from countersign.domain.rules import Rule
from countersign.domain.strict_json import digest
from countersign.testing.builders import APPROVER, OTHER_APPROVER, REQUESTER, any_input

CURRENCIES = ("EUR", "USD", "JPY")
AMOUNTS = st.decimals(0, 40, places=2)

ROWS: list[dict[str, Any]] = [
    {"currency": "EUR", "up_to": "50.00", "auto_approve": True},
    {"currency": "EUR", "up_to": "5000", "rule": {"kind": "quorum", "k": 2}, "deadline_seconds": 60},
    {
        "currency": "EUR",
        "approvers": [APPROVER],
        "reminders_seconds": [],
        "escalations": [{"after_seconds": 5, "to": [OTHER_APPROVER]}],
    },
    {"currency": "USD", "up_to": "10"},
]
POLICY = Policy.from_document(ROWS)


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return rows that the settings allow: ascending bounds per currency, and only the last without a bound."""
    lists = []
    for currency in draw(st.lists(st.sampled_from(CURRENCIES), min_size=1, unique=True)):
        bounds = sorted(draw(st.sets(AMOUNTS, min_size=1, max_size=4)))
        rows = [{"currency": currency, "up_to": str(bound)} for bound in bounds]
        lists.append(rows + ([{"currency": currency}] if draw(st.booleans()) else []))
    mixed = []
    while any(lists):
        mixed.append(draw(st.sampled_from([rows for rows in lists if rows])).pop(0))
    return [row | {"deadline_seconds": number} for number, row in enumerate(mixed, start=1)]


def oracle(rows: list[dict[str, Any]], amount: Decimal, currency: str) -> int | None:
    """Return the number of the covering row with the lowest bound."""
    bounds = [
        (Decimal(row.get("up_to", "Infinity")), row["deadline_seconds"]) for row in rows if row["currency"] == currency
    ]
    return min(((bound, number) for bound, number in bounds if amount <= bound), default=(None, None))[1]


@given(documents(), AMOUNTS, st.sampled_from((*CURRENCIES, "CHF")))
def test_an_amount_has_the_smallest_row_covering_it(rows: list[dict[str, Any]], amount: Decimal, currency: str) -> None:
    try:
        found = Policy.from_document(rows).terms(amount, currency).deadline_seconds
    except UncoveredAmountError:
        found = None
    assert found == oracle(rows, amount, currency)


def test_the_terms_are_those_of_the_row() -> None:
    assert POLICY.terms(Decimal("50.00"), "EUR") == Terms(POLICY.version, auto_approve=True)
    assert POLICY.terms(Decimal("50.01"), "EUR") == Terms(
        POLICY.version, rule=Rule("quorum", 2, veto=False), deadline_seconds=60, floor=Decimal("50.00")
    )
    assert POLICY.terms(Decimal(9_999_999), "EUR") == Terms(
        POLICY.version,
        approvers=(APPROVER,),
        rule=Rule("any"),
        reminders_seconds=(),
        escalations=(Escalation(5, (OTHER_APPROVER,)),),
        floor=Decimal(5000),
    )
    assert POLICY.terms(Decimal(10), "USD") == Terms(POLICY.version)
    care: dict[str, Any] = {"confirm": True, "comment": "required_on_reject", "send_back": False}
    careful = Policy.from_document([{"currency": "EUR", **care}])
    assert careful.terms(Decimal(10), "EUR") == Terms(careful.version, **care)


@pytest.mark.parametrize(("amount", "currency"), [("10.01", "USD"), ("1", "CHF"), ("-1", "EUR"), ("NaN", "EUR")])
def test_an_amount_that_no_row_covers_is_refused_with_the_covered_amounts(amount: str, currency: str) -> None:
    with pytest.raises(UncoveredAmountError) as refusal:
        POLICY.terms(Decimal(amount), currency)
    assert refusal.value.reason.endswith("covered are EUR of any amount, USD up to 10")
    assert refusal.value.pointer == "/input/amount"
    assert amount not in refusal.value.reason.replace("up to 10", "")


def test_the_version_is_the_digest_of_the_canonical_document() -> None:
    assert POLICY.version == digest(ROWS)[:12]
    spelt_otherwise = [dict(reversed(row.items())) for row in ROWS]
    assert Policy.from_document(spelt_otherwise).version == POLICY.version
    assert Policy.from_document(ROWS[:3]).version != POLICY.version


# Requests
@pytest.mark.parametrize("document", [{}, {"amount": "ten"}, {"amount": None}, {"amount": "NaN", "currency": "EUR"}])
def test_a_request_without_an_amount_is_not_covered(document: dict[str, Any]) -> None:
    with pytest.raises(UncoveredAmountError):
        POLICY.check(document)


def test_a_request_without_approvers_needs_only_amount_and_currency() -> None:
    POLICY.check({"amount": "250", "currency": "EUR"})


@pytest.mark.parametrize("approvers", [[APPROVER], [APPROVER, REQUESTER.upper()], [APPROVER, APPROVER.title()]])
def test_a_quorum_that_the_approvers_of_the_request_cannot_reach_is_refused(approvers: list[str]) -> None:
    with pytest.raises(ContractError) as refusal:
        POLICY.check(any_input(approvers=approvers))
    assert refusal.value.pointer == "/input/approvers"


@pytest.mark.parametrize("own", [{"requester": APPROVER}, {"on_behalf_of": APPROVER}], ids=["asks", "for"])
def test_the_only_approver_of_a_policy_row_cannot_be_the_requester(own: dict[str, str]) -> None:
    with pytest.raises(ContractError, match=r"by policy, needs at least 1 besides the requester.*; has 0"):
        POLICY.check(any_input(amount="5001", approvers=[OTHER_APPROVER], **own))


@pytest.mark.parametrize("kind", ["all", "in_order"])
def test_an_approver_of_a_policy_row_that_needs_all_cannot_be_the_requester(kind: str) -> None:
    policy = Policy.from_document(
        [{"currency": "EUR", "approvers": [APPROVER, OTHER_APPROVER], "rule": {"kind": kind}}]
    )
    policy.check(any_input())
    with pytest.raises(ContractError, match="by policy, names the requester"):
        policy.check(any_input(requester="r.diaz@example.com"), Aliases({"r.diaz@example.com": OTHER_APPROVER}))


def test_an_automatic_approval_needs_no_approvers() -> None:
    POLICY.check(any_input(amount="1", approvers=[REQUESTER]))
