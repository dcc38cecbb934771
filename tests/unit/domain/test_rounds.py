"""Rounds: sending a task back, the requester's answer, and the revision that begins a new round."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain import errors, recovery, rounds, tasks, votes
from countersign.domain.audit import GENESIS, AuditEntry, append
from countersign.domain.audit_verification import contradictions
from countersign.domain.identity import NO_ALIASES, Aliases
from countersign.domain.people import Assignment
from countersign.domain.questions import Question
from countersign.domain.rules import Decision
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS, Change, Status, Task, Vote
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    any_decided_task,
    any_exchange,
    any_rule,
    any_task,
)

SOURCE = "203.0.113.0/24"
LATER = NOW + timedelta(minutes=5)
STALE = "0" * 64
LONG = "x" * (MAX_COMMENT_CHARACTERS + 1)
ASKED: dict[str, Any] = {
    "send_back": True,
    "tells_requester": True,
    "audience": (APPROVER, OTHER_APPROVER),
    "rule": any_rule("all"),
    "amount": "250.00 EUR",
    "fixed": ("Order",),
}
OPEN = any_task(**ASKED)
VOTED = any_task(**ASKED, votes={OTHER_APPROVER: Vote(Decision.APPROVE, "Fine", NOW)})
RETURNED = replace(VOTED, exchanges=(any_exchange(),))


def send_back(task: Task, recipient: str = APPROVER, comment: str = "Which chairs?", **changes: Any) -> Change | None:
    shown, now = changes.pop("shown", task.shown), changes.pop("now", LATER)
    return rounds.send_back(task, recipient, comment, shown, SOURCE, now, **changes)


def answer(task: Task, text: str = "The blue ones", **changes: Any) -> Change | None:
    shown, now = changes.pop("shown", task.shown), changes.pop("now", LATER)
    return rounds.answer(task, REQUESTER, text, shown, SOURCE, now, **changes)


def revise(task: Task, text: str = "", **content: Any) -> Change | None:
    shown, now, exchanges = content.pop("shown", task.shown), content.pop("now", LATER), content.pop("exchanges", "")
    after_it = replace(task.question, **content)
    return rounds.revise(task, REQUESTER, after_it, text, shown, SOURCE, now, exchanges=exchanges)


def after(change: Change | None) -> Task:
    assert change
    assert change.transition is tasks.STAYING
    assert change.after.revision == change.before.revision + 1, "a vote at the same time loses the race, or wins it"
    return change.after


# Sending back
def test_a_task_that_is_sent_back_stays_open_with_its_votes_and_waits_for_the_requester() -> None:
    change = send_back(VOTED)
    returned = after(change)
    assert (returned.status, returned.votes, returned.round) == (Status.OPEN, VOTED.votes, 1)
    assert returned.returned == any_exchange(at=LATER)
    assert change
    (entry,) = change.events
    assert (entry.event, entry.actor) == ("returned", APPROVER)
    assert (entry.identified_by, entry.source) == (votes.BY_LINK, SOURCE)
    assert entry.data == {"comment": "Which chairs?", "round": 1}


@pytest.mark.parametrize("decision", Decision)
def test_nobody_decides_or_delegates_a_task_that_waits_for_its_requester(decision: Decision) -> None:
    with pytest.raises(errors.TaskReturnedError):
        votes.answer(RETURNED, APPROVER, decision, "", RETURNED.shown, SOURCE, LATER)
    with pytest.raises(errors.TaskReturnedError):
        votes.delegate(RETURNED, APPROVER, "li@example.com", SOURCE, LATER)
    with pytest.raises(errors.TaskReturnedError):
        send_back(RETURNED, OTHER_APPROVER)


def test_the_same_return_again_changes_nothing() -> None:
    assert send_back(RETURNED) is None
    alias = replace(
        RETURNED, audience=(*RETURNED.audience, "m@example.com"), aliases=Aliases({"m@example.com": APPROVER})
    )
    assert send_back(alias, "m@example.com") is None
    with pytest.raises(errors.TaskReturnedError):
        send_back(RETURNED, comment="Which tables?")


SENT_BACK_19_TIMES = tuple(any_exchange(answered_at=NOW) for _ in range(19))
REFUSED_RETURNS: list[tuple[type[errors.ActionRefusedError], Task, dict[str, Any]]] = [
    (errors.OwnRequestError, replace(OPEN, audience=(REQUESTER, APPROVER)), {"recipient": REQUESTER}),
    (errors.DecidesElsewhereError, any_task(**ASKED, elsewhere=(APPROVER,)), {}),
    (errors.UnknownDecisionError, any_task(tells_requester=True), {}),
    (errors.UnknownDecisionError, any_task(send_back=True), {}),
    (errors.CommentTooLongError, OPEN, {"comment": LONG}),
    (errors.DecidedOtherwiseError, any_decided_task(send_back=True, tells_requester=True), {}),
    (errors.TaskClosedError, OPEN, {"now": OPEN.expires_at}),
    (errors.HandedOnError, OPEN, {"recipient": "li@example.com"}),
    (errors.SentBackTooOftenError, replace(OPEN, exchanges=SENT_BACK_19_TIMES), {}),
    (errors.DetailsChangedError, OPEN, {"shown": STALE}),
    (errors.CommentMissingError, OPEN, {"comment": " \n"}),
]


@pytest.mark.parametrize("case", REFUSED_RETURNS, ids=lambda case: case[0].__name__)
def test_a_return_is_refused_as_a_vote_is_and_without_a_question(
    case: tuple[type[errors.ActionRefusedError], Task, dict[str, Any]],
) -> None:
    error, task, changes = case
    with pytest.raises(error):
        send_back(task, **changes)


def test_a_task_that_waits_for_its_requester_is_escalated_extended_withdrawn_and_expires_as_any_other() -> None:
    newcomers = Assignment(("boss@example.com",), NO_ALIASES)
    escalated = votes.hand_off_again(RETURNED, "callback", 2, newcomers, LATER, remind=True).after
    assert "boss@example.com" in rounds.to_tell(after(answer(escalated))), "they get their link then"
    extended = tasks.extend(RETURNED, RETURNED.expires_at + timedelta(hours=1), "olga", LATER).after
    assert tasks.withdraw(extended, "olga", "ordered twice", LATER).after.status is Status.CANCELLED
    expired = tasks.close(extended, extended.expires_at)
    assert expired
    assert expired.after.status is Status.EXPIRED


def test_an_operator_cannot_remind_people_of_a_task_that_waits_for_its_requester() -> None:
    with pytest.raises(errors.ContractError, match="the task waits for its requester"):
        votes.resend(RETURNED, "olga", LATER)


def test_all_but_the_newest_exchanges_are_kept_as_excerpts_since_every_write_has_them() -> None:
    task = OPEN
    for number in range(6):
        task = after(send_back(task, comment=f"{number}{'x' * 1000}"))
        task = after(answer(task, "y" * 1000))
    assert [(len(each.comment), len(each.answer)) for each in task.exchanges] == [(300, 300)] * 2 + [(1001, 1000)] * 4
    assert task.exchanges[0].comment.endswith("x…")


# Answering
def test_an_answer_keeps_the_votes_and_lets_the_approvers_decide() -> None:
    change = answer(RETURNED)
    task = after(change)
    assert (task.returned, task.round, task.votes, task.shown) == (None, 1, VOTED.votes, VOTED.shown)
    assert task.exchanges == (any_exchange(answer="The blue ones", answered_at=LATER),)
    assert change
    (entry,) = change.events
    assert (entry.event, entry.actor, entry.identified_by) == ("answered_back", REQUESTER, rounds.BY_STATUS_LINK)
    assert entry.data == {"comment": "The blue ones", "round": 1, "attempt": votes.resend_attempt(RETURNED)}
    assert votes.answer(task, APPROVER, Decision.APPROVE, "", task.shown, SOURCE, LATER)


def test_the_approvers_without_a_vote_and_the_one_who_asked_hear_of_the_answer() -> None:
    assert rounds.to_tell(after(answer(RETURNED))) == (APPROVER,)
    asked_by_a_voter = replace(VOTED, exchanges=(any_exchange(by=OTHER_APPROVER),))
    assert rounds.to_tell(after(answer(asked_by_a_voter))) == (APPROVER, OTHER_APPROVER)


REFUSED_ACTS: list[tuple[type[errors.ActionRefusedError], Task, dict[str, Any]]] = [
    (errors.CommentTooLongError, RETURNED, {"text": LONG}),
    (errors.DecidedOtherwiseError, any_decided_task(), {}),
    (errors.TaskClosedError, RETURNED, {"now": RETURNED.expires_at}),
    (errors.TaskClosedError, replace(RETURNED, status=Status.CANCELLED), {}),
    (errors.DetailsChangedError, RETURNED, {"shown": STALE}),
    (errors.NotReturnedError, VOTED, {}),
]


@pytest.mark.parametrize("act", [answer, revise])
@pytest.mark.parametrize("case", REFUSED_ACTS, ids=lambda case: case[0].__name__)
def test_the_requester_acts_only_on_the_shown_round_of_a_task_that_waits_for_them(
    act: Callable[..., Change | None], case: tuple[type[errors.ActionRefusedError], Task, dict[str, Any]]
) -> None:
    error, task, changes = case
    with pytest.raises(error):
        act(task, **changes)


@pytest.mark.parametrize("act", [answer, revise])
def test_the_requester_answers_the_question_on_their_page_and_no_later_one(act: Callable[..., Change | None]) -> None:
    asked_again = after(send_back(after(answer(RETURNED)), OTHER_APPROVER, "Which tables?"))
    content = {"title": "Chairs"} if act is revise else {}
    with pytest.raises(errors.DetailsChangedError):
        act(asked_again, exchanges="1", **content)
    assert after(act(asked_again, exchanges="2", **content)).exchanges[-1].by == OTHER_APPROVER


def test_a_return_that_a_browser_posts_again_after_the_answer_asks_nothing_twice() -> None:
    answered = after(answer(after(send_back(OPEN, exchanges="0"))))
    with pytest.raises(errors.DetailsChangedError):
        send_back(answered, exchanges="0")
    assert after(send_back(answered, exchanges="1")).returned


def test_an_answer_needs_words() -> None:
    with pytest.raises(errors.CommentMissingError):
        answer(RETURNED, " ")


def test_the_same_act_again_changes_nothing() -> None:
    assert answer(after(answer(RETURNED))) is None
    revised = after(revise(RETURNED, amount="200.00 EUR"))
    again = replace(RETURNED.question, amount="200.00 EUR")
    assert rounds.revise(revised, REQUESTER, again, "", RETURNED.shown, SOURCE, LATER) is None


# Revising
def test_a_revision_clears_all_votes_and_begins_a_round_with_its_own_digest() -> None:
    change = revise(RETURNED, "Cheaper now", title="Order 1001", attachments=ATTACHMENTS, amount="200.00 EUR")
    task = after(change)
    assert (task.round, task.votes, task.returned, task.status) == (2, {}, None, Status.OPEN)
    assert (task.question.title, task.question.attachments, task.question.amount) == (
        "Order 1001",
        ATTACHMENTS,
        "200.00 EUR",
    )
    assert task.question.details == (
        ("Order", "1001"),
        ("Amount", "200.00 EUR"),
        ("Description", "Twelve office chairs"),
    )
    assert task.shown == task.question.digest(number=2) != RETURNED.shown
    assert task.exchanges[-1][3:] == ("Cheaper now", LATER, True)
    assert rounds.to_tell(task) == (APPROVER, OTHER_APPROVER)
    assert change
    (entry,) = change.events
    assert (entry.event, entry.data["round"], entry.data["comment"]) == ("revised", 2, "Cheaper now")
    assert Question.from_document(entry.data).amount == "200.00 EUR", "the audit has what the approvers saw"


def test_a_page_of_an_earlier_round_decides_no_later_one_that_differs_only_in_the_amount_or_not_at_all() -> None:
    """R10."""
    rows = (("Order", "1001"), ("Description", "Twelve office chairs"))
    first = replace(RETURNED, question=replace(RETURNED.question, details=rows))
    first = replace(first, shown=first.question.digest())
    lowered = after(revise(first, amount="200.00 EUR"))
    titled = after(revise(after(send_back(lowered)), title="Chairs"))
    as_before = after(revise(after(send_back(titled, comment="Why?")), title=first.question.title))
    assert as_before.question == lowered.question
    for task, page in ((lowered, first), (as_before, lowered)):
        with pytest.raises(errors.DetailsChangedError):
            votes.answer(task, APPROVER, Decision.APPROVE, "", page.shown, SOURCE, LATER)


def test_a_vote_after_a_revision_names_its_round_in_the_audit() -> None:
    revised = after(revise(RETURNED, amount="200.00 EUR"))
    change = votes.answer(revised, APPROVER, Decision.APPROVE, "", revised.shown, SOURCE, LATER)
    assert change
    assert change.events[0].data["round"] == 2
    assert change.after.outcome is None, "the vote of the first round no longer counts"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "unchanged"),
        ({"amount": "250.01 EUR"}, "raised"),
        ({"amount": "200.00 USD"}, "currency"),
        ({"amount": ""}, "currency"),
        ({"amount": "100.00 EUR"}, "policy_row"),
        ({"details": (("Order", "1002"), ("Amount", "250.00 EUR"))}, "fixed_row"),
        ({"details": (("Amount", "250.00 EUR"),)}, "fixed_row"),
        ({"details": (("Order", "1001"), ("Order", "1002"))}, "fixed_row"),
    ],
)
def test_a_revision_cannot_make_what_needs_a_new_request(content: dict[str, Any], reason: str) -> None:
    task = replace(RETURNED, question=replace(RETURNED.question, floor=Decimal("100.00")))
    with pytest.raises(errors.RevisionRefusedError) as caught:
        revise(task, **content)
    assert caught.value.reason == reason


def test_a_later_level_of_a_chain_cannot_be_revised_because_earlier_levels_approved_the_content() -> None:
    earlier = (("boss@example.com", "approve", "", "2026-03-01T09:00:00.000000Z"),)
    task = replace(RETURNED, question=replace(RETURNED.question, earlier=earlier))
    with pytest.raises(errors.RevisionRefusedError, match="later_level"):
        revise(task, amount="200.00 EUR")
    assert after(answer(task)).returned is None


def test_a_revision_keeps_everything_but_the_content() -> None:
    other = Question("Order 1001", (("Order", "1001"),), "mallory@example.com", amount="1.00 EUR", rule=any_rule())
    change = rounds.revise(RETURNED, REQUESTER, other, "", RETURNED.shown, SOURCE, LATER)
    kept = replace(RETURNED.question, title="Order 1001", details=(("Order", "1001"),), amount="1.00 EUR")
    assert after(change).question == kept


def test_the_row_of_the_amount_follows_the_amount_whatever_the_form_has() -> None:
    task = after(revise(RETURNED, amount="200.00 EUR", details=(("Order", "1001"), ("Amount", "1.00 EUR"))))
    assert task.question.details == (("Order", "1001"), ("Amount", "200.00 EUR"))


def test_an_empty_row_of_a_question_without_an_amount_can_be_filled_in() -> None:
    task = replace(RETURNED, question=replace(RETURNED.question, details=(("Reason", ""),), amount=""))
    rows = (("Reason", "Backs"),)
    assert after(revise(task, details=rows)).question.details == rows


@pytest.mark.parametrize("fixed", [(), ("Amount",)])
def test_of_rows_with_one_label_the_one_that_repeats_the_amount_follows_it(fixed: tuple[str, ...]) -> None:
    rows = (("Amount", "250.00 EUR"), ("Amount", "250 for twelve chairs"))
    task = replace(RETURNED, question=replace(RETURNED.question, details=rows, fixed=fixed))
    details = (("Amount", "200.00 EUR"), ("Amount", "250 for twelve chairs"))
    assert after(revise(task, amount="200.00 EUR")).question.details == details


def test_an_amount_that_does_not_change_may_stand_on_the_bound_of_its_row() -> None:
    task = replace(RETURNED, question=replace(RETURNED.question, floor=Decimal("250.00")))
    assert after(revise(task, title="Order 1001")).round == 2


# Any order
Act = Callable[[Task, str, datetime], Change | None]
"""An act on a task, with the digest that the page of the person showed."""


def _voting(by: str, decision: Decision) -> Act:
    return lambda task, shown, now: votes.answer(task, by, decision, "", shown, SOURCE, now)


def _returning(by: str) -> Act:
    return lambda task, shown, now: rounds.send_back(task, by, f"Why, asks {by}", shown, SOURCE, now)


def _delegating(task: Task, _: str, now: datetime) -> Change:
    return votes.delegate(task, APPROVER, "li@example.com", SOURCE, now)


def _answering(task: Task, shown: str, now: datetime) -> Change | None:
    return rounds.answer(task, REQUESTER, "So", shown, SOURCE, now)


def _revising(task: Task, shown: str, now: datetime) -> Change | None:
    content = replace(task.question, title=f"Revised {task.round} times")
    return rounds.revise(task, REQUESTER, content, "", shown, SOURCE, now)


def _extending(task: Task, _: str, now: datetime) -> Change:
    return tasks.extend(task, task.expires_at + timedelta(hours=1), "olga", now)


def _withdrawing(task: Task, _: str, now: datetime) -> Change:
    return tasks.withdraw(task, "olga", "ordered twice", now)


def _closing(task: Task, _: str, now: datetime) -> Change | None:
    return tasks.close(task, now)


PEOPLE = (APPROVER, OTHER_APPROVER, "li@example.com", REQUESTER)
ACTS: dict[str, Act] = {
    **{f"{by} {decision}": _voting(by, decision) for by in PEOPLE for decision in Decision},
    **{f"{by} returns": _returning(by) for by in PEOPLE},
    "answer": _answering,
    "revise": _revising,
    "delegate": _delegating,
    "extend": _extending,
    "withdraw": _withdrawing,
    "close": _closing,
}
OFTEN = (f"{APPROVER} returns", f"{OTHER_APPROVER} returns", f"{APPROVER} approve", "answer", "revise", "revise")
NAMES = st.sampled_from(OFTEN) | st.sampled_from(OFTEN) | st.sampled_from(sorted(ACTS))
PAGES = st.sampled_from((0, 0, 0, 1, 2))
"""How many contents ago a person opened the page."""


@given(st.lists(st.tuples(NAMES, PAGES, st.sampled_from((0, 1, 12))), max_size=25))
def test_in_any_order_a_decision_counts_votes_of_its_round_and_the_audit_tells_the_same(
    steps: list[tuple[str, int, int]],
) -> None:
    told = opened(OPEN)
    first = task = replace(OPEN, audit_seq=1, audit_head=told[0].hash)
    now, shown = NOW, [OPEN.shown]
    for name, age, minutes in steps:
        now += timedelta(minutes=minutes)
        with suppress(errors.ActionRefusedError, errors.ContractError):
            change = ACTS[name](task, shown[max(0, len(shown) - 1 - age)], now)
            if change:
                task, entries = recorded(change, told)
                told, shown = [*told, *entries], [*shown, task.shown]
    assert list(contradictions(task, told)) == []
    counted = [
        entry for entry in told if entry.event.event == "voted" and entry.event.data.get("round", 1) == task.round
    ]
    assert {entry.shown for entry in counted} <= {task.shown}, "each was cast on a page with this content"
    assert set(task.votes) <= {entry.event.actor for entry in counted}
    restored, _ = recovery.brought_back(first, told, "table", "olga")
    assert replace(restored, revision=0) == replace(task, revision=0)


def opened(task: Task) -> list[AuditEntry]:
    return [append(task.task_id, 0, GENESIS, task.shown, tasks.opened(task, "order-approval"), NOW)]


def recorded(change: Change, told: list[AuditEntry]) -> tuple[Task, list[AuditEntry]]:
    """Return a task after a change, and the new entries of its audit."""
    task, entries = change.after, list[AuditEntry]()
    for event in change.events:
        last = (told + entries)[-1]
        entries.append(append(task.task_id, last.seq, last.hash, task.shown, event, change.at, task.question.policy))
    return replace(task, audit_seq=entries[-1].seq, audit_head=entries[-1].hash), entries
