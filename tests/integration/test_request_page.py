"""The route `/request`: the status of a request, and what its requester does about it."""

from typing import Any

import pytest

import approver.handler
import publisher.handler
from countersign.domain.links import Link, Purpose
from countersign.domain.tasks import Status, Task
from countersign.domain.tokens import mint
from countersign.testing.builders import APPROVER, REQUESTER, TASK_ID, TITLE, any_exchange, any_token
from review.document import security_headers
from tests.integration.conftest import Kit, Operation, Page, look, on_queue, on_stream, post_form
from tests.integration.test_approver import recipients, token_in
from tests.integration.test_publisher import entries


def status_link(kit: Kit) -> str:
    token, digest = mint()
    kit.ledger.put_link(Link(digest, TASK_ID, REQUESTER, Purpose.REQUESTER), kit.now)
    return token


def returned(kit: Kit, **changes: Any) -> Task:
    asked = {"send_back": True, "amount": "250.00 EUR", "exchanges": (any_exchange(at=kit.now),)}
    return kit.open_task(tells_requester=True, **asked | changes)


def act(kit: Kit, token: str, action: str, **fields: str) -> Page:
    return post_form("/request", t=token, action=action, shown=kit.task().shown, **fields)


def test_the_requester_reads_the_question_and_gets_the_forms(kit: Kit) -> None:
    returned(kit)
    token = status_link(kit)
    page = look(token, "/request")
    assert page.status == 200
    assert page.headers.items() >= dict(security_headers()).items()
    assert (TITLE in page.body, page.body.count('<form method="post" action="request"')) == (True, 3)
    assert page.body.count('name="exchanges" value="1"') == 2, "both are to the question on the page"
    head = look(token, "/request", "HEAD")
    assert (head.status, head.headers, head.body) == (200, page.headers, "")


@pytest.mark.parametrize(
    ("changes", "revises", "lowers"),
    [
        ({"amount": "12 BTC"}, True, False),
        ({"earlier": ((APPROVER, "approve", "", "2026-03-01T09:00:00.000000Z"),)}, False, False),
        ({}, True, True),
    ],
    ids=["no amount that can be lowered", "a later level", "any other"],
)
def test_the_page_offers_only_what_the_request_takes(
    kit: Kit, changes: dict[str, Any], revises: bool, lowers: bool
) -> None:
    returned(kit, **changes)
    page = look(status_link(kit), "/request").body
    assert ('value="revise"' in page, 'name="amount"' in page) == (revises, lowers)


def test_the_page_is_in_the_requesters_language_by_the_directory(kit: Kit) -> None:
    returned(kit, people={REQUESTER: {"name": "Rita", "language": "ar"}})
    assert '<html lang="ar" dir="rtl">' in look(status_link(kit), "/request").body


def test_an_answer_lets_the_approvers_decide_again(kit: Kit) -> None:
    returned(kit)
    page = act(kit, status_link(kit), "answer", comment="The blue ones")
    assert (page.status, "Your answer is recorded" in page.body) == (200, True)
    assert kit.task().returned is None
    assert [sk for _, sk in kit.items() if sk.startswith("OUTBOX#answered#")]


def test_a_revision_is_read_from_the_fields_of_the_form(kit: Kit) -> None:
    returned(kit)
    rows = {"row-label-0": "Order", "row-value-0": "1001", "row-label-1": "Why", "row-value-1": "Backs\r\nhurt"}
    links = {"attachments": "The offer https://files.example.com/a.pdf\r\n\r\n"}
    assert act(kit, status_link(kit), "revise", title="Chairs", amount="200.00", **rows, **links).status == 200
    question = kit.task().question
    assert (question.title, question.amount, kit.task().round) == ("Chairs", "200.00 EUR", 2)
    assert question.details == (("Order", "1001"), ("Why", "Backs\nhurt"))
    (item,) = question.attachments
    assert (item.name, item.url) == ("The offer", "https://files.example.com/a.pdf")


def test_a_withdrawal_is_cancelled_for_the_workflow(kit: Kit) -> None:
    returned(kit)
    token = status_link(kit)
    page = act(kit, token, "withdraw", comment="Ordered twice")
    assert (page.status, "You have withdrawn" in page.body) == (200, True)
    assert (kit.task().status, kit.task().closed_because) == (Status.CANCELLED, "withdrawn_by_requester")
    assert look(token, "/request").status == 200


@pytest.mark.parametrize(
    ("action", "fields", "status"),
    [
        ("answer", {"comment": " "}, 400),
        ("approve", {}, 400),
        ("revise", {"amount": "300.00"}, 400),
        ("revise", {"title": ""}, 400),
        ("answer", {"comment": "Blue", "shown": "other"}, 409),
        ("answer", {"comment": "Blue", "exchanges": "0"}, 409),
        ("revise", {"title": "Chairs", "exchanges": "0"}, 409),
    ],
)
def test_a_refused_act_is_answered_with_the_page_and_the_typed_words(
    kit: Kit, action: str, fields: dict[str, str], status: int
) -> None:
    returned(kit)
    form = {"t": status_link(kit), "action": action, "shown": kit.task().shown} | fields
    page = post_form("/request", **form)
    assert (page.status, "Nothing is recorded yet" in page.body) == (status, True)
    assert kit.task().returned is not None


def test_a_decided_request_answers_409_a_closed_one_410_and_another_site_403(kit: Kit) -> None:
    returned(kit)
    token = status_link(kit)
    assert post_form("/request", {"sec-fetch-site": "cross-site"}, t=token, action="withdraw").status == 403
    kit.expire()
    assert act(kit, token, "withdraw").status == 410
    for name, value in {"status": Status.DECIDED, "decided_at": kit.now, "outcome": "approved"}.items():
        kit.set(TASK_ID, name, value)
    assert act(kit, token, "withdraw").status == 409


def test_a_status_link_opens_no_other_route_and_no_other_token_opens_the_status(kit: Kit) -> None:
    task = returned(kit)
    token = status_link(kit)
    for path, fields in {"/review": {"decision": "approve"}, "/delegate": {"colleague": "li@example.com"}}.items():
        assert post_form(path, t=token, task=TASK_ID, shown=task.shown, **fields).status == 404
    assert post_form("/inbox", t=token, task=TASK_ID).status == 404
    assert [look(token, path, task=TASK_ID).status for path in ("/review", "/inbox")] == [404, 404]
    for other in (kit.link(), any_token()):
        assert look(other, "/request").status == act(kit, other, "withdraw").status == 404
    assert kit.task() == task


def test_the_requester_hears_the_outcome_once_by_a_link_to_the_status(
    kit: Kit, events: Operation, mails: Operation
) -> None:
    kit.open_task(tells_requester=True)
    kit.decide("reject", comment="Too expensive")
    kit.set(TASK_ID, "closed_at", kit.now)
    kit.set(TASK_ID, "status", Status.APPLIED)
    records = [record for record in kit.stream() if record["dynamodb"]["Keys"]["sk"]["S"] == "TASK"]
    assert on_stream(publisher.handler.handler)(*records) == []
    told = [entry["Detail"] for entry in entries(events) if '"tell"' in entry["Detail"]]
    assert len(told) == 1
    for _ in range(2):
        assert on_queue(approver.handler.handler)(*told) == []
    assert recipients(mails) == [REQUESTER]
    (mail,) = mails.documents
    assert "Too expensive" in mail["Content"]["Simple"]["Body"]["Text"]["Data"]
    page = look(token_in(mail, "/request"), "/request")
    assert (page.status, "Too expensive" in page.body, kit.audited()[-2:]) == (200, True, ["minted", "told"])
