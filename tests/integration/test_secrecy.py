"""No function logs a token, a callback id, an address or a comment, whatever happens."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import EndpointConnectionError

import approver.handler
import bus_events.handler
import executions.handler
import publisher.handler
import relay.handler
import requests_api.handler
import review.handler
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.contracts import envelope
from countersign.functions.log import logger
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    CALLER,
    COMMENT,
    DETAILS,
    OTHER_APPROVER,
    REQUESTER,
    TASK_ID,
    any_input,
    any_request,
    any_result,
    any_token,
    status_change,
    stream_record,
    task_result,
)
from tests.integration.conftest import (
    SENDER,
    Answer,
    Kit,
    Operation,
    Page,
    answering,
    call,
    click,
    look,
    on_queue,
    on_stream,
    post_form,
    statuses,
)
from tests.integration.output import Output, Written, spellings

PEOPLE = (APPROVER, OTHER_APPROVER, REQUESTER, SENDER)
QUOTING = " ".join((any_token(), CALLBACK_ID, COMMENT, *PEOPLE))
"""The text of an error that quotes everything that must not be logged."""
TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w+")


def assert_no_secret(written: Written, *secrets: str) -> None:
    """Assert that no secret was written, as it is or as JSON, an address or a form spells it."""
    for secret in (any_token(), CALLBACK_ID, COMMENT, DETAILS[2][1], *PEOPLE, *secrets):
        assert not [spelling for spelling in spellings(secret) if spelling in written.text]
    assert TOKEN.search(written.text) is None
    assert ADDRESS.search(written.text) is None


# What the functions do


def submit(document: Any = None) -> Page:
    body = json.dumps(any_request() if document is None else document)
    return call(requests_api.handler.handler, "POST", "/requests", body=body, caller=CALLER)


def report() -> Page:
    return call(requests_api.handler.handler, "GET", "/requests/order-1001", caller=CALLER)


deliver = on_queue(approver.handler.handler)
follow = on_queue(executions.handler.handler)
answer_by_event = on_queue(bus_events.handler.handler)
ring = on_stream(relay.handler.handler)
publish = on_stream(publisher.handler.handler)


def tokens_in(mails: Operation) -> list[str]:
    return [token for document in mails.documents for token in TOKEN.findall(json.dumps(document))]


# Without errors


def test_a_whole_approval_is_logged_without_a_secret(
    kit: Kit, output: Output, mails: Operation, events: Operation, callbacks: Operation, invocations: Operation
) -> None:
    assert submit().status == 202
    deliver(envelope.requested(kit.open_task(audience=(APPROVER, OTHER_APPROVER))))
    token, other = tokens_in(mails)[0], tokens_in(mails)[-1]
    assert (look(token).status, [click(kit, token, comment=COMMENT).status for _ in range(2)]) == (200, [200, 200])
    assert click(kit, other, decision="reject", comment=COMMENT).status == 409
    records = [record for record in kit.stream() if record["dynamodb"]["Keys"]["sk"]["S"] == "TASK"]
    ring(next(record for record in records if statuses(record) == ("OPEN", "DECIDED")))
    publish(*records)
    follow(status_change("FAILED"))
    report()
    written = output.new()
    assert written.messages >= {"request taken", "delivered", "clicked", "rung", "execution ended"}
    metrics = {"AnswersRecorded", "AnswersRefused", "TaskOpened", "TaskDecided"}
    assert written.counts.keys() >= metrics
    assert_no_secret(written, token, other)


def test_delegations_and_inboxes_are_logged_without_a_secret(
    kit: Kit, output: Output, mails: Operation, events: Operation
) -> None:
    kit.open_task()
    token, colleague = kit.link(), "li@example.com"
    post_form("/inbox", t=token)
    for address in ("li@elsewhere.example", colleague, colleague):
        post_form("/delegate", t=token, colleague=address, confirmed="yes")
    outbox = [record for record in kit.stream() if record["dynamodb"]["Keys"]["sk"]["S"].startswith("OUTBOX#")]
    assert publish(*outbox) == []
    assert deliver(*(entry["Detail"] for document in events.documents for entry in document["Entries"])) == []
    inbox = tokens_in(mails)[0]
    look(inbox, "/inbox")
    look(inbox, task=TASK_ID)
    written = output.new()
    assert written.messages >= {"handed over", "inbox asked for", "outbox sent", "delivered"}
    assert_no_secret(written, token, inbox, colleague, "li@elsewhere.example", *tokens_in(mails))


# Refusals


def test_refused_clicks_are_logged_without_a_secret(kit: Kit, output: Output) -> None:
    token = kit.open_link()
    assert click(kit, token, {"sec-fetch-site": "cross-site"}, comment=COMMENT).status == 403
    assert click(kit, token, decision=COMMENT).status == 400
    assert (click(kit, token, comment=COMMENT * 100).status, click(kit, token, shown=COMMENT).status) == (400, 409)
    assert click(kit, any_token(), comment=COMMENT).status == 404
    assert call(review.handler.handler, "POST", "/review", body=b"\xff" + QUOTING.encode()).status == 400
    kit.expire()
    assert click(kit, token).status == 410
    written = output.new()
    assert written.messages >= {"clicked", "page refused"}
    assert_no_secret(written, token)


@pytest.mark.parametrize(
    "document",
    [
        {QUOTING: QUOTING},
        any_request(request_id=APPROVER),
        any_request(input=any_input(requester=COMMENT, approvers=[APPROVER, APPROVER], **{QUOTING: QUOTING})),
    ],
    ids=["an unknown member", "an id", "an input"],
)
def test_refused_requests_are_logged_without_a_secret(kit: Kit, output: Output, document: Any) -> None:
    assert 400 <= submit(document).status < 500
    written = output.new()
    assert "request refused" in written.messages
    assert_no_secret(written)


# Errors


def test_an_error_of_the_ledger_whose_text_has_secrets_is_logged_by_type_and_place(
    kit: Kit, output: Output, monkeypatch: pytest.MonkeyPatch, callbacks: Operation, mails: Operation
) -> None:
    kit.open_task()
    token, message = kit.link(), envelope.requested(kit.task())
    kit.decide()
    records = kit.decisions()

    def fail(*_: Any, **__: Any) -> Any:
        raise UnicodeDecodeError("utf-8", QUOTING.encode(), 0, 1, QUOTING) from RuntimeError(QUOTING)

    for name in ("task", "link", "commit", "request", "submit", "with_tasks"):
        monkeypatch.setattr(DynamoLedger, name, fail)
    assert (look(token).status, post_form("/review", t=token, decision="approve").status) == (500, 500)
    assert (submit().status, report().status) == (500, 500)
    callbacks.by_default = Answer(400, "CallbackTimeoutException")  # the ledger has no record of a delivered ring
    assert [len(failed) for failed in (deliver(message), ring(*records), follow(status_change("FAILED")))] == [1, 1, 1]
    written = output.new()
    assert written.messages >= {"page failed", "request failed", "record failed, to be tried again"}
    assert "UnicodeDecodeError" in written.text
    assert_no_secret(written, token)


ERRORS = {"GetItem": "ValidationException", "PutItem": "InternalServerError"}
ERRORS["TransactWriteItems"] = "TransactionCanceledException"


@pytest.mark.parametrize(("operation", "code"), ERRORS.items())
def test_the_text_of_an_error_of_dynamodb_is_not_logged(
    kit: Kit, output: Output, mails: Operation, callbacks: Operation, invocations: Operation, operation: str, code: str
) -> None:
    kit.open_task()
    token, message, shown = kit.link(), envelope.requested(kit.task()), kit.task().shown
    kit.decide()
    records = kit.decisions()
    reasons = [{"Code": "ValidationError", "Message": QUOTING}]
    failing = Answer(400, code, {"message": QUOTING, "Message": QUOTING, "CancellationReasons": reasons})
    with answering("dynamodb", operation, failing):
        look(token)
        post_form("/review", t=token, decision="reject", comment=COMMENT, shown=shown)
        submit()
        deliver(message)
        ring(*records)
        follow(status_change("FAILED"))
    written = output.new()
    assert written.entries
    assert_no_secret(written, token)


def test_the_text_of_an_error_of_another_service_is_not_logged(
    kit: Kit, output: Output, mails: Operation, callbacks: Operation, invocations: Operation, events: Operation
) -> None:
    message = envelope.requested(kit.open_task())
    kit.decide()
    records = kit.decisions()
    quoting = Answer(400, "SomethingException", {"message": QUOTING, "Message": QUOTING})
    for failing in (quoting, Answer(500, "ServiceException")):
        mails.by_default = callbacks.by_default = invocations.by_default = events.by_default = failing
        submit(any_request(request_id=f"order-{failing.status}"))
        ring(*records)
        publish(*records)
    kit.open_task(task_id="order-1002.approval")
    deliver(message | {"task_id": "order-1002.approval"})
    url = f"https://lambda/{quote(CALLBACK_ID, safe='')}/succeed"
    callbacks.by_default = mails.by_default = EndpointConnectionError(endpoint_url=url, error=QUOTING)
    ring(*records)
    deliver(message | {"task_id": "order-1002.approval"})
    written = output.new()
    assert written.messages >= {"rung", "record failed, to be tried again", "request refused"}
    assert written.counts["RingsFailed"]
    assert_no_secret(written, *tokens_in(mails))


@pytest.mark.parametrize(
    "event",
    [
        QUOTING,
        task_result({QUOTING: QUOTING}),
        task_result(any_result(answer={"note": QUOTING}, task_id="order-1001.note"), source=QUOTING[:256]),
        task_result(any_result(answer={QUOTING: QUOTING}, task_id="order-1001.payment")),
    ],
    ids=["a text", "a member", "an answer", "a refused answer"],
)
def test_answers_by_event_are_logged_without_their_content(
    kit: Kit, output: Output, dead_letters: Operation, event: Any
) -> None:
    kit.open_task(task_id="order-1001.note", kind="note", audience=(), payload="{}")
    kit.open_task(task_id="order-1001.payment", audience=(), payload="{}", answer_contract="payment.answer")
    assert answer_by_event(event) == []
    written = output.new()
    assert written.messages & {"result received", "result refused"}
    assert_no_secret(written)


def test_unreadable_stream_records_are_logged_without_their_content(kit: Kit, output: Output) -> None:
    kit.open_task()
    (image,) = [item for key, item in kit.items().items() if key[1] == "TASK"]
    record = stream_record(image | {"status": {"S": QUOTING}}, image)
    assert (len(ring(record)), len(publish(record))) == (1, 1)
    written = output.new()
    assert "record failed, to be tried again" in written.messages
    assert_no_secret(written)


def test_an_audit_entry_that_was_changed_is_logged_by_its_number_alone(
    kit: Kit, archive: S3AuditArchive, output: Output
) -> None:
    kit.open_task()
    kit.decide(comment=COMMENT)
    entries = [item for key, item in kit.items().items() if key[0] == f"AUDIT#{TASK_ID}"]
    changed = [stream_record(item | {"actor": {"S": QUOTING}}, item) for item in entries]
    for records in ([stream_record(item) for item in entries], changed):
        assert publish(*records) == []
    written = output.new()
    assert "audit entry is not what its copy holds" in written.messages
    assert f'"task_id":"{TASK_ID}","entry":"0000000001"' in written.text
    assert_no_secret(written)


def log_a_traceback() -> None:
    try:
        int(COMMENT)
    except ValueError:
        logging.getLogger("anything").exception("it failed")


@pytest.mark.parametrize(
    "leak",
    [lambda: logger.info("clicked", token=any_token()), lambda: print(APPROVER), log_a_traceback],  # noqa: T201  what the test is about
    ids=["logged", "printed", "in a traceback"],
)
def test_a_secret_would_be_noticed(output: Output, leak: Callable[[], None]) -> None:
    leak()
    with pytest.raises(AssertionError):
        assert_no_secret(output.new())
