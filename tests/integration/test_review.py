"""`GET`, `HEAD` and `POST /review`: every row of the contract, and everything that is bad input."""

import re
from urllib.parse import urlencode

import pytest

from countersign.domain import tasks
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import Status
from countersign.domain.tokens import fingerprint
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    CALLBACK_ID,
    COMMENT,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    TITLE,
    any_token,
    http_event,
    is_unbroken,
)
from review.handler import handler
from review.pages import security_headers
from tests.integration.conftest import LIMITS_TABLE, Answer, Kit, Page, answering, call

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
REQUIRED_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def look(token: str | None, method: str = "GET") -> Page:
    return checked(call(handler, method, "/review", query=None if token is None else {"t": token}))


def click(kit: Kit, token: str, headers: dict[str, str] | None = None, **fields: str) -> Page:
    """Post the form as a browser does, with what the page showed."""
    form = {"t": token, "decision": "approve", "comment": "", "shown": kit.task().shown} | fields
    return post(urlencode(form), headers)


def post(body: str | bytes, headers: dict[str, str] | None = None) -> Page:
    return checked(call(handler, "POST", "/review", body=body, headers=SAME_ORIGIN if headers is None else headers))


def checked(page: Page) -> Page:
    """Return a page once it is known to be sent as every page must be."""
    assert page.headers.items() >= REQUIRED_HEADERS.items()
    assert page.headers.items() >= dict(security_headers()).items()
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert re.match(r"max-age=\d{8}", page.headers["Strict-Transport-Security"])
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "<script" not in page.body
    assert CALLBACK_ID not in page.body
    assert ("Retry-After" in page.headers) == (page.status >= 500)
    return page


# Looking


def test_an_open_task_is_200_with_the_form(kit: Kit) -> None:
    task = kit.open_task()
    token = kit.link()
    page = look(token)
    assert page.status == 200
    assert TITLE in page.body
    assert f'value="{token}"' in page.body
    assert f'value="{task.shown}"' in page.body


def test_head_answers_as_get_does_without_the_page(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    assert (look(token, "HEAD").status, look(token, "HEAD").body) == (200, "")
    assert look(token, "HEAD").headers == look(token).headers
    assert look(any_token(), "HEAD").status == 404


@pytest.mark.parametrize(
    "token", [None, "", any_token(), "short", "t" * 44, "<script>alert(1)</script>", "é" * 43, "t" * 5000, TASK_ID]
)
def test_an_unknown_token_is_404(kit: Kit, token: str | None) -> None:
    kit.open_task()
    page = look(token)
    assert page.status == 404
    assert TITLE not in page.body
    if token:
        assert token not in page.body


def test_a_decided_task_is_200_with_who_and_why_and_no_form_also_past_the_deadline(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    kit.decide("reject", comment="Too dear")
    kit.expire()
    page = look(token)
    assert page.status == 200
    assert APPROVER in page.body
    assert "Too dear" in page.body
    assert "<form" not in page.body


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("past its deadline", "The deadline has passed"),
        ("expired", "The deadline has passed"),
        ("withdrawn", "This request was withdrawn"),
        ("ended", "This request has ended"),
    ],
)
def test_a_task_that_closed_without_a_decision_is_410_and_says_why(kit: Kit, how: str, told: str) -> None:
    kit.open_task()
    token = kit.link()
    close(kit, how)
    page = look(token)
    assert page.status == 410
    assert TITLE in page.body
    assert told in page.body
    assert "<form" not in page.body


def close(kit: Kit, how: str) -> None:
    """Let an open task come to an end without a decision."""
    if how in ("withdrawn", "ended"):
        reason = "hand_off_failed" if how == "withdrawn" else tasks.execution_ended("FAILED")
        change = tasks.cancel(kit.task(), "executions", reason, kit.now)
    else:
        kit.expire()
        change = tasks.close(kit.task(), kit.now) if how == "expired" else None
    if change:
        kit.ledger.commit(change)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("state", ["open", "decided", "past its deadline", "withdrawn"])
