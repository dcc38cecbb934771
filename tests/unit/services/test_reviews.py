"""Reviews: looks, clicks and delegations by a link."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import errors
from countersign.domain.audit import AuditEvent
from countersign.domain.links import Link, Purpose
from countersign.domain.people import Entry
from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import MAX_ANSWERS, Status, Task, Vote
from countersign.domain.tokens import fingerprint, mint, mint_proof
from countersign.services import reviews
from countersign.services.reviews import Click, Review, Reviews
from countersign.testing.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    any_click,
    any_decided_task,
    any_exchange,
    any_rule,
    any_task,
    is_unbroken,
)
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryLedger
from tests.unit.services.races import meanwhile


class Bench:
    """A task and the link of its approver."""

    def __init__(self, standing: Task, recipient: str = APPROVER) -> None:
        self.ledger = MemoryLedger()
        self.ledger.standing[TASK_ID] = standing
        self.directory = MemoryDirectory()
        self.clock = FixedClock(NOW)
        self.reviews = Reviews(self.ledger, self.directory, self.clock)
        self.token = self.link_for(recipient)

    def link_for(self, recipient: str) -> str:
        token, known_by = mint()
        self.ledger.put_link(Link(known_by, TASK_ID, recipient), NOW)
        return token

    def click(self, **changes: Any) -> Review:
        return self.reviews.decide(any_click(**{"token": self.token} | changes))

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]


def test_the_link_of_a_removed_task_is_unknown() -> None:
    bench = Bench(any_task())
    bench.ledger.standing.clear()
    with pytest.raises(errors.UnknownLinkError):
        bench.reviews.look(bench.token)


@pytest.mark.parametrize(
    ("link", "opens"),
    [
        ({"task_id": "prove-1.approval"}, True),
        ({"task_id": TASK_ID}, False),
        ({"task_id": "", "purpose": Purpose.INBOX}, False),
        ({"task_id": "prove-1.approval", "purpose": Purpose.INBOX}, False),
    ],
)
def test_the_link_of_a_proof_opens_tasks_of_proofs_and_no_inbox(link: dict[str, Any], opens: bool) -> None:
    bench = Bench(any_task())
    bench.ledger.standing["prove-1.approval"] = any_task(task_id="prove-1.approval", request_id="prove-1")
    token, known_by = mint_proof()
    bench.ledger.put_link(Link(known_by, recipient=APPROVER, **link), NOW)
    for task_id in (TASK_ID, "prove-1.approval"):
        if opens:
            assert bench.reviews.look(token, task_id).task.task_id == "prove-1.approval"
        else:
            with pytest.raises(errors.UnknownLinkError):
                bench.reviews.look(token, task_id)


SHARED = any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule())


def test_a_new_comment_replaces_the_first_and_both_are_audited() -> None:
    bench = Bench(SHARED)
    bench.click(comment="Fine")
    review = bench.click(comment="Fine, if they swivel")
    assert (review.refusal, review.repeated) == (None, False)
    assert bench.task.votes[APPROVER].comment == "Fine, if they swivel"
    assert [entry.event.data["comment"] for entry in bench.ledger.entries] == ["Fine", "Fine, if they swivel"]
    assert bench.click(comment="Fine, if they swivel").repeated


def test_the_number_of_changed_votes_per_person_is_bounded() -> None:
    bench = Bench(SHARED)
    for number in range(MAX_ANSWERS):
        assert bench.click(comment=str(number)).refusal is None
    for _ in range(3):
        assert isinstance(bench.click(comment="once more").refusal, errors.TooManyAnswersError)
    assert bench.click(comment=str(MAX_ANSWERS - 1)).repeated
    assert len(bench.ledger.entries) == MAX_ANSWERS + 1
    assert (bench.task.votes[APPROVER].comment, bench.task.refused_answers) == (str(MAX_ANSWERS - 1), 3)


def test_the_number_of_audited_refusals_per_person_is_bounded() -> None:
    bench = Bench(any_task(requester=APPROVER, audience=(APPROVER, OTHER_APPROVER)))
    for _ in range(10):
        bench.click()
        bench.click(fetch_site="cross-site")
    bench.clock.move(days=1)
    bench.click(token=bench.link_for(OTHER_APPROVER))
    reasons = [(entry.event.actor, entry.event.data["reason"]) for entry in bench.ledger.entries]
    assert reasons == [(APPROVER, "own_request"), (APPROVER, "cross_site"), (OTHER_APPROVER, "closed")]
    assert bench.task.refused_answers == 21
    assert is_unbroken(bench.ledger.entries, bench.task.audit_head, bench.task.audit_seq)


REFUSALS: list[tuple[type[errors.ActionRefusedError], dict[str, Any], dict[str, Any], float]] = [
    (errors.CrossSiteError, {}, {"fetch_site": "cross-site"}, 0),
    (errors.OwnRequestError, {"requester": APPROVER.upper()}, {}, 0),
    (errors.DecidesElsewhereError, {"elsewhere": (APPROVER,)}, {}, 0),
    (errors.UnknownDecisionError, {}, {"decision": "yes"}, 0),
    (errors.CommentTooLongError, {}, {"comment": "x" * 2001}, 0),
    (
        errors.DecidedOtherwiseError,
        {"status": Status.DECIDED, "outcome": Outcome.REJECTED, "decided_at": NOW, "decided_by": (OTHER_APPROVER,)},
        {},
        0,
    ),
    (errors.TaskClosedError, {}, {}, 3600),
    (errors.TaskReturnedError, {"exchanges": (any_exchange(),)}, {}, 0),
    (
        errors.TooManyAnswersError,
        {"votes": {APPROVER: Vote(Decision.REJECT, "", NOW, MAX_ANSWERS)}, "rule": any_rule()},
        {},
        0,
    ),
    (errors.DetailsChangedError, {}, {"shown": "0" * 64}, 0),
    (errors.CommentMissingError, {"comment": "required"}, {}, 0),
]
"""In the contract's order: the refusal, what is wrong with the task, with the click, and how late it is in seconds."""


