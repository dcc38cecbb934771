"""People: stand-ins for absent approvers, and approvers who are one person in the directory."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest

from countersign.domain.errors import ContractError
from countersign.domain.identity import NO_ALIASES, Aliases
from countersign.domain.people import Absence, Assignment, Entry, check_approvers
from countersign.domain.tasks import Delegation
from countersign.services.assignments import MAX_HOPS, assign
from countersign.testing.builders import APPROVER, NOW, OTHER_APPROVER, REQUESTER
from countersign.testing.fakes import MemoryDirectory

COLLEAGUE = "li@example.com"


def away(to: str, since: datetime = NOW, until: datetime = NOW + timedelta(days=7)) -> tuple[Absence, ...]:
    return (Absence(since, until, to),)


def assigned(known: dict[str, Entry], *people: str, taken: tuple[str, ...] = ()) -> Assignment:
    return assign(MemoryDirectory(known), REQUESTER, people or (APPROVER,), NOW, taken)


def test_a_stand_in_replaces_an_absent_approver() -> None:
    assignment = assigned({APPROVER: Entry(APPROVER, away(COLLEAGUE))}, OTHER_APPROVER, APPROVER)
    assert assignment.audience == (OTHER_APPROVER, COLLEAGUE)
    assert assignment.delegations == (Delegation(APPROVER, COLLEAGUE, NOW, standing=True),)


@pytest.mark.parametrize(
    ("since", "until", "stands_in"),
    [
        (timedelta(), timedelta(seconds=1), True),
        (timedelta(days=-1), timedelta(), False),
        (timedelta(seconds=1), timedelta(days=1), False),
    ],
    ids=["from the first moment", "back from the last moment", "not yet"],
)
def test_an_absence_applies_from_its_start_until_its_end(since: timedelta, until: timedelta, stands_in: bool) -> None:
    assignment = assigned({APPROVER: Entry(APPROVER, away(COLLEAGUE, NOW + since, NOW + until))})
    assert assignment.audience == ((COLLEAGUE,) if stands_in else (APPROVER,))


def test_the_stand_in_of_an_absent_stand_in_is_assigned() -> None:
    known = {APPROVER: Entry(APPROVER, away(COLLEAGUE)), COLLEAGUE: Entry(COLLEAGUE, away("zoe@example.com"))}
    assert assigned(known).audience == ("zoe@example.com",)


@pytest.mark.parametrize(
    "known",
    [
        {APPROVER: Entry(APPROVER, away(REQUESTER))},
        {APPROVER: Entry(APPROVER, away(COLLEAGUE)), COLLEAGUE: Entry(REQUESTER)},
        {APPROVER: Entry(APPROVER, away(OTHER_APPROVER))},
        {APPROVER: Entry(APPROVER, away(COLLEAGUE)), COLLEAGUE: Entry(OTHER_APPROVER)},
        {APPROVER: Entry(APPROVER, away("li@elsewhere.example"))},
        {APPROVER: Entry(APPROVER, away(COLLEAGUE)), COLLEAGUE: Entry(COLLEAGUE, away("li@elsewhere.example"))},
        {APPROVER: Entry(APPROVER, away(APPROVER))},
        {APPROVER: Entry(APPROVER, away(COLLEAGUE)), COLLEAGUE: Entry(COLLEAGUE, away(APPROVER))},
    ],
    ids=[
        *("requester", "requester's alias", "asked", "asked alias", "other domain"),
        *("other domain of a second stand-in", "self", "circle"),
    ],
)
def test_an_absent_approver_stays_assigned_without_a_possible_stand_in(known: dict[str, Entry]) -> None:
    assignment = assigned(known, APPROVER, OTHER_APPROVER)
    assert assignment.audience == (APPROVER, OTHER_APPROVER)
    assert assignment.delegations == ()


@pytest.mark.parametrize("alias", [REQUESTER, "m.lopez@example.com"])
def test_the_requester_and_people_of_other_tasks_get_no_stand_in(alias: str) -> None:
    known = {APPROVER: Entry(alias, away(COLLEAGUE))}
    assert assigned(known, APPROVER, taken=("m.lopez@example.com",)).audience == (APPROVER,)


def test_two_absent_approvers_do_not_share_a_stand_in() -> None:
    known = {person: Entry(person, away(COLLEAGUE)) for person in (APPROVER, OTHER_APPROVER)}
    assert assigned(known, APPROVER, OTHER_APPROVER).audience == (COLLEAGUE, OTHER_APPROVER)


def test_a_chain_of_absences_is_followed_up_to_a_limit() -> None:
    people = [f"p{number}@example.com" for number in range(MAX_HOPS + 3)]
    known = {person: Entry(person, away(to)) for person, to in itertools.pairwise(people)}
    assert assigned(known, people[0]).audience == (people[0],)


def test_an_assignment_has_the_aliases_of_all_its_people() -> None:
    known = {"m.lopez@example.com": Entry(APPROVER), REQUESTER: Entry("r.diaz@example.com")}
    assert assigned(known, "m.lopez@example.com").aliases.known == {
        "m.lopez@example.com": APPROVER,
        REQUESTER: "r.diaz@example.com",
    }


def test_a_question_to_a_machine_needs_no_lookup() -> None:
    assert assign(MemoryDirectory({"": Entry(APPROVER)}), "", (), NOW) == Assignment((), NO_ALIASES)


@pytest.mark.parametrize(
    ("people", "rule", "place"),
    [
        ([REQUESTER], {}, "approvers"),
        ([REQUESTER], {"kind": "any"}, "approvers"),
        ([REQUESTER.upper()], {"kind": "all"}, "approvers"),
        ([APPROVER, "r.diaz@example.com"], {"kind": "all"}, "approvers"),
        ([APPROVER, REQUESTER, OTHER_APPROVER], {"kind": "in_order"}, "approvers"),
        ([APPROVER, "r.diaz@example.com"], {"kind": "in_order"}, "approvers"),
        ([APPROVER, OTHER_APPROVER], {"kind": "quorum", "k": 3}, "rule/k"),
        ([REQUESTER], {"kind": "quorum"}, "rule/k"),
        ([APPROVER, "r.diaz@example.com"], {"kind": "quorum", "k": 2}, "rule/k"),
        ([APPROVER, "m.lopez@example.com"], {}, "approvers"),
    ],
)
def test_approvers_who_could_never_decide_are_refused(people: list[str], rule: dict[str, Any], place: str) -> None:
    aliases = Aliases({"r.diaz@example.com": REQUESTER, "m.lopez@example.com": APPROVER})
    with pytest.raises(ContractError) as refused:
        check_approvers(people, [REQUESTER], rule, aliases, "/input")
    assert refused.value.pointer == f"/input/{place}"


@pytest.mark.parametrize("rule", [{}, {"kind": "any"}, {"kind": "quorum", "k": 1}])
def test_the_requester_may_be_an_approver_where_the_others_suffice(rule: dict[str, Any]) -> None:
    check_approvers([REQUESTER, APPROVER], [REQUESTER], rule, NO_ALIASES, "")
