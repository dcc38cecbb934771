"""Views of the review page: a status and a page for every state and every refusal."""

import dataclasses
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from countersign.domain import errors
from countersign.domain.clock import to_text
from countersign.domain.identity import Aliases
from countersign.domain.links import MOST_WAITING
from countersign.domain.rounds import MAX_ROUNDS
from countersign.domain.rules import Decision, Rule
from countersign.domain.tasks import MAX_ANSWERS, Delegation, Replacement, Status, Task, Vote
from countersign.services.inboxes import Inbox
from countersign.services.reviews import Click, Review
from countersign.testing.builders import (
    APPROVER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TITLE,
    any_click,
    any_decided_task,
    any_exchange,
    any_rule,
    any_task,
    any_token,
)
from review import views
from review.inbox_page import inbox_page
from review.parts import Key

ANSWERED = any_exchange(answer="The blue ones", answered_at=NOW)
HANDED_ON = any_task(
    audience=(OTHER_APPROVER,), delegations=(Delegation(APPROVER, OTHER_APPROVER, NOW - timedelta(hours=1)),)
)
REFUSALS: list[tuple[errors.ActionRefusedError, Task, int]] = [
    (errors.CrossSiteError(), any_task(), 403),
    (errors.OwnRequestError(), any_task(), 403),
    (errors.DecidesElsewhereError(), any_task(), 403),
    (errors.UnknownDecisionError(), any_task(), 400),
    (errors.UnknownDecisionError(), any_decided_task(), 400),
    (errors.UnknownDecisionError(), any_task(status=Status.CANCELLED), 400),
    (errors.CommentTooLongError(), any_task(), 400),
    (errors.CommentTooLongError(), any_task(status=Status.EXPIRED), 400),
    (errors.CommentMissingError(), any_task(), 400),
    (errors.DecidedOtherwiseError(), any_decided_task(), 409),
    (errors.DecidedOtherwiseError(), any_decided_task(status=Status.APPLIED), 409),
    (errors.TaskClosedError(), any_task(status=Status.EXPIRED), 410),
    (errors.TaskClosedError(), any_task(status=Status.CANCELLED, closed_at=NOW), 410),
    (
        errors.TaskClosedError(),
        any_task(status=Status.CANCELLED, closed_at=NOW, closed_because="execution_stopped"),
        410,
    ),
    (errors.TaskClosedError(), any_task(expires_at=NOW), 410),
    (errors.DetailsChangedError(), any_task(), 409),
    (errors.TooManyAnswersError(), any_task(), 409),
    (errors.TaskReturnedError(), any_task(exchanges=(any_exchange(),)), 409),
    (errors.SentBackTooOftenError(), any_task(), 409),
    (errors.HandedOnError(), HANDED_ON, 410),
    (errors.HandedOnError(), any_task(audience=(OTHER_APPROVER,)), 410),
    (errors.NoLongerAskedError(), any_task(audience=(), replaced=(Replacement(APPROVER, "a@b.c", NOW),)), 410),
    (errors.TakenUpError(), HANDED_ON, 409),
]
ALIAS = "r.diaz@example.com"


def form_is_on(page: str) -> bool:
    return "<form" in page


def text_of(page: str) -> str:
    return re.sub("<[^>]*>", "", page)


# Looks
@pytest.mark.parametrize(
    ("task", "status", "form"),
    [
        (any_task(), 200, True),
        (any_task(votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}, rule=any_rule()), 200, True),
        (any_decided_task(), 200, False),
        (any_decided_task(Decision.REJECT), 200, False),
        (any_decided_task(status=Status.APPLIED, closed_at=NOW), 200, False),
        (any_task(expires_at=NOW), 410, False),
        (any_task(status=Status.EXPIRED, closed_at=NOW), 410, False),
        (any_task(status=Status.CANCELLED, closed_at=NOW), 410, False),
        (any_task(status=Status.CANCELLED, closed_at=NOW, closed_because="execution_failed"), 410, False),
    ],
    ids=["open", "voted", "approved", "rejected", "applied", "past its deadline", "expired", "withdrawn", "ended"],
)
def test_each_state_has_its_status_and_only_an_open_task_has_the_form(task: Task, status: int, form: bool) -> None:
    answer = views.of_look(Review(task, APPROVER), Key(any_token()), NOW)
    assert (answer.status, form_is_on(answer.page)) == (status, form)
    assert TITLE in text_of(answer.page)


