"""What the holder of a link is shown: a status and a page for every state and every refusal."""

import dataclasses
from datetime import timedelta

import pytest

from countersign.domain.errors import (
    BodyTooLargeError,
    CommentTooLongError,
    CountersignError,
    CrossSiteError,
    DecidedOtherwiseError,
    DetailsChangedError,
    LedgerUnavailableError,
    MalformedBodyError,
    OwnRequestError,
    RequestConflictError,
    ReviewRefusedError,
    TaskClosedError,
    UnknownDecisionError,
    UnknownLinkError,
)
from countersign.domain.rules import Decision, Rule
from countersign.domain.tasks import Status, Task, Vote
from countersign.services.reviews import Review
from tests.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TITLE,
    any_click,
    any_decided_task,
    any_rule,
    any_task,
    any_token,
    with_deadline,
)
from webhook import answers

LATE = NOW + timedelta(days=2)
REFUSALS: list[tuple[ReviewRefusedError, Task, int]] = [
    (CrossSiteError(), any_task(), 403),
    (OwnRequestError(), any_task(), 403),
    (UnknownDecisionError(), any_task(), 400),
    (UnknownDecisionError(), any_decided_task(), 400),
    (UnknownDecisionError(), any_task(status=Status.CANCELLED), 400),
    (CommentTooLongError(), any_task(), 400),
    (CommentTooLongError(), any_task(status=Status.EXPIRED), 400),
    (DecidedOtherwiseError(), any_decided_task(), 409),
    (DecidedOtherwiseError(), any_decided_task(status=Status.APPLIED), 409),
    (TaskClosedError(), any_task(status=Status.EXPIRED), 410),
    (TaskClosedError(), any_task(status=Status.CANCELLED, closed_at=NOW), 410),
    (TaskClosedError(), with_deadline(any_task(), NOW), 410),
    (DetailsChangedError(), any_task(), 409),
]


def form_is_on(page: str) -> bool:
    return "<form" in page


# Looking


@pytest.mark.parametrize(
    ("task", "status", "form"),
    [
        (any_task(), 200, True),
        (any_task(votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}, rule=any_rule()), 200, True),
        (any_decided_task(), 200, False),
        (any_decided_task(Decision.REJECT), 200, False),
        (any_decided_task(status=Status.APPLIED, closed_at=NOW), 200, False),
        (with_deadline(any_task(), NOW), 410, False),
        (any_task(status=Status.EXPIRED, closed_at=NOW), 410, False),
        (any_task(status=Status.CANCELLED, closed_at=NOW), 410, False),
    ],
    ids=["open", "voted", "approved", "rejected", "applied", "past its deadline", "expired", "withdrawn"],
)
def test_a_look_at_every_state_has_its_status_and_the_form_only_while_open(task: Task, status: int, form: bool) -> None:
    answer = answers.of_look(Review(task, APPROVER), any_token(), NOW)
    assert (answer.status, form_is_on(answer.page)) == (status, form)
    assert TITLE in answer.page


def test_a_decided_task_is_shown_with_who_and_why_also_past_its_deadline() -> None:
    answer = answers.of_look(Review(any_decided_task(Decision.REJECT), APPROVER), any_token(), LATE)
    assert answer.status == 200
    assert APPROVER in answer.page
    assert "Go ahead" in answer.page


def test_the_form_holds_the_token_and_the_digest_of_what_it_shows() -> None:
    page = answers.of_look(Review(any_task(), APPROVER), any_token(), NOW).page
    assert any_token() in page
    assert any_task().shown in page


def test_a_page_without_a_form_holds_no_token() -> None:
    for task in (any_decided_task(), any_task(status=Status.CANCELLED), any_task(status=Status.EXPIRED)):
        assert any_token() not in answers.of_look(Review(task, APPROVER), any_token(), NOW).page


def test_no_page_holds_a_callback_id() -> None:
    for task in (any_task(), any_decided_task(), any_task(status=Status.CANCELLED)):
        assert any_task().callback_id not in answers.of_look(Review(task, APPROVER), any_token(), NOW).page


# Clicking


@pytest.mark.parametrize("repeated", [False, True])
def test_a_click_that_counted_is_200_with_the_decision(repeated: bool) -> None:
    answer = answers.of_click(Review(any_decided_task(), APPROVER, repeated=repeated), any_click(), NOW)
    assert answer.status == 200
    assert not form_is_on(answer.page)
    assert "Go ahead" in answer.page