@pytest.mark.parametrize("place", range(len(REFUSALS)), ids=[error.__name__ for error, *_ in REFUSALS])
def test_the_first_refusal_in_the_order_of_the_contract_applies(place: int) -> None:
    shown, late = any_task().shown, 0.0
    task, click = {"shown": shown}, {"shown": shown}
    for _, of_task, of_click, seconds in REFUSALS[place:]:
        task |= of_task
        click |= of_click
        late = max(late, seconds)
    bench = Bench(any_task(**task))
    bench.clock.move(seconds=late)
    assert type(bench.click(**click).refusal) is REFUSALS[place][0]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case[0].__name__)
def test_every_refusal_adds_one_audit_entry_with_its_reason(
    case: tuple[type[errors.ActionRefusedError], dict[str, Any], dict[str, Any], float],
) -> None:
    error, of_task, of_click, late = case
    standing = any_task(**{"shown": any_task().shown} | of_task)
    bench = Bench(standing)
    bench.clock.move(seconds=late)
    review = bench.click(**of_click)
    (entry,) = bench.ledger.entries
    told = {"reason": reviews.REASONS[error], "link": fingerprint(bench.token)}
    assert entry.event == AuditEvent("refused", APPROVER, "review link", "203.0.113.0/24", told)
    on_record: dict[str, Any] = {"refused": (), "refused_answers": 0, "audit_seq": 0, "audit_head": standing.audit_head}
    assert (dataclasses.replace(bench.task, **on_record), review.task) == (standing, bench.task)


def test_every_refusal_of_a_click_has_a_reason_in_the_audit() -> None:
    assert set(reviews.REASONS) == set(errors.ActionRefusedError.__subclasses__()) - {
        *(errors.InboxExpiredError, errors.NotReturnedError, errors.RevisionRefusedError, errors.StatusExpiredError),
        errors.UnknownLinkError,
    }
    assert len(set(reviews.REASONS.values())) == len(reviews.REASONS)


def test_an_unconfirmed_vote_writes_nothing() -> None:
    bench = Bench(any_task(confirm=True))
    review = bench.click(decision="approve")
    assert (review.unconfirmed, review.refusal, bench.ledger.entries) == (True, None, [])
    assert bench.click(decision="approve", confirmed=True).task.outcome is Outcome.APPROVED


def test_the_loser_of_a_race_receives_the_decision_of_the_winner() -> None:
    bench = Bench(any_task(audience=(APPROVER, OTHER_APPROVER)))
    rival = bench.link_for(OTHER_APPROVER)

    meanwhile(bench.ledger, lambda: bench.click(token=rival, decision="reject"))
    assert isinstance(bench.click(decision="approve").refusal, errors.DecidedOtherwiseError)
    assert (bench.task.outcome, bench.task.decided_by) == (Outcome.REJECTED, (OTHER_APPROVER,))
    assert [entry.event.event for entry in bench.ledger.entries] == ["voted", "decided", "refused"]


# Delegations
COLLEAGUE = "li@example.com"


def hand_over(bench: Bench, colleague: str = COLLEAGUE, **changes: Any) -> Review:
    return bench.reviews.hand_over(Click(colleague=colleague, confirmed=True, **from_page(bench, **changes)))