def test_the_page_of_a_withdrawn_task_shows_the_escaped_reason() -> None:
    task = any_task(status=Status.CANCELLED, closed_at=NOW, closed_comment="Ordered <b>twice</b>")
    page = views.of_look(Review(task, APPROVER), Key(any_token()), NOW).page
    assert "Reason" in page
    assert "Ordered &lt;b&gt;twice&lt;/b&gt;" in page


def test_the_page_of_a_returned_task_has_no_buttons_and_shows_the_question() -> None:
    page = text_of(views.of_look(Review(any_task(exchanges=(any_exchange(),)), APPROVER), Key(any_token()), NOW).page)
    assert "Waiting for the requester" in page
    for said in (f"{APPROVER} sent this back with a question.", any_exchange().comment, "Then you get a new link."):
        assert said in page
    assert 'type="submit" name="decision"' not in page


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        (any_task(send_back=True, tells_requester=True), True),
        (any_task(send_back=True), False),
        (any_task(tells_requester=True), False),
        (any_task(send_back=True, tells_requester=True, exchanges=(ANSWERED,)), True),
        (any_task(send_back=True, tells_requester=True, exchanges=(ANSWERED,) * (MAX_ROUNDS - 1)), False),
    ],
    ids=["allowed", "no requester who hears of it", "forbidden", "once more", "too often"],
)
def test_the_button_to_send_back_is_there_only_if_it_leads_to_an_answer(task: Task, shown: bool) -> None:
    assert ('value="return"' in views.of_look(Review(task, APPROVER), Key(any_token()), NOW).page) is shown


def test_sending_back_says_who_acts_next_and_that_the_deadline_stays() -> None:
    review = Review(any_task(exchanges=(any_exchange(),)), APPROVER)
    answer = views.of_click(review, any_click(decision="return", comment="Which chairs?"), NOW)
    assert answer.status == 200
    page = text_of(answer.page)
    assert "Thank you. You sent this back." in page
    assert f"When {REQUESTER} has answered the question or changed the request, you get a new link." in page


def test_a_page_without_a_form_contains_no_token() -> None:
    for task in (any_decided_task(), any_task(status=Status.CANCELLED), any_task(status=Status.EXPIRED)):
        assert any_token() not in views.of_look(Review(task, APPROVER), Key(any_token()), NOW).page


# Clicks
@pytest.mark.parametrize("task", [any_decided_task(), any_task(rule=any_rule(), votes=any_decided_task().votes)])
@pytest.mark.parametrize("repeated", [False, True])
def test_a_recorded_click_is_200_with_the_vote(task: Task, repeated: bool) -> None:
    answer = views.of_click(Review(task, APPROVER, repeated=repeated), any_click(), NOW)
    assert answer.status == 200
    assert not form_is_on(answer.page)
    assert "Go ahead" in answer.page


@pytest.mark.parametrize(
    "task",
    [
        any_task(status=Status.CANCELLED, closed_at=NOW, votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}),
        any_task(votes={APPROVER: Vote(Decision.APPROVE, "", NOW)}, expires_at=NOW),
    ],
    ids=["withdrawn", "past its deadline"],
)
def test_a_repeated_vote_on_a_closed_task_shows_the_closed_page(task: Task) -> None:
    repeated = views.of_click(Review(task, APPROVER, repeated=True), any_click(), NOW)
    assert (repeated.status, repeated.page) == (200, views.of_look(Review(task, APPROVER), Key(any_token()), NOW).page)


@pytest.mark.parametrize(
    ("refusal", "task", "status"),
    REFUSALS,
    ids=[f"{type(error).__name__} {task.status}" for error, task, _ in REFUSALS],
)
def test_every_refusal_has_its_status_and_a_page(refusal: errors.ActionRefusedError, task: Task, status: int) -> None:
    answer = views.of_click(Review(task, APPROVER, refusal=refusal), any_click(), NOW)
    assert answer.status == status
    assert answer.page.startswith("<!doctype html>")


def test_every_refusal_of_a_click_has_a_row() -> None:
    of_links_and_delegations = {errors.DelegationRefusedError, errors.InboxExpiredError, errors.UnknownLinkError}
    of_requesters = {errors.NotReturnedError, errors.RevisionRefusedError, errors.StatusExpiredError}
    met_by_clicks = set(errors.ActionRefusedError.__subclasses__()) - of_links_and_delegations - of_requesters
    assert {type(refusal) for refusal, *_ in REFUSALS} == met_by_clicks