def test_looking_fifty_times_changes_nothing_at_all(kit: Kit, method: str, state: str) -> None:
    kit.open_task()
    token = kit.link()
    if state == "decided":
        kit.decide()
    elif state != "open":
        close(kit, state)
    before = kit.items()
    for _ in range(50):
        look(token, method)
    assert kit.items() == before


def test_a_look_writes_to_nothing_but_the_counters_of_the_limits_even_for_a_moment(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    with (
        answering("dynamodb", "TransactWriteItems") as transactions,
        answering("dynamodb", "UpdateItem") as updates,
        answering("dynamodb", "PutItem") as puts,
    ):
        look(token)
        assert transactions.asked + puts.asked == []
        assert [update["TableName"] for update in updates.documents] == [LIMITS_TABLE]


# Deciding


@pytest.mark.parametrize(("decision", "outcome"), [("approve", Outcome.APPROVED), ("reject", Outcome.REJECTED)])
def test_a_click_is_200_and_recorded_with_who_when_why_and_from_where(
    kit: Kit, decision: str, outcome: Outcome
) -> None:
    kit.open_task()
    token = kit.link()
    page = click(kit, token, decision=decision, comment=COMMENT)
    assert page.status == 200
    assert "<form" not in page.body
    task = kit.task()
    assert (task.status, task.outcome, task.decided_by) == (Status.DECIDED, outcome, (APPROVER,))
    assert task.votes[APPROVER].comment == COMMENT
    voted = kit.audit()[-2].event
    assert (voted.event, voted.actor, voted.identified_by, voted.source) == (
        "voted",
        APPROVER,
        "review link",
        "203.0.113.0/24",
    )
    assert voted.data == {"decision": decision, "comment": COMMENT, "link": fingerprint(token)}
    assert is_unbroken(kit.audit(), task.audit_head, task.audit_seq)


def test_a_form_that_comes_as_base64_is_the_same_click(kit: Kit) -> None:
    kit.open_task()
    form = {"t": kit.link(), "decision": "approve", "comment": "", "shown": kit.task().shown}
    assert post(urlencode(form).encode()).status == 200
    assert kit.task().outcome is Outcome.APPROVED


def test_a_second_click_that_says_the_same_is_200_and_writes_nothing(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    click(kit, token)
    before = kit.items()
    assert click(kit, token, comment="once more").status == 200
    assert kit.items() == before


@pytest.mark.parametrize("site", ["none", "same-origin", None])
def test_a_browser_that_does_not_say_that_another_site_posted_is_believed(kit: Kit, site: str | None) -> None:
    kit.open_task()
    headers = {"sec-fetch-site": site, "origin": "null"} if site else {}
    assert click(kit, kit.link(), headers).status == 200


# Refusals: the status, the reason in the audit, and a task that stays as it was


def assert_refused(kit: Kit, page: Page, status: int, reason: str, before: tasks.Task) -> None:
    assert page.status == status
    assert kit.refusals() == [reason]
    refused = kit.audit()[-1].event
    assert (refused.actor, refused.identified_by, refused.source) == (APPROVER, "review link", "203.0.113.0/24")
    after = kit.task()
    assert (after.status, after.outcome, after.votes, after.revision) == (
        before.status,
        before.outcome,
        before.votes,
        before.revision,
    )
    assert is_unbroken(kit.audit(), after.audit_head, after.audit_seq)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site"])
def test_a_post_from_another_sites_page_is_403(kit: Kit, site: str) -> None:
    task = kit.open_task()
    assert_refused(kit, click(kit, kit.link(), {"Sec-Fetch-Site": site}), 403, "cross_site", task)


@pytest.mark.parametrize("requester", [APPROVER, APPROVER.upper(), f" {APPROVER}"])
def test_a_requester_who_answers_their_own_request_is_403(kit: Kit, requester: str) -> None:
    task = kit.open_task(requester=requester)
    assert_refused(kit, click(kit, kit.link()), 403, "own_request", task)


@pytest.mark.parametrize("decision", ["", "yes", "Approve", "approved", "approve ", "approve,reject", "<b>approve</b>"])
def test_an_unknown_decision_is_400_with_the_form_again_and_the_persons_words(kit: Kit, decision: str) -> None:
    task = kit.open_task()
    page = click(kit, kit.link(), decision=decision, comment="My own words")
    assert_refused(kit, page, 400, "unknown_decision", task)
    assert "<form" in page.body
    assert "My own words" in page.body


def test_a_comment_over_two_thousand_characters_is_400_with_the_form_again(kit: Kit) -> None:
    task = kit.open_task()
    token = kit.link()
    page = click(kit, token, comment="ä" * 2001)
    assert_refused(kit, page, 400, "comment_too_long", task)
    assert "ä" * 2001 in page.body
    assert click(kit, token, comment="ä" * 2000).status == 200


def test_another_persons_click_on_a_decided_task_is_409_and_shows_who_decided(kit: Kit) -> None:
    kit.open_task(audience=(APPROVER, OTHER_APPROVER))
    click(kit, kit.link(OTHER_APPROVER), decision="reject")
    task = kit.task()
    page = click(kit, kit.link())
    assert_refused(kit, page, 409, "decided_otherwise", task)
    assert OTHER_APPROVER in page.body


@pytest.mark.parametrize("how", ["past its deadline", "expired", "withdrawn"])
def test_a_click_on_a_task_that_closed_is_410(kit: Kit, how: str) -> None:
    kit.open_task()
    token = kit.link()
    close(kit, how)
    task = kit.task()
    assert_refused(kit, click(kit, token), 410, "closed", task)


def test_the_page_says_who_submitted_the_request_where_that_is_known(kit: Kit) -> None:
    kit.open_task()
    assert "Submitted by" not in look(kit.link()).body
    kit.set(TASK_ID, "submitted_by", "arn:aws:sts::111122223333:assumed-role/shop/rita@example.com")
    page = look(kit.link()).body
    assert "Submitted by" in page
    assert "assumed-role/shop/rita@example.com" in page
    assert "111122223333" not in page


@pytest.mark.parametrize("shown", ["", "0" * 64, "not a digest"])
def test_a_click_on_details_that_changed_is_409_with_the_form_as_it_is_now(kit: Kit, shown: str) -> None:
    task = kit.open_task()
    token = kit.link()
    page = click(kit, token, shown=shown, comment="My own words")
    assert_refused(kit, page, 409, "details_changed", task)
    assert f'value="{task.shown}"' in page.body
    assert "My own words" in page.body
    assert click(kit, token).status == 200


# What is no click at all


@pytest.mark.parametrize("token", ["", any_token(), "short", "<script>alert(1)</script>"])
def test_a_click_with_an_unknown_token_is_404_and_writes_nothing(kit: Kit, token: str) -> None:
    kit.open_task()
    before = kit.items()
    page = click(kit, token, {"sec-fetch-site": "cross-site"}, decision="yes")
    assert page.status == 404, "an unknown token comes before every other reason"
    assert TITLE not in page.body
    assert kit.items() == before


@pytest.mark.parametrize("body", ["", '{"decision":"approve"}', "decision=approve"])
def test_a_post_without_a_token_is_404(kit: Kit, body: str) -> None:
    assert post(body).status == 404


def test_a_token_in_the_address_of_a_post_decides_nothing(kit: Kit) -> None:
    kit.open_task()
    token, shown = kit.link(), kit.task().shown
    page = call(handler, "POST", "/review", body=urlencode({"decision": "approve", "shown": shown}), query={"t": token})
    assert page.status == 404
    assert kit.task().status is Status.OPEN


@pytest.mark.parametrize("encoded", [False, True], ids=["text", "base64"])
def test_a_body_over_the_cap_is_413_and_writes_nothing(kit: Kit, encoded: bool) -> None:
    kit.open_task()
    form = urlencode({"t": kit.link(), "decision": "approve", "shown": kit.task().shown, "comment": ""})
    body = form + "a" * (MAX_BODY_BYTES + 1 - len(form))
    before = kit.items()
    assert post(body.encode() if encoded else body).status == 413
    assert kit.items() == before


@pytest.mark.parametrize(
    "comment",
    [b"%FF%FE", b"\xff\xfe", "é".encode(), b"%ED%A0%80", b"%C0%AF"],
    ids=["escaped", "raw", "UTF-8 that is not escaped", "a surrogate", "overlong"],
)
def test_a_form_that_is_not_utf_8_is_400_and_writes_nothing(kit: Kit, comment: bytes) -> None:
    kit.open_task()
    form = urlencode({"t": kit.link(), "decision": "approve", "shown": kit.task().shown}).encode()
    before = kit.items()
    assert post(form + b"&comment=" + comment).status == 400
    assert kit.items() == before


def test_an_event_whose_base64_is_broken_is_400(kit: Kit) -> None:
    event = http_event("POST", "/review", b"") | {"body": "****"}
    assert handler(event, None)["statusCode"] == 400


@pytest.mark.parametrize("name", ["t", "decision", "shown", "comment"])
def test_a_field_that_is_posted_twice_counts_for_nothing(kit: Kit, name: str) -> None:
    kit.open_task()
    fields = {"t": kit.link(), "decision": "approve", "shown": kit.task().shown, "comment": "one"}
    page = post(urlencode([*fields.items(), (name, fields[name])]))
    assert page.status == {"t": 404, "decision": 400, "shown": 409, "comment": 200}[name]
    if name == "comment":
        assert kit.task().votes[APPROVER].comment == ""
    else:
        assert kit.task().status is Status.OPEN


# Trouble on our side


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
def test_a_ledger_that_does_not_answer_is_503_and_the_same_click_afterwards_counts(kit: Kit, operation: str) -> None:
    kit.open_task()
    token, shown = kit.link(), kit.task().shown
    form = urlencode({"t": token, "decision": "approve", "comment": "", "shown": shown})
    before = kit.items()
    with answering("dynamodb", operation, Answer(500, "InternalServerError")):
        assert post(form).status == 503
    assert kit.items() == before
    assert post(form).status == 200


def test_a_look_while_the_ledger_does_not_answer_is_503(kit: Kit) -> None:
    with answering("dynamodb", "GetItem", Answer(400, "ThrottlingException")):
        assert look(any_token()).status == 503


def test_what_nobody_expected_is_500_and_says_nothing_of_it(kit: Kit) -> None:
    with answering("dynamodb", "GetItem", Answer(400, "ValidationException")):
        page = look(any_token())
    assert page.status == 500
    assert "Validation" not in page.body


def test_attachments_are_on_the_page_before_and_after_the_decision(kit: Kit) -> None:
    kit.open_task(attachments=ATTACHMENTS)
    token = kit.link()
    links = [f'<a href="{attachment.url}" target="_blank"' for attachment in ATTACHMENTS]
    assert all(link in look(token).body for link in links)
    assert click(kit, token).status == 200
    assert all(link in look(token).body for link in links)


def test_nobody_but_the_ledger_is_called(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    with (
        answering("lambda", "Invoke", Answer()) as invocations,
        answering("lambda", "SendDurableExecutionCallbackSuccess", Answer()) as callbacks,
        answering("eventbridge", "PutEvents", Answer()) as events,
    ):
        look(token)
        click(kit, token)
        assert invocations.asked + callbacks.asked + events.asked == []


def test_the_requesters_address_is_on_the_page_for_the_approver_to_judge(kit: Kit) -> None:
    kit.open_task()
    assert REQUESTER in look(kit.link()).body
