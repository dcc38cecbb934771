"""`GET`, `HEAD` and `POST /review`: every row of the contract, and everything that is bad input."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from countersign.domain.rules import Outcome
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import Status
from countersign.domain.tokens import fingerprint
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    COMMENT,
    OTHER_APPROVER,
    TASK_ID,
    TITLE,
    any_token,
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


@pytest.mark.parametrize("token", [None, any_token(), "<script>alert(1)</script>", "t" * 5000])
def test_an_unknown_token_is_404(kit: Kit, token: str | None) -> None:
    kit.open_task()
    page = look(token)
    assert page.status == 404
    assert TITLE not in page.body
    if token:
        assert token not in page.body


def test_a_look_writes_to_nothing_but_the_counters_of_the_limits(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    before = kit.items()
    with answering("dynamodb", "UpdateItem") as updates:
        look(token)
        look(token, "HEAD")
        assert {update["TableName"] for update in updates.documents} == {LIMITS_TABLE}
    assert kit.items() == before


def test_a_task_that_closed_without_a_decision_is_410_and_says_why(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    kit.expire()
    page = look(token)
    assert page.status == 410
    assert "The deadline has passed" in page.body


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


@pytest.mark.parametrize("site", ["none", None])
def test_a_browser_that_does_not_say_that_another_site_posted_is_believed(kit: Kit, site: str | None) -> None:
    kit.open_task()
    assert click(kit, kit.link(), {"sec-fetch-site": site} if site else {}).status == 200


# Refusals: the status, the reason in the audit, and a task that stays as it was


@pytest.mark.parametrize(
    ("task", "fields", "headers", "status", "reason"),
    [
        ({}, {}, {"Sec-Fetch-Site": "cross-site"}, 403, "cross_site"),
        ({}, {}, {"Sec-Fetch-Site": "Same-Site"}, 403, "cross_site"),
        ({"requester": APPROVER.upper()}, {}, SAME_ORIGIN, 403, "own_request"),
        ({}, {"decision": "<b>approve</b>"}, SAME_ORIGIN, 400, "unknown_decision"),
        ({}, {"comment": "ä" * 2001}, SAME_ORIGIN, 400, "comment_too_long"),
        ({"status": Status.CANCELLED}, {}, SAME_ORIGIN, 410, "closed"),
        ({"audience": (OTHER_APPROVER,)}, {}, SAME_ORIGIN, 410, "handed_on"),
        ({}, {"shown": "not a digest"}, SAME_ORIGIN, 409, "details_changed"),
    ],
)
def test_a_click_that_is_refused_has_the_status_of_the_contract_and_is_audited(
    kit: Kit, task: dict[str, Any], fields: dict[str, str], headers: dict[str, str], status: int, reason: str
) -> None:
    before = kit.open_task(**task)
    assert click(kit, kit.link(), headers, **fields).status == status
    assert kit.refusals() == [reason]
    refused = kit.audit()[-1].event
    assert (refused.actor, refused.identified_by, refused.source) == (APPROVER, "review link", "203.0.113.0/24")
    after = kit.task()
    assert (after.status, after.votes, after.revision) == (before.status, before.votes, before.revision)
    assert is_unbroken(kit.audit(), after.audit_head, after.audit_seq)


def test_the_page_says_who_submitted_the_request_where_that_is_known(kit: Kit) -> None:
    kit.open_task()
    assert "Submitted by" not in look(kit.link()).body
    kit.set(TASK_ID, "submitted_by", "arn:aws:sts::111122223333:assumed-role/shop/rita@example.com")
    page = look(kit.link()).body
    assert "Submitted by" in page
    assert "assumed-role/shop/rita@example.com" in page
    assert "111122223333" not in page


# What is no click at all


@pytest.mark.parametrize("token", ["", any_token()])
def test_a_click_with_an_unknown_token_is_404_and_writes_nothing(kit: Kit, token: str) -> None:
    kit.open_task()
    before = kit.items()
    page = click(kit, token, {"sec-fetch-site": "cross-site"}, decision="yes")
    assert page.status == 404, "an unknown token comes before every other reason"
    assert TITLE not in page.body
    assert kit.items() == before


def test_a_token_in_the_address_of_a_post_decides_nothing(kit: Kit) -> None:
    kit.open_task()
    token, shown = kit.link(), kit.task().shown
    page = call(handler, "POST", "/review", body=urlencode({"decision": "approve", "shown": shown}), query={"t": token})
    assert page.status == 404
    assert kit.task().status is Status.OPEN


@pytest.mark.parametrize(
    ("body", "status"),
    [("decision=approve", 404), (b"comment=%FF%FE", 400), ("a" * (MAX_BODY_BYTES + 1), 413)],
    ids=["without a token", "not UTF-8", "over the cap"],
)
def test_what_is_no_form_of_the_page_has_the_status_of_the_contract(kit: Kit, body: str | bytes, status: int) -> None:
    assert post(body).status == status


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


def test_what_nobody_expected_is_500_and_says_nothing_of_it(kit: Kit) -> None:
    with answering("dynamodb", "GetItem", Answer(400, "ValidationException")):
        page = look(any_token())
    assert page.status == 500
    assert "Validation" not in page.body