@pytest.mark.parametrize(
    "refusal", [errors.UnknownDecisionError(), errors.CommentTooLongError(), errors.DetailsChangedError()]
)
def test_a_correctable_refusal_shows_the_form_with_the_comment(refusal: errors.ActionRefusedError) -> None:
    review = Review(any_task(), APPROVER, refusal=refusal)
    answer = views.of_click(review, any_click(comment="My own words"), NOW)
    assert form_is_on(answer.page)
    assert "My own words" in answer.page
    assert any_task().shown in answer.page, "the form has the digest of the shown content"


@pytest.mark.parametrize("refusal", [errors.CrossSiteError(), errors.OwnRequestError(), errors.DecidesElsewhereError()])
def test_a_person_who_may_not_decide_sees_no_form_and_no_task(refusal: errors.ActionRefusedError) -> None:
    answer = views.of_click(Review(any_task(), APPROVER, refusal=refusal), any_click(), NOW)
    assert not form_is_on(answer.page)
    assert TITLE not in answer.page


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (any_task(requester=APPROVER), "You made this request yourself"),
        (any_task(on_behalf_of=APPROVER), "or it was made on your behalf"),
        (any_task(requester=ALIAS, aliases=Aliases({ALIAS: APPROVER})), "You made this request yourself"),
        (any_task(elsewhere=(APPROVER,)), "You decide another step of this request"),
        (any_task(votes={APPROVER: Vote(Decision.REJECT, "", NOW, MAX_ANSWERS)}), "The last one stands"),
        (any_task(elsewhere=(ALIAS,), aliases=Aliases({ALIAS: APPROVER})), "You decide another step of this request"),
    ],
)
def test_the_page_has_no_buttons_for_a_person_whose_vote_would_be_refused(task: Task, says: str) -> None:
    answer = views.of_look(Review(task, APPROVER), Key(any_token()), NOW)
    assert answer.status == 200
    assert TITLE in text_of(answer.page)
    assert says in answer.page
    assert 'name="decision"' not in answer.page
    assert 'action="delegate"' not in answer.page


# Errors
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UnknownLinkError(), 404),
        (errors.InboxExpiredError(), 410),
        (errors.StatusExpiredError(), 410),
        (errors.TooManyListsError(), 429),
        (errors.CrossSiteError(), 403),
        (errors.MalformedBodyError("not UTF-8"), 400),
        (errors.BodyTooLargeError(1), 413),
        (errors.LedgerUnavailableError("table"), 503),
        (errors.MissingSettingError("LEDGER_TABLE"), 503),
    ],
)
def test_every_error_for_people_has_a_status_and_a_page(error: errors.CountersignError, status: int) -> None:
    answer = views.of_error(error)
    assert answer.status == status
    assert answer.page.startswith("<!doctype html>")


def test_an_error_for_machines_has_no_page() -> None:
    with pytest.raises(LookupError, match="RequestConflictError"):
        views.of_error(errors.RequestConflictError("order-1001"))


def test_the_form_shows_the_other_voters_the_progress_and_the_own_vote() -> None:
    people = (APPROVER, "hugo@example.com", "li@example.com", REQUESTER)
    voted = {APPROVER: Vote(Decision.APPROVE, "Fine, if they swivel", NOW)}
    task = any_task(audience=people, rule=Rule("quorum", 2), votes=voted)
    page = views.of_look(Review(task, APPROVER), Key(any_token()), NOW).page
    assert "hugo@example.com and li@example.com" in text_of(page)
    for part in ("1 of 2 approvals", "You approved this on", "Fine, if they swivel</textarea>"):
        assert part in page


def test_the_page_of_a_second_approver_shows_what_the_first_one_said() -> None:
    vote = Vote(Decision.APPROVE, "Fine, if they swivel", NOW)
    people = (APPROVER, OTHER_APPROVER)
    shared = any_task(audience=people, rule=any_rule(), votes={APPROVER: vote})
    later_level = any_task(audience=(OTHER_APPROVER,), earlier=((APPROVER, "approve", vote.comment, to_text(NOW)),))
    for task in (shared, later_level):
        page = text_of(views.of_look(Review(task, OTHER_APPROVER), Key(any_token()), NOW).page)
        assert f"{APPROVER} approved." in page
        assert vote.comment in page
    assert "What happened" not in views.of_look(Review(any_task(), APPROVER), Key(any_token()), NOW).page


