"""Rules: the verdict of votes, compared with an oracle that tries every possible outcome."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.rules import Decision, Outcome, Rule, Verdict, decide

YES, NO = Decision.APPROVE, Decision.REJECT
PEOPLE = tuple("abcdef")


@st.composite
def ballots(draw: st.DrawFn) -> tuple[Rule, tuple[str, ...], dict[str, Decision]]:
    audience = PEOPLE[: draw(st.integers(1, len(PEOPLE)))]
    kind = draw(st.sampled_from(["any", "all", "quorum"]))
    rule = Rule(kind, draw(st.integers(1, len(PEOPLE) + 1)), veto=draw(st.booleans()))
    return rule, audience, draw(st.dictionaries(st.sampled_from(audience), st.sampled_from(Decision)))


def oracle(rule: Rule, audience: tuple[str, ...], votes: dict[str, Decision]) -> Outcome | None:
    """Return the outcome of the votes by trying every remaining vote."""
    needed = {"any": 1, "all": len(audience), "quorum": rule.k}[rule.kind]
    silent = [person for person in audience if person not in votes]
    ends = [[*votes.values(), *rest].count(YES) for rest in product([YES, NO], repeat=len(silent))]
    if min(ends) >= needed:
        return Outcome.APPROVED
    one_rejection_decides = rule.veto or rule.kind == "any"
    if NO in votes.values() and (one_rejection_decides or max(ends) < needed):
        return Outcome.REJECTED
    return None


@given(ballots())
def test_votes_decide_as_the_oracle_says(ballot: tuple[Rule, tuple[str, ...], dict[str, Decision]]) -> None:
    verdict = decide(*ballot)
    assert (verdict and verdict.outcome) == oracle(*ballot)


@given(ballots())
def test_a_verdict_names_voters_in_audience_order(ballot: tuple[Rule, tuple[str, ...], dict[str, Decision]]) -> None:
    rule, audience, votes = ballot
    verdict = decide(rule, audience, votes)
    if verdict:
        said = YES if verdict.outcome is Outcome.APPROVED else NO
        assert verdict.decided_by == tuple(person for person in audience if votes.get(person) is said)


@given(ballots(), st.dictionaries(st.sampled_from("xyz"), st.sampled_from(Decision)))
def test_votes_of_people_outside_the_audience_count_for_nothing(
    ballot: tuple[Rule, tuple[str, ...], dict[str, Decision]], strangers: dict[str, Decision]
) -> None:
    rule, audience, votes = ballot
    assert decide(rule, audience, votes | strangers) == decide(rule, audience, votes)


@pytest.mark.parametrize("rule", [Rule("any"), Rule("all"), Rule("quorum", 1)])
def test_a_task_without_voters_is_not_decided(rule: Rule) -> None:
    assert decide(rule, (), {}) is None


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (None, Rule("any", 1, veto=True)),
        ({"kind": "any"}, Rule("any", 1, veto=True)),
        ({"kind": "all"}, Rule("all", 1, veto=True)),
        ({"kind": "quorum", "k": 2}, Rule("quorum", 2, veto=False)),
        ({"kind": "quorum", "k": 2, "veto": True}, Rule("quorum", 2, veto=True)),
        ({"kind": "all", "veto": False}, Rule("all", 1, veto=False)),
        ({"kind": "in_order"}, Rule("in_order", 1, veto=True)),
    ],
)
def test_every_rule_except_a_quorum_has_a_veto_by_default(document: dict[str, object] | None, rule: Rule) -> None:
    assert Rule.from_document(document) == rule


ASKED = ("a", "b", "boss", "chair")
"""Two people, and two whom an escalation added."""


@pytest.mark.parametrize(
    ("votes", "verdict"),
    [
        ({"a": YES}, None),
        ({"a": YES, "b": YES}, Verdict(Outcome.APPROVED, ("a", "b"))),
        ({"boss": YES}, Verdict(Outcome.APPROVED, ("boss",))),
        ({"a": YES, "chair": YES}, Verdict(Outcome.APPROVED, ("a", "chair"))),
        ({"a": NO, "chair": YES}, Verdict(Outcome.REJECTED, ("a",))),
        ({"a": YES, "boss": NO}, Verdict(Outcome.REJECTED, ("boss",))),
    ],
)
@pytest.mark.parametrize("veto", [True, False])
def test_with_the_rule_all_an_escalated_approval_replaces_missing_votes_and_any_rejection_is_a_veto(
    votes: dict[str, Decision], verdict: Verdict | None, veto: bool
) -> None:
    assert decide(Rule("all", veto=veto), ASKED, votes, ("boss", "chair")) == verdict


@given(ballots(), st.sets(st.sampled_from(PEOPLE)))
def test_an_escalation_never_delays_an_approval(
    ballot: tuple[Rule, tuple[str, ...], dict[str, Decision]], escalated: set[str]
) -> None:
    rule, audience, votes = ballot
    before = tuple(person for person in audience if person not in escalated)
    alone = decide(rule, before, {person: vote for person, vote in votes.items() if person in before})
    if alone and alone.outcome is Outcome.APPROVED and NO not in votes.values():
        verdict = decide(rule, audience, votes, escalated)
        assert verdict
        assert verdict.outcome is Outcome.APPROVED