def from_page(bench: Bench, **changes: Any) -> dict[str, Any]:
    return {"token": bench.token, "fetch_site": "same-origin", "source": "203.0.113.0/24"} | changes


def test_a_delegation_and_its_hand_off_are_one_write() -> None:
    bench = Bench(any_task(audience=(APPROVER, OTHER_APPROVER)))
    review = hand_over(bench, f" {COLLEAGUE.upper()} ")
    assert (review.refusal, review.task) == (None, bench.task)
    assert bench.task.audience == (COLLEAGUE, OTHER_APPROVER)
    ((key, envelope),) = bench.ledger.outbox.items()
    assert "@" not in str(key), "the names of the outbox are logged"
    assert (envelope["kind"], envelope["task"]["recipients"]) == ("approval.requested", [COLLEAGUE])
    (entry,) = bench.ledger.entries
    assert (entry.event.event, entry.event.actor, entry.event.source) == ("delegated", APPROVER, "203.0.113.0/24")
    assert entry.event.data == {"by": APPROVER, "to": COLLEAGUE, "standing": False, "link": fingerprint(bench.token)}


@pytest.mark.parametrize(
    ("reason", "standing", "colleague"),
    [
        ("delegation_no_address", any_task(), f"{COLLEAGUE}\r\nBcc: eve@example.com"),
        ("delegation_requester", any_task(), REQUESTER.upper()),
        ("decided_otherwise", any_decided_task(), COLLEAGUE),
        ("handed_on", any_task(audience=(OTHER_APPROVER,)), COLLEAGUE),
    ],
)
def test_a_refused_delegation_is_an_audit_entry_with_its_reason_and_changes_nothing(
    reason: str, standing: Task, colleague: str
) -> None:
    bench = Bench(standing)
    assert hand_over(bench, colleague).refusal
    (entry,) = bench.ledger.entries
    assert (entry.event.event, entry.event.data["reason"], bench.ledger.outbox) == ("refused", reason, {})
    assert (bench.task.audience, bench.task.delegations) == (standing.audience, standing.delegations)


def test_a_delegation_from_another_site_is_refused_before_any_lookup() -> None:
    bench = Bench(any_task())
    bench.directory.entries = lambda *_, **__: pytest.fail("it looked somebody up")  # type: ignore[method-assign]
    assert isinstance(hand_over(bench, fetch_site="cross-site").refusal, errors.CrossSiteError)


def test_a_delegation_to_an_alias_that_the_directory_learns_later_is_refused() -> None:
    bench = Bench(any_task())
    bench.directory.known[COLLEAGUE] = Entry(REQUESTER)
    refusal = hand_over(bench).refusal
    assert isinstance(refusal, errors.DelegationRefusedError)
    assert refusal.reason == "requester"


@pytest.mark.parametrize("own", [{}, {"requester": "ana@example.com", "on_behalf_of": REQUESTER}], ids=["asks", "for"])
def test_a_requester_whom_the_directory_later_knows_as_the_approver_cannot_approve(own: dict[str, str]) -> None:
    bench = Bench(any_task(**own))
    bench.directory.known[REQUESTER] = Entry(APPROVER)
    assert isinstance(bench.click().refusal, errors.OwnRequestError)


ALIAS = "m.lopez@example.com"


def test_an_alias_that_the_directory_learns_later_joins_two_votes() -> None:
    bench = Bench(any_task(audience=(APPROVER, ALIAS, OTHER_APPROVER), rule=any_rule("quorum", k=2)))
    bench.click()
    bench.directory.known[ALIAS] = Entry(APPROVER)
    assert bench.click(token=bench.link_for(ALIAS)).repeated
    bench.click(token=bench.link_for(OTHER_APPROVER))
    assert bench.task.decided_by == (APPROVER, OTHER_APPROVER)
    assert bench.task.aliases.same(ALIAS, APPROVER)


@pytest.mark.parametrize("standing", [any_decided_task(), any_task(status=Status.CANCELLED), any_task(expires_at=NOW)])
def test_a_look_and_a_click_on_a_closed_task_need_no_lookup(standing: Task) -> None:
    bench = Bench(standing)
    bench.directory.entries = lambda *_, **__: pytest.fail("it looked somebody up")  # type: ignore[method-assign]
    bench.reviews.look(bench.token)
    bench.click(decision="reject")


def take_back(bench: Bench, **changes: Any) -> Review:
    return bench.reviews.take_back(Click(action="take_back", **from_page(bench, **changes)))