def test_with_the_rule_all_the_form_shows_an_escalated_person_that_the_decision_is_final() -> None:
    task = any_task(
        audience=(APPROVER, OTHER_APPROVER, "boss@example.com"), escalated=("boss@example.com",), rule=any_rule()
    )
    assert "Your decision is final." in views.of_look(Review(task, "boss@example.com"), Key(any_token()), NOW).page
    assert "0 of 2 approvals" in views.of_look(Review(task, APPROVER), Key(any_token()), NOW).page


# Delegations
def any_hand_over(colleague: str = OTHER_APPROVER) -> Click:
    return Click(any_token(), colleague=colleague, fetch_site="same-origin", source="203.0.113.0/24")


def test_the_page_of_a_person_who_delegated_names_the_colleague_and_the_time() -> None:
    answer = views.of_hand_over(Review(HANDED_ON, APPROVER), any_hand_over(), NOW)
    assert answer.status == 200
    assert OTHER_APPROVER in answer.page
    assert "08:00" in answer.page


TAKEN_BACK = any_task(replaced=(Replacement(OTHER_APPROVER, APPROVER, NOW),))
VOTED = any_task(
    audience=(OTHER_APPROVER, "li@example.com"),
    rule=any_rule(),
    delegations=HANDED_ON.delegations,
    votes={OTHER_APPROVER: Vote(Decision.APPROVE, "", NOW)},
)


@pytest.mark.parametrize(("task", "button"), [(HANDED_ON, True), (VOTED, False)])
def test_the_page_of_a_person_who_delegated_can_take_it_back_until_the_colleague_has_answered(
    task: Task, button: bool
) -> None:
    look = views.of_look(Review(task, APPROVER), Key(any_token(), "a.b"), NOW)
    assert (look.status, 'value="take_back"' in look.page, 'name="task" value="a.b"' in look.page) == (
        410,
        button,
        button,
    )
    assert ("Your colleague has answered" in look.page) is not button
    assert 'name="decision"' not in look.page


def test_the_page_of_a_person_who_took_it_back_leads_to_the_review() -> None:
    answer = views.of_take_back(Review(TAKEN_BACK, APPROVER), any_hand_over(), NOW)
    assert (answer.status, OTHER_APPROVER in answer.page, 'href="review?t=' in answer.page) == (200, True, True)
    again = views.of_take_back(Review(any_task(), APPROVER, repeated=True), any_hand_over(), NOW)
    assert (again.status, 'name="decision"' in again.page) == (200, True)


@pytest.mark.parametrize(("because", "said"), [("", "took this back"), ("She left.", "She left.")])
def test_the_page_of_a_person_who_is_no_longer_asked_says_who_is_and_why(because: str, said: str) -> None:
    task = any_task(replaced=(Replacement(OTHER_APPROVER, APPROVER, NOW, because),))
    look = views.of_look(Review(task, OTHER_APPROVER), Key(any_token()), NOW)
    assert (look.status, APPROVER in look.page, said in look.page, form_is_on(look.page)) == (410, True, True, False)


@pytest.mark.parametrize("task", [any_decided_task(), any_task(status=Status.EXPIRED)], ids=["decided", "expired"])
def test_the_link_of_a_person_who_is_no_longer_asked_shows_nothing_of_what_became_of_the_task(task: Task) -> None:
    reassigned = dataclasses.replace(task, replaced=(Replacement(OTHER_APPROVER, APPROVER, NOW, "She left."),))
    look = views.of_look(Review(reassigned, OTHER_APPROVER), Key(any_token()), NOW)
    assert (look.status, "She left." in look.page) == (410, True)
    assert task.question.details[-1][1] not in look.page


def test_the_confirmation_of_a_delegation_repeats_the_address() -> None:
    answer = views.of_hand_over(Review(any_task(), APPROVER, unconfirmed=True), any_hand_over("Li@Example.com "), NOW)
    assert answer.status == 200
    assert "<bdi>li@example.com</bdi>" in answer.page
    assert 'name="confirmed" value="yes"' in answer.page


def test_the_page_of_a_delegate_names_the_replaced_person() -> None:
    page = views.of_look(Review(HANDED_ON, OTHER_APPROVER), Key(any_token()), NOW).page
    assert f"You are deciding in place of <bdi>{APPROVER}</bdi>." in page
    assert 'action="delegate"' not in page, "a delegated task cannot be delegated again"


