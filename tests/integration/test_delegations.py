"""`POST /delegate` and `/inbox`: every row of the contract, what is on record of it, and to whom mail goes."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

import approver.handler
import publisher.handler
from countersign.domain.links import Link, Purpose
from countersign.domain.tasks import Status
from countersign.domain.tokens import mint
from countersign.testing.builders import (
    APPROVER,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    TITLE,
    any_token,
    is_unbroken,
    sqs_event,
    stream_event,
)
from review.handler import handler
from tests.integration.conftest import Answer, Kit, Operation, Page, answering, call
from tests.integration.test_review import SAME_ORIGIN, checked

COLLEAGUE = "li@example.com"


def post(path: str, token: str, headers: dict[str, str] | None = None, **fields: str) -> Page:
    body = urlencode({"t": token} | fields)
    return checked(call(handler, "POST", path, body=body, headers=SAME_ORIGIN if headers is None else headers))


def hand_over(token: str, colleague: str = COLLEAGUE, **more: Any) -> Page:
    return post("/delegate", token, colleague=colleague, **more)


def look(path: str, token: str, task_id: str = "", method: str = "GET") -> Page:
    query = {"t": token} | ({"task": task_id} if task_id else {})
    return checked(call(handler, method, path, query=query))


def inbox_link(kit: Kit, recipient: str = APPROVER, days: float = 7) -> str:
    token, fingerprint = mint()
    until = kit.now + timedelta(days=days)
    kit.ledger.put_link(Link(fingerprint, "", recipient, Purpose.INBOX, until), until)
    return token


def sent_by_the_publisher(kit: Kit, events: Operation) -> list[Any]:
    """Let the publisher take what the stream tells of, and return the envelopes that it sent."""
    from json import loads

    outbox = [record for record in kit.stream() if record["dynamodb"]["Keys"]["sk"]["S"].startswith("OUTBOX#")]
    records = [record for record in outbox if "NewImage" in record["dynamodb"]]
    if records:
        assert publisher.handler.handler(stream_event(*records), None) == {"batchItemFailures": []}
    entries = [entry for document in events.documents for entry in document["Entries"]]
    return [loads(entry["Detail"]) for entry in entries if "task" in loads(entry["Detail"])]


def mailed_to(mails: Operation) -> list[str]:
    return [document["Destination"]["ToAddresses"][0] for document in mails.documents]


# POST /delegate


def test_a_delegation_is_200_and_the_colleague_alone_is_mailed_and_decides(
    kit: Kit, events: Operation, mails: Operation
) -> None:
    kit.open_task()
    token = kit.link()
    page = hand_over(token)
    assert page.status == 200
    assert COLLEAGUE in page.body
    (envelope,) = sent_by_the_publisher(kit, events)
    assert not [key for key in kit.items() if key[1].startswith("OUTBOX#")], "what was sent is taken out"
    assert approver.handler.handler(sqs_event(envelope), None) == {"batchItemFailures": []}
    assert mailed_to(mails) == [COLLEAGUE]
    text = mails.documents[0]["Content"]["Simple"]["Body"]["Text"]["Data"]
    assert f"instead of {APPROVER}" in text.replace("\N{ZERO WIDTH NON-JOINER}", "")
    assert look("/review", token).status == 410
    click = urlencode({"t": token, "decision": "approve", "shown": kit.task().shown})
    assert checked(call(handler, "POST", "/review", body=click, headers=SAME_ORIGIN)).status == 410
    assert kit.task().status is Status.OPEN
    theirs = urlencode({"t": kit.link(COLLEAGUE), "decision": "approve", "shown": kit.task().shown})
    assert checked(call(handler, "POST", "/review", body=theirs, headers=SAME_ORIGIN)).status == 200
    task = kit.task()
    assert task.decided_by == (COLLEAGUE,)
    assert kit.audited() == ["opened", "delegated", "minted", "sent", "refused", "voted", "decided"]
    assert is_unbroken(kit.audit(), task.audit_head, task.audit_seq)


@pytest.mark.parametrize(("colleague", "status"), [("<script>alert(1)</script>", 400), (REQUESTER, 409)])
def test_a_colleague_who_cannot_be_asked_leaves_all_as_it_is(kit: Kit, colleague: str, status: int) -> None:
    task = kit.open_task()
    page = hand_over(kit.link(), colleague)
    assert page.status == status
    assert "Nothing is decided yet" in page.body
    assert (kit.task().audience, kit.task().delegations) == (task.audience, ())
    assert kit.audited() == ["opened", "refused"]


@pytest.mark.parametrize("path", ["/delegate", "/inbox"])
def test_a_post_from_another_site_is_403(kit: Kit, path: str) -> None:
    kit.open_task()
    assert post(path, kit.link(), {"sec-fetch-site": "cross-site"}, colleague=COLLEAGUE).status == 403
    assert not any(key[1].startswith("OUTBOX#") for key in kit.items())


def test_a_delegation_of_what_is_over_is_409_or_410_and_says_how_it_stands(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    assert hand_over(token).status == 200
    again = hand_over(token, OTHER_APPROVER)
    assert again.status == 410
    assert COLLEAGUE in again.body
    kit.open_task(task_id="b.approval")
    kit.decide(task_id="b.approval")
    assert hand_over(kit.link(task_id="b.approval")).status == 409
    kit.open_task(task_id="c.approval")
    kit.expire("c.approval")
    assert hand_over(kit.link(task_id="c.approval")).status == 410


@pytest.mark.parametrize("path", ["/delegate", "/inbox"])
def test_an_unknown_link_is_404_a_broken_form_400_and_a_huge_one_413(kit: Kit, path: str) -> None:
    kit.open_task()
    assert post(path, any_token(), colleague=COLLEAGUE).status == 404
    assert post(path, "").status == 404
    assert checked(call(handler, "POST", path, body="t=\xff", headers=SAME_ORIGIN)).status == 400
    assert checked(call(handler, "POST", path, body="t=" + "x" * 262_144, headers=SAME_ORIGIN)).status == 413
    assert kit.audited() == ["opened"]


def test_a_directory_that_does_not_answer_is_503_and_nothing_is_recorded(kit: Kit) -> None:
    kit.open_task()
    token, fields = kit.link(), {"decision": "approve", "shown": kit.task().shown}
    with answering("dynamodb", "BatchGetItem", Answer(500, "InternalServerError")):
        assert hand_over(token).status == 503
        assert post("/review", token, None, **fields).status == 503
    assert kit.audited() == ["opened"]
    assert hand_over(token).status == 200


# Races


@pytest.fixture
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.retries.ATTEMPTS", 200)


@pytest.mark.usefixtures("_patience")
def test_of_a_delegation_and_a_vote_at_once_exactly_one_wins(kit: Kit) -> None:
    kit.open_task()
    token, shown, start = kit.link(), kit.task().shown, threading.Barrier(2)

    def run(path: str) -> Page:
        start.wait()
        return post(path, token, colleague=COLLEAGUE, decision="approve", shown=shown)

    with ThreadPoolExecutor(2) as threads:
        delegated, voted = threads.map(run, ["/delegate", "/review"])
    task = kit.task()
    assert Counter([delegated.status == 200, voted.status == 200]) == {True: 1, False: 1}
    assert (task.status is Status.DECIDED) is (voted.status == 200)
    assert (task.audience == (COLLEAGUE,)) is (delegated.status == 200)
    assert any(key[1].startswith("OUTBOX#") for key in kit.items()) is (delegated.status == 200)
    assert is_unbroken(kit.audit(), task.audit_head, task.audit_seq)


# GET /inbox


def test_an_inbox_is_200_with_what_waits_and_each_opens_and_is_decided(kit: Kit) -> None:
    for task_id in (TASK_ID, "b.approval"):
        kit.open_task(task_id=task_id, title=f"Title of {task_id}")
        kit.link(task_id=task_id)
    kit.open_task(task_id="theirs.approval", audience=(OTHER_APPROVER,), title="Not yours")
    kit.link(OTHER_APPROVER, "theirs.approval")
    token = inbox_link(kit)
    page = look("/inbox", token)
    assert page.status == 200
    assert page.body.count('<a href="review?') == 2
    assert "Not yours" not in page.body
    review = look("/review", token, "b.approval")
    assert review.status == 200
    assert "Title of b.approval" in review.body
    fields = {"task": "b.approval", "decision": "approve", "shown": kit.task("b.approval").shown}
    assert post("/review", token, None, **fields).status == 200
    assert kit.task("b.approval").decided_by == (APPROVER,)
    assert look("/inbox", token).body.count('<a href="review?') == 1


def test_the_link_of_a_review_opens_no_inbox_and_one_that_is_too_old_is_410(kit: Kit) -> None:
    kit.open_task()
    assert look("/inbox", kit.link()).status == 404
    assert look("/inbox", any_token()).status == 404
    assert checked(call(handler, "GET", "/inbox")).status == 404
    old = inbox_link(kit, days=-1)
    looks = (look("/inbox", old), look("/review", old, TASK_ID))
    for page in (*looks, post("/review", old, task=TASK_ID), hand_over(old, task=TASK_ID)):
        assert page.status == 410
        assert "seven days" in page.body
        assert TITLE not in page.body


# POST /inbox


def test_the_list_is_mailed_to_whose_link_it_is_and_shown_to_nobody(
    kit: Kit, events: Operation, mails: Operation
) -> None:
    kit.open_task(audience=(APPROVER, OTHER_APPROVER))
    page = post("/inbox", kit.link())
    assert page.status == 200
    assert APPROVER in page.body
    assert "/inbox?" not in page.body
    (envelope,) = sent_by_the_publisher(kit, events)
    assert approver.handler.handler(sqs_event(envelope), None) == {"batchItemFailures": []}
    assert mailed_to(mails) == [APPROVER]
    text = mails.documents[0]["Content"]["Simple"]["Body"]["Text"]["Data"]
    token = text.partition("/inbox?t=")[2].split()[0]
    assert look("/inbox", token).status == 200
    assert TITLE not in text
    assert kit.audited() == ["opened", "minted"]