def test_a_delegation_waits_for_the_confirmation_of_its_address_without_a_write() -> None:
    bench = Bench(any_task())
    review = bench.reviews.hand_over(Click(colleague=COLLEAGUE, **from_page(bench)))
    assert (review.unconfirmed, review.task.audience, bench.ledger.entries) == (True, (APPROVER,), [])
    refused = bench.reviews.hand_over(Click(colleague=REQUESTER, **from_page(bench)))
    assert isinstance(refused.refusal, errors.DelegationRefusedError), "nobody confirms what is refused"


def test_the_confirmation_and_then_the_task_have_what_the_directory_says_about_the_colleague() -> None:
    bench = Bench(any_task())
    bench.directory.known[COLLEAGUE] = Entry(COLLEAGUE, profile={"name": "Li Wang"})
    review = bench.reviews.hand_over(Click(colleague=COLLEAGUE, **from_page(bench)))
    assert (review.task.people, bench.ledger.standing[TASK_ID].people) == ({COLLEAGUE: {"name": "Li Wang"}}, {})
    hand_over(bench)
    task = bench.ledger.standing[TASK_ID]
    assert (task.audience, task.people) == ((COLLEAGUE,), {COLLEAGUE: {"name": "Li Wang"}})


def test_a_task_is_taken_back_from_a_colleague_who_only_opened_it() -> None:
    bench = Bench(any_task())
    hand_over(bench)
    theirs = bench.link_for(COLLEAGUE)
    bench.reviews.look(theirs)
    assert take_back(bench).task.audience == (APPROVER,)
    entry = bench.ledger.entries[-1].event
    taken = {"by": APPROVER, "to": COLLEAGUE, "link": fingerprint(bench.token)}
    assert (entry.event, entry.actor, entry.data) == ("delegation_taken_back", APPROVER, taken)
    assert take_back(bench).repeated
    assert isinstance(bench.click(token=theirs).refusal, errors.NoLongerAskedError)
    assert bench.click().task.decided_by == (APPROVER,)


def test_an_inbox_takes_back_what_it_delegated() -> None:
    bench = Bench(any_task())
    token, known_by = mint()
    bench.ledger.put_link(Link(known_by, "", APPROVER, Purpose.INBOX, NOW + timedelta(days=1), "order-2.approval"), NOW)
    hand_over(bench, token=token, task_id=TASK_ID)
    assert take_back(bench, token=token, task_id=TASK_ID).task.audience == (APPROVER,)


# Inboxes
def test_the_token_of_an_inbox_opens_and_decides_only_tasks_of_its_owner() -> None:
    bench = Bench(any_task())
    token, known_by = mint()
    until = NOW + timedelta(days=7)
    bench.ledger.put_link(Link(known_by, "", APPROVER, Purpose.INBOX, until, "order-2.approval"), NOW)
    bench.ledger.standing["order-2.approval"] = any_task(task_id="order-2.approval", audience=(OTHER_APPROVER,))
    for task_id in ("order-2.approval", "order-3.approval", "", "x" * 500, "\ud800.approval", "\n."):
        with pytest.raises(errors.UnknownLinkError):
            bench.reviews.look(token, task_id)
        with pytest.raises(errors.UnknownLinkError):
            bench.click(token=token, task_id=task_id)
        with pytest.raises(errors.UnknownLinkError):
            hand_over(bench, token=token, task_id=task_id)
    assert bench.reviews.look(token, TASK_ID) == Review(any_task(), APPROVER)
    assert bench.click(token=token, task_id=TASK_ID).task.decided_by == (APPROVER,)
    voted, _ = (entry.event.data for entry in bench.ledger.audit(TASK_ID))
    assert (voted["link"], voted["minted_for"]) == (known_by, "order-2.approval")


def test_a_review_link_shows_its_own_task_for_any_named_task() -> None:
    bench = Bench(any_task())
    bench.ledger.standing["order-2.approval"] = any_task(task_id="order-2.approval")
    assert bench.reviews.look(bench.token, "order-2.approval").task.task_id == TASK_ID


SENT_BACK = {"decision": "return", "comment": "Which chairs?"}


def test_a_task_is_sent_back_with_the_clicks_person_question_and_link() -> None:
    bench = Bench(any_task(send_back=True, tells_requester=True))
    review = bench.click(**SENT_BACK)
    assert (review.refusal, review.repeated, review.task.returned) == (None, False, any_exchange())
    (entry,) = bench.ledger.entries
    told = {"comment": "Which chairs?", "round": 1, "link": fingerprint(bench.token)}
    assert entry.event == AuditEvent("returned", APPROVER, "review link", "203.0.113.0/24", told)
    assert bench.click(**SENT_BACK).repeated