def test_a_vote_that_others_must_follow_is_200_and_says_so() -> None:
    voted = any_task(
        audience=(APPROVER, OTHER_APPROVER), rule=any_rule(), votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}
    )
    answer = answers.of_click(Review(voted, APPROVER), any_click(), NOW)
    assert answer.status == 200
    assert not form_is_on(answer.page)


@pytest.mark.parametrize(
    "task",
    [
        any_task(status=Status.CANCELLED, closed_at=NOW, votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}),
        with_deadline(any_task(votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}), NOW),
    ],
    ids=["withdrawn", "past its deadline"],
)
def test_a_vote_repeated_on_a_task_that_closed_shows_that_it_closed(task: Task) -> None:
    repeated = answers.of_click(Review(task, APPROVER, repeated=True), any_click(), NOW)
    closed = answers.of_look(Review(task, APPROVER), any_token(), NOW)
    assert (repeated.status, repeated.page) == (200, closed.page)


@pytest.mark.parametrize(
    ("refusal", "task", "status"),
    REFUSALS,
    ids=[f"{type(error).__name__} {task.status}" for error, task, _ in REFUSALS],
)
def test_every_refusal_has_its_status_and_a_page(refusal: ReviewRefusedError, task: Task, status: int) -> None:
    answer = answers.of_click(Review(task, APPROVER, refusal=refusal), any_click(), NOW)
    assert answer.status == status
    assert answer.page.startswith("<!doctype html>")


def test_no_refusal_is_without_a_row() -> None:
    met_by_clicks = set(ReviewRefusedError.__subclasses__()) - {UnknownLinkError}
    assert {type(refusal) for refusal, *_ in REFUSALS} == met_by_clicks


@pytest.mark.parametrize("refusal", [UnknownDecisionError(), CommentTooLongError(), DetailsChangedError()])
def test_what_can_be_mended_is_shown_as_the_form_again_with_the_persons_words(refusal: ReviewRefusedError) -> None:
    review = Review(any_task(), APPROVER, refusal=refusal)
    answer = answers.of_click(review, any_click(comment="My own words"), NOW)
    assert form_is_on(answer.page)
    assert "My own words" in answer.page
    assert any_task().shown in answer.page, "the form's digest is of what is shown now"


@pytest.mark.parametrize("refusal", [CrossSiteError(), OwnRequestError()])
def test_who_may_not_decide_sees_no_form_and_nothing_of_the_task(refusal: ReviewRefusedError) -> None:
    answer = answers.of_click(Review(any_task(), APPROVER, refusal=refusal), any_click(), NOW)
    assert not form_is_on(answer.page)
    assert TITLE not in answer.page


def test_the_loser_of_a_race_sees_who_decided_and_what() -> None:
    task = dataclasses.replace(any_decided_task(Decision.REJECT), audience=(APPROVER, OTHER_APPROVER))
    answer = answers.of_click(Review(task, OTHER_APPROVER, refusal=DecidedOtherwiseError()), any_click(), NOW)
    assert APPROVER in answer.page


# Errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownLinkError(), 404),
        (MalformedBodyError("not UTF-8"), 400),
        (BodyTooLargeError(1), 413),
        (LedgerUnavailableError("table"), 503),
    ],
)
def test_every_error_that_a_person_can_meet_has_a_status_and_a_page(error: CountersignError, status: int) -> None:
    answer = answers.of_error(error)
    assert answer.status == status
    assert answer.page.startswith("<!doctype html>")


def test_an_error_that_no_person_can_meet_has_no_page() -> None:
    with pytest.raises(LookupError, match="RequestConflictError"):
        answers.of_error(RequestConflictError("order-1001"))


def test_what_nobody_expected_is_500() -> None:
    assert answers.unexpected().status == 500


def test_the_form_tells_who_else_is_asked_how_far_the_vote_is_and_what_this_person_said() -> None:
    people = (APPROVER, "hugo@example.com", "li@example.com", REQUESTER)
    voted = {APPROVER: Vote(Decision.APPROVE, "", NOW)}
    task = any_task(audience=people, rule=Rule("quorum", 2), votes=voted)
    page = answers.of_look(Review(task, APPROVER), any_token(), NOW).page
    assert "hugo@example.com and li@example.com" in page
    assert "1 of 2 approvals" in page
    assert "You have approved this." in page


def test_the_only_person_asked_reads_nothing_of_others() -> None:
    page = answers.of_look(Review(any_task(), APPROVER), any_token(), NOW).page
    assert "Also asked" not in page
    assert "So far" not in page