@pytest.mark.parametrize("recipient", [APPROVER, REQUESTER])
def test_only_a_person_who_may_decide_sees_the_delegation_form(recipient: str) -> None:
    task = any_task(audience=(APPROVER, REQUESTER))
    page = views.of_look(Review(task, recipient), Key(any_token()), NOW).page
    assert ('action="delegate"' in page) is (recipient == APPROVER)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("no_address", 400)]
    + [(reason, 409) for reason in ("requester", "asked_already", "outsider", "answered", "only_once")],
)
def test_a_refused_delegation_shows_the_reason_and_keeps_the_address(reason: str, status: int) -> None:
    review = Review(any_task(), APPROVER, refusal=errors.DelegationRefusedError(reason))
    answer = views.of_hand_over(review, any_hand_over('no"body'), NOW)
    assert answer.status == status
    for part in ('role="alert"', 'value="no&quot;body"', '<details class="colleague" open>'):
        assert part in answer.page


@pytest.mark.parametrize("task", [any_decided_task(), any_task(status=Status.CANCELLED), HANDED_ON])
def test_an_invalid_post_from_an_outdated_page_shows_the_current_state(task: Task) -> None:
    review = Review(task, APPROVER, refusal=errors.DelegationRefusedError("no_address"))
    assert 'name="decision"' not in views.of_hand_over(review, any_hand_over(), NOW).page
    unknown = dataclasses.replace(review, refusal=errors.UnknownDecisionError())
    assert 'name="decision"' not in views.of_click(unknown, any_click(), NOW).page


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        ("approve", "Your approval was not recorded"),
        ("reject", "Your rejection was not recorded"),
        ("return", "Your question was not recorded"),
    ],
)
def test_a_click_after_the_decision_says_what_was_not_recorded(decision: str, says: str) -> None:
    review = Review(any_decided_task(), OTHER_APPROVER, refusal=errors.DecidedOtherwiseError())
    assert says in views.of_click(review, any_click(decision=decision), NOW).page


@pytest.mark.parametrize("act", [views.of_hand_over, views.of_take_back])
def test_handing_over_or_taking_back_after_a_decision_loses_no_vote(act: Callable[..., views.PageResponse]) -> None:
    answer = act(Review(any_decided_task(), APPROVER, refusal=errors.DecidedOtherwiseError()), any_hand_over(), NOW)
    assert (answer.status, "was not recorded" in answer.page) == (409, False)


# Inboxes
def test_each_row_of_an_inbox_links_to_its_review_with_the_inbox_token() -> None:
    tasks = (any_task(), any_task(task_id="order-1002.approval", title="Order 1002"))
    page = inbox_page(Inbox(APPROVER, tasks), any_token(), NOW)
    for task in tasks:
        assert f'href="review?t={any_token()}&amp;task={task.task_id}"' in page
        assert task.question.title in text_of(page)


def test_an_inbox_marks_the_tasks_that_its_owner_voted_on() -> None:
    voted = any_task(votes={APPROVER: Vote(Decision.APPROVE, "", NOW)})
    assert "You have answered." in inbox_page(Inbox(APPROVER, (voted,)), any_token(), NOW)
    assert "You have answered." not in inbox_page(Inbox(APPROVER, (any_task(),)), any_token(), NOW)


@pytest.mark.parametrize(("waiting", "says"), [(MOST_WAITING - 1, False), (MOST_WAITING, True)])
def test_a_full_inbox_says_that_it_is_cut(waiting: int, says: bool) -> None:
    inbox = Inbox(APPROVER, tuple(any_task(task_id=f"order-{number}.approval") for number in range(waiting)))
    sentence = f"The list shows the {MOST_WAITING} requests with the least time left."
    assert (sentence in inbox_page(inbox, any_token(), NOW)) is says


def test_an_empty_inbox_says_that_nothing_is_waiting() -> None:
    assert "Nothing is waiting for you" in inbox_page(Inbox(APPROVER, ()), any_token(), NOW)


def test_a_review_from_an_inbox_posts_its_task_id_and_has_no_inbox_form() -> None:
    page = views.of_look(Review(any_task(), APPROVER), Key(any_token(), any_task().task_id), NOW).page
    assert page.count(f'name="task" value="{any_task().task_id}"') == page.count("<form") == 2
    assert 'action="inbox"' not in page
