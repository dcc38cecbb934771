"""The routes of pages over HTTP: `/review`, `/delegate` and `/inbox`."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from countersign.domain.links import Link, Purpose
from countersign.domain.questions import Person
from countersign.domain.rules import Outcome
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import Status
from countersign.domain.tokens import fingerprint, mint
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
from review.document import security_headers
from review.handler import handler
from tests.integration.conftest import (
    LIMITS_TABLE,
    SAME_ORIGIN,
    Answer,
    Kit,
    Page,
    answering,
    call,
    click,
    look,
    post_form,
)

COLLEAGUE = "li@example.com"
FORMS = pytest.mark.parametrize("path", ["/review", "/delegate", "/inbox"])


def assert_sent_as_a_page(page: Page) -> None:
    assert page.headers.items() >= dict(security_headers()).items()
    assert "<script" not in page.body
    assert CALLBACK_ID not in page.body
    assert ("Retry-After" in page.headers) == (page.status >= 500)


def inbox_link(kit: Kit) -> str:
    token, digest = mint()
    until = kit.now + timedelta(hours=24)
    kit.ledger.put_link(Link(digest, "", APPROVER, Purpose.INBOX, until), until)
    return token


def outbox(kit: Kit) -> list[str]:
    return [sk for _, sk in kit.items() if sk.startswith("OUTBOX#")]


# GET and HEAD


def test_the_page_of_an_open_task_has_the_form_and_names_who_submitted_the_request(kit: Kit) -> None:
    task = kit.open_task(submitted_by="arn:aws:sts::111122223333:assumed-role/shop/rita@example.com")
    token = kit.link()
    page = look(token)
    assert_sent_as_a_page(page)
    assert page.status == 200
    for shown in (TITLE, f'value="{token}"', f'value="{task.shown}"', "Submitted by", "assumed-role/shop/rita@"):
        assert shown in page.body
    assert "111122223333" not in page.body


def test_a_page_is_in_the_directorys_language_then_the_browsers_then_the_stages(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "ar")
    monkeypatch.setenv("TIME_ZONE", "Asia/Dubai")
    people = {APPROVER: Person(name="Maria Rossi", language="de", time_zone="Europe/Rome")}
    kit.open_task(people=people, audience=(APPROVER, OTHER_APPROVER))
    of_maria, of_other = kit.link(), kit.link(OTHER_APPROVER)

    def shown(token: str, accepted: str = "") -> tuple[str | None, bool]:
        body = look(token, headers={"accept-language": accepted}).body
        language = re.search('<html lang="(.*?)" dir=', body)
        return language and language[1], "UTC+04:00</time>" in body

    assert shown(of_maria, "en") == ("de", False)
    assert shown(of_other, "fr, de;q=0.5") == ("de", True)
    assert shown(of_other) == shown(of_other, "fr") == ("ar", True)
    assert "<bdi>Maria Rossi</bdi> (<bdi>maria@example.com</bdi>)" in look(of_other).body


def test_head_answers_like_get_without_the_page(kit: Kit) -> None:
    token = kit.open_link()
    page = look(token, method="HEAD")
    assert (page.status, page.headers, page.body) == (200, look(token).headers, "")
    assert look(any_token(), method="HEAD").status == 404


def test_a_browser_gets_the_page_in_a_third_of_its_bytes(kit: Kit) -> None:
    token = kit.open_link()
    plain = look(token)
    small = call(handler, "GET", "/review", query={"t": token}, headers={"accept-encoding": "br, gzip"})
    assert small.body == plain.body
    assert small.size * 2.5 < plain.size
    head = call(handler, "HEAD", "/review", query={"t": token}, headers={"accept-encoding": "gzip"})
    assert (head.size, head.headers) == (0, plain.headers)


def test_get_and_head_write_nothing_except_the_counters_of_the_limits(kit: Kit) -> None:
    token = kit.open_link()
    before = kit.items()
    with answering("dynamodb", "UpdateItem") as updates:
        look(token)
        look(token, method="HEAD")
        assert {update["TableName"] for update in updates.documents} <= {LIMITS_TABLE}
    assert kit.items() == before


def test_a_task_past_its_deadline_is_410(kit: Kit) -> None:
    token = kit.open_link()
    kit.expire()
    assert look(token).status == 410


@pytest.mark.parametrize("path", ["/review", "/inbox"])
@pytest.mark.parametrize("token", [None, any_token(), "<script>alert(1)</script>", "t" * 5000])
def test_an_unknown_token_opens_no_page(kit: Kit, path: str, token: str | None) -> None:
    kit.open_task()
    page = look(token, path)
    assert_sent_as_a_page(page)
    assert page.status == 404
    assert TITLE not in page.body
    assert not token or token not in page.body


def test_an_inbox_lists_the_owners_tasks_and_each_is_opened_and_decided_by_its_link(kit: Kit) -> None:
    for task_id in (TASK_ID, "b.approval"):
        kit.open_task(task_id=task_id, title=f"Title of {task_id}")
        kit.link(task_id=task_id)
    kit.open_task(task_id="c.approval", audience=(OTHER_APPROVER,), title="Not yours")
    kit.link(OTHER_APPROVER, "c.approval")
    token = inbox_link(kit)
    page = look(token, "/inbox")
    assert_sent_as_a_page(page)
    assert (page.status, page.body.count('<a href="review?'), "Not yours" in page.body) == (200, 2, False)
    assert "Title of b.approval" in look(token, task="b.approval").body
    form = {"t": token, "task": "b.approval", "decision": "approve", "shown": kit.task("b.approval").shown}
    assert post_form("/review", **form).status == 200
    assert kit.task("b.approval").decided_by == (APPROVER,)
    assert look(token, "/inbox").body.count('<a href="review?') == 1


def test_ticked_tasks_of_an_inbox_are_decided_and_listed_with_their_results(kit: Kit) -> None:
    shown = {}
    for name in "abc":
        task = kit.open_task(task_id=f"{name}.approval", title=f"Order {name}")
        kit.link(task_id=task.task_id)
        shown[task.task_id] = task.shown
    token = inbox_link(kit)
    assert look(token, "/inbox").body.count('type="checkbox"') == 3
    ticks = [("tick", f"{task_id} {shown[task_id]}") for task_id in ("a.approval", "b.approval")]
    body = urlencode([("t", token), ("decision", "approve"), *ticks, ("tick", "c.approval 55")])
    page = call(handler, "POST", "/inbox", body=body, headers=SAME_ORIGIN)
    assert_sent_as_a_page(page)
    assert (page.status, page.body.count("Approved."), "details have changed" in page.body) == (200, 2, True)
    assert [kit.task(task_id).status for task_id in shown] == [Status.DECIDED, Status.DECIDED, Status.OPEN]
    voted = [entry.event for entry in kit.audit("a.approval") if entry.event.event == "voted"]
    assert (voted[0].actor, voted[0].data["link"]) == (APPROVER, fingerprint(token))


@pytest.mark.parametrize(
    ("decision", "ticks", "said"),
    [("approve", 0, "at least one"), ("approve", 21, "at most 20"), ("maybe", 1, "one of the two buttons")],
)
def test_a_batch_without_a_decision_or_of_a_wrong_size_is_400_and_decides_nothing(
    kit: Kit, decision: str, ticks: int, said: str
) -> None:
    kit.open_task()
    kit.link()
    token = inbox_link(kit)
    body = urlencode([("t", token), ("decision", decision), *(("tick", f"{TASK_ID} {n}") for n in range(ticks))])
    page = call(handler, "POST", "/inbox", body=body, headers=SAME_ORIGIN)
    assert (page.status, said in page.body, kit.audited()) == (400, True, ["opened"])


# POST


@pytest.mark.parametrize("headers", [SAME_ORIGIN, {"sec-fetch-site": "none"}, {}], ids=["ours", "none", "not sent"])
def test_a_vote_is_recorded_with_its_person_comment_link_and_network(kit: Kit, headers: dict[str, str]) -> None:
    token = kit.open_link()
    page = click(kit, token, headers, decision="reject", comment=COMMENT)
    assert_sent_as_a_page(page)
    assert (page.status, "<form" in page.body) == (200, False)
    task = kit.task()
    assert (task.status, task.outcome, task.decided_by) == (Status.DECIDED, Outcome.REJECTED, (APPROVER,))
    voted = kit.audit()[-2].event
    assert (voted.event, voted.actor, voted.identified_by) == ("voted", APPROVER, "review link")
    assert voted.source == "203.0.113.0/24"
    assert voted.data == {"decision": "reject", "comment": COMMENT, "link": fingerprint(token)}
    assert is_unbroken(kit.audit(), task.audit_head, task.audit_seq)


def test_a_task_is_sent_back_once_and_then_waits_for_its_requester(kit: Kit) -> None:
    token = kit.open_link(send_back=True, tells_requester=True)
    question = {"decision": "return", "comment": COMMENT}
    assert 'name="exchanges" value="0"' in look(token).body
    wrong = ({"comment": ""}, {"shown": "0"}, {"exchanges": "1"})
    assert [click(kit, token, **question | fields).status for fields in wrong] == [400, 409, 409]
    for page in (click(kit, token, **question), click(kit, token, **question)):
        assert_sent_as_a_page(page)
        assert page.status == 200
    others: list[dict[str, str]] = [{}, {"decision": "reject"}, {"decision": "return", "comment": "?"}]
    delegated = post_form("/delegate", t=token, colleague=COLLEAGUE, confirmed="yes")
    for page in (*(click(kit, token, **fields) for fields in others), delegated):
        assert_sent_as_a_page(page)
        assert page.status == 409
    returned = kit.task().returned
    assert returned
    assert (returned.by, returned.comment, kit.task().status, kit.task().votes) == (APPROVER, COMMENT, Status.OPEN, {})
    assert [entry.event.event for entry in kit.audit()].count("returned") == 1


@pytest.mark.parametrize("site", ["cross-site", "Same-Site"])
def test_a_form_that_another_site_posts_is_refused(kit: Kit, site: str) -> None:
    kit.open_task()
    token, headers = kit.link(), {"Sec-Fetch-Site": site}
    forms = (post_form(path, headers, t=token, colleague=COLLEAGUE) for path in ("/delegate", "/inbox"))
    for page in (click(kit, token, headers), *forms):
        assert_sent_as_a_page(page)
        assert page.status == 403
    assert (kit.task().votes, outbox(kit)) == ({}, [])
    refused = kit.audit()[1].event
    assert (refused.actor, refused.source, refused.data["reason"]) == (APPROVER, "203.0.113.0/24", "cross_site")


def test_a_delegation_moves_the_task_to_the_colleague_and_sends_the_hand_off(kit: Kit) -> None:
    token = kit.open_link()
    page = post_form("/delegate", t=token, colleague=COLLEAGUE)
    assert (page.status, COLLEAGUE in page.body, kit.task().audience) == (200, True, (APPROVER,))
    page = post_form("/delegate", t=token, colleague=COLLEAGUE, confirmed="yes")
    assert_sent_as_a_page(page)
    assert (page.status, COLLEAGUE in page.body) == (200, True)
    assert (kit.task().audience, len(outbox(kit)), click(kit, token).status) == ((COLLEAGUE,), 1, 410)
    page = post_form("/delegate", t=token, action="take_back")
    assert_sent_as_a_page(page)
    assert (page.status, kit.task().audience, click(kit, kit.link(COLLEAGUE)).status) == (200, (APPROVER,), 410)


def test_the_link_to_an_inbox_is_sent_by_mail_and_not_shown(kit: Kit) -> None:
    kit.open_task()
    page = post_form("/inbox", t=kit.link())
    assert_sent_as_a_page(page)
    assert (page.status, APPROVER in page.body, "/inbox?" in page.body, len(outbox(kit))) == (200, True, False, 1)


@FORMS
@pytest.mark.parametrize("token", ["", any_token()])
def test_a_form_with_an_unknown_token_is_404_and_writes_nothing(kit: Kit, path: str, token: str) -> None:
    kit.open_task()
    before = kit.items()
    page = post_form(path, t=token, decision="approve", colleague=COLLEAGUE)
    assert (page.status, TITLE in page.body, kit.items()) == (404, False, before)


@FORMS
def test_a_token_in_the_address_of_a_form_counts_for_nothing(kit: Kit, path: str) -> None:
    kit.open_task()
    token, before = kit.link(), kit.items()
    body = f"decision=approve&shown={kit.task().shown}&colleague={COLLEAGUE}"
    assert call(handler, "POST", path, body=body, headers=SAME_ORIGIN, query={"t": token}).status == 404
    assert kit.items().keys() - before.keys() == set()


@FORMS
@pytest.mark.parametrize(
    ("body", "status"), [(b"t=%FF%FE", 400), ("t=" + "a" * MAX_BODY_BYTES, 413)], ids=["not UTF-8", "too large"]
)
def test_a_body_that_is_not_a_form_of_the_page_is_refused(kit: Kit, path: str, body: str | bytes, status: int) -> None:
    page = call(handler, "POST", path, body=body, headers=SAME_ORIGIN)
    assert_sent_as_a_page(page)
    assert page.status == status


# Outages


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem", "TransactWriteItems"])
def test_without_the_ledger_or_the_directory_a_vote_is_503_and_counts_when_it_is_repeated(
    kit: Kit, operation: str
) -> None:
    kit.open_task()
    form = {"t": kit.link(), "decision": "approve", "shown": kit.task().shown}
    before = kit.items()
    with answering("dynamodb", operation, Answer(500, "InternalServerError")):
        page = post_form("/review", **form)
    assert_sent_as_a_page(page)
    assert (page.status, kit.items(), post_form("/review", **form).status) == (503, before, 200)


def test_an_unexpected_error_is_500_and_its_text_is_not_shown(kit: Kit) -> None:
    with answering("dynamodb", "GetItem", Answer(400, "ValidationException")):
        page = look(any_token())
    assert_sent_as_a_page(page)
    assert (page.status, "Validation" in page.body) == (500, False)
