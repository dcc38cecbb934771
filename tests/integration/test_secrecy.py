"""Nothing secret is ever logged: whatever happens, no token, callback id, address or comment leaves a function."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from aws_lambda_powertools import Logger
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
    sqs_event,
    status_change,
    stream_event,
    stream_record,
    task_result,
)
from tests.integration.conftest import REGION, SENDER, Answer, Kit, Operation, Page, answering, call

PEOPLE = (APPROVER, OTHER_APPROVER, REQUESTER, SENDER)
QUOTING = " ".join((any_token(), CALLBACK_ID, COMMENT, *PEOPLE))
"""What an error's text may quote: everything that must not be logged."""
TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w+")


class Output:
    """Everything that the functions write, to their logs and to standard output and error."""

    def __init__(self, logged: StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self._logged = logged
        self._capsys = capsys
        self._printed = ""

    @property
    def text(self) -> str:
        captured = self._capsys.readouterr()
        self._printed += captured.out + captured.err
        return self._logged.getvalue() + self._printed

    @property
    def messages(self) -> set[str]:
        """What was logged, by the message of each entry."""
        lines = [line for line in self._logged.getvalue().splitlines() if line.startswith("{")]
        return {json.loads(line).get("message", "") for line in lines}

    def assert_silent_about(self, *secrets: str) -> None:
        """Assert that no secret was written, as it is or as JSON, an address or a form would spell it."""
        text = self.text
        for secret in (any_token(), CALLBACK_ID, COMMENT, DETAILS[2][1], *PEOPLE, *secrets):
            for spelling in (
                secret,
                json.dumps(secret)[1:-1],
                quote(secret),
                quote(secret, safe=""),
                urlencode({"": secret})[1:],
            ):
                assert spelling not in text
        assert TOKEN.search(text) is None
        assert ADDRESS.search(text) is None


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    """Capture the functions' loggers, every other logger from INFO on, and what is printed."""
    logged = StringIO()
    streams = [each for each in Logger().handlers if isinstance(each, logging.StreamHandler)]
    before = {handler: handler.setStream(logged) for handler in streams}
    everything, root = logging.StreamHandler(logged), logging.getLogger()
    level = root.level
    root.addHandler(everything)
    root.setLevel(logging.INFO)
    try:
        yield Output(logged, capsys)
    finally:
        root.removeHandler(everything)
        root.setLevel(level)
        for handler, stream in before.items():
            if stream is not None:
                handler.setStream(stream)


# What the functions do


def look(token: str) -> Page:
    return call(review.handler.handler, "GET", "/review", query={"t": token})


def click(kit: Kit, token: str, site: str = "same-origin", **fields: str) -> Page:
    form = {"t": token, "decision": "approve", "comment": COMMENT, "shown": kit.task().shown} | fields
    return call(review.handler.handler, "POST", "/review", body=urlencode(form), headers={"sec-fetch-site": site})


def submit(document: Any = None) -> Page:
    body = json.dumps(any_request() if document is None else document)
    return call(requests_api.handler.handler, "POST", "/requests", body=body, caller=CALLER)


def deliver(*bodies: Any) -> Any:
    return approver.handler.handler(sqs_event(*bodies), None)["batchItemFailures"]


def answer_by_event(*bodies: Any) -> Any:
    return bus_events.handler.handler(sqs_event(*bodies), None)["batchItemFailures"]


def tokens_in(mails: Operation) -> list[str]:
    return [token for document in mails.documents for token in TOKEN.findall(json.dumps(document))]


# When all goes well


def test_a_whole_approval_is_logged_without_a_secret(
    kit: Kit, output: Output, mails: Operation, events: Operation, callbacks: Operation, invocations: Operation
) -> None:
    assert submit().status == 202
    deliver(envelope.requested(kit.open_task(audience=(APPROVER, OTHER_APPROVER))))
    token, other = tokens_in(mails)[0], tokens_in(mails)[-1]
    assert look(token).status == 200
    assert click(kit, token).status == 200
    assert click(kit, token).status == 200
    assert click(kit, other, decision="reject").status == 409
    records = kit.stream()
    decisions = [
        record for record in records if record["dynamodb"].get("NewImage", {}).get("status") == {"S": "DECIDED"}
    ]
    relay.handler.handler(stream_event(decisions[0]), None)
    publisher.handler.handler(
        stream_event(*(record for record in records if record["dynamodb"]["Keys"]["sk"]["S"] == "TASK")), None
    )
    executions.handler.handler(sqs_event(status_change("FAILED")), None)
    call(requests_api.handler.handler, "GET", "/requests/order-1001", caller=CALLER)
    assert output.messages >= {"request taken", "delivered", "clicked", "rung", "published", "execution ended"}
    for metric in ("RequestsStarted", "MailsSent", "AnswersRecorded", "AnswersRefused", "TaskOpened", "TaskDecided"):
        assert metric in output.text
    output.assert_silent_about(token, other)


# When people and callers do what they should not


def test_delegations_and_inboxes_are_logged_without_a_secret(
    kit: Kit, output: Output, mails: Operation, events: Operation
) -> None:
    kit.open_task()
    token, colleague = kit.link(), "li@example.com"
    for path, fields in (
        ("/inbox", {}),
        ("/delegate", {"colleague": "li@elsewhere.example"}),
        ("/delegate", {"colleague": colleague}),
        ("/delegate", {"colleague": colleague}),
    ):
        body = urlencode({"t": token} | fields)
        call(review.handler.handler, "POST", path, body=body, headers={"sec-fetch-site": "same-origin"})
    outbox = [record for record in kit.stream() if record["dynamodb"]["Keys"]["sk"]["S"].startswith("OUTBOX#")]
    assert publisher.handler.handler(stream_event(*outbox), None) == {"batchItemFailures": []}
    sent = [json.loads(entry["Detail"]) for document in events.documents for entry in document["Entries"]]
    assert deliver(*sent) == []
    inbox = tokens_in(mails)[0]
    call(review.handler.handler, "GET", "/inbox", query={"t": inbox})
    call(review.handler.handler, "GET", "/review", query={"t": inbox, "task": TASK_ID})
    assert {"handed over", "inbox asked for", "outbox sent", "delivered"} <= output.messages
    output.assert_silent_about(token, inbox, colleague, "li@elsewhere.example", *tokens_in(mails))


def test_refused_clicks_are_logged_without_a_secret(kit: Kit, output: Output) -> None:
    kit.open_task()
    token = kit.link()
    assert click(kit, token, site="cross-site").status == 403
    assert click(kit, token, decision=COMMENT).status == 400
    assert click(kit, token, comment=COMMENT * 100).status == 400
    assert click(kit, token, shown=COMMENT).status == 409
    kit.expire()
    assert click(kit, token).status == 410
    assert look(any_token()).status == 404
    assert click(kit, any_token()).status == 404
    assert "clicked" in output.messages
    output.assert_silent_about(token)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff" + QUOTING.encode(),
        urlencode({"t": QUOTING}).encode(),
    ],
    ids=["not UTF-8", "unknown"],
)
def test_broken_forms_are_logged_without_a_secret(kit: Kit, output: Output, body: bytes) -> None:
    assert call(review.handler.handler, "POST", "/review", body=body).status >= 400
    assert "page refused" in output.messages
    output.assert_silent_about()


@pytest.mark.parametrize(
    "document",
    [
        {QUOTING: QUOTING},
        any_request(request_id=APPROVER),
        any_request(input=any_input(requester=COMMENT, approvers=[APPROVER, APPROVER], **{QUOTING: QUOTING})),
    ],
    ids=["an unknown member", "an id", "an input"],
)
def test_broken_requests_are_logged_without_a_secret(kit: Kit, output: Output, document: Any) -> None:
    assert 400 <= submit(document).status < 500
    assert "request refused" in output.messages
    output.assert_silent_about()


# When things break


def test_a_ledger_that_raises_with_secrets_in_its_words_is_logged_by_type_and_place(
    kit: Kit,
    output: Output,
    monkeypatch: pytest.MonkeyPatch,
    callbacks: Operation,
    mails: Operation,
) -> None:
    kit.open_task()
    token, message = kit.link(), envelope.requested(kit.task())
    kit.decide()
    records = kit.decisions()

    def fail(*_: Any, **__: Any) -> Any:
        raise UnicodeDecodeError("utf-8", QUOTING.encode(), 0, 1, QUOTING) from RuntimeError(QUOTING)

    for name in ("task", "link", "commit", "request", "submit", "task_ids"):
        monkeypatch.setattr(DynamoLedger, name, fail)
    assert look(token).status == 500
    form = urlencode({"t": token, "decision": "approve"})
    assert call(review.handler.handler, "POST", "/review", body=form).status == 500
    assert submit().status == 500
    assert call(requests_api.handler.handler, "GET", "/requests/order-1001", caller=CALLER).status == 500
    assert len(deliver(message)) == 1
    assert len(relay.handler.handler(stream_event(*records), None)["batchItemFailures"]) == 1
    assert len(executions.handler.handler(sqs_event(status_change("FAILED")), None)["batchItemFailures"]) == 1
    assert output.messages >= {"page failed", "request failed", "record failed, to be tried again"}
    assert "UnicodeDecodeError" in output.text
    output.assert_silent_about(token)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("GetItem", "ValidationException"),
        ("PutItem", "InternalServerError"),
        ("TransactWriteItems", "TransactionCanceledException"),
    ],
)
def test_what_dynamodb_says_of_an_error_is_not_logged(
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
        form = urlencode({"t": token, "decision": "reject", "comment": COMMENT, "shown": shown})
        call(review.handler.handler, "POST", "/review", body=form)
        submit()
        deliver(message)
        relay.handler.handler(stream_event(*records), None)
        executions.handler.handler(sqs_event(status_change("FAILED")), None)
    assert output.text
    output.assert_silent_about(token)


def test_what_other_services_say_of_an_error_is_not_logged(
    kit: Kit, output: Output, mails: Operation, callbacks: Operation, invocations: Operation, events: Operation
) -> None:
    message = envelope.requested(kit.open_task())
    kit.decide()
    records = kit.decisions()
    for failing in (
        Answer(400, "SomethingException", {"message": QUOTING, "Message": QUOTING}),
        Answer(500, "ServiceException"),
    ):
        mails.by_default = callbacks.by_default = invocations.by_default = events.by_default = failing
        submit(any_request(request_id=f"order-{failing.status}"))
        relay.handler.handler(stream_event(*records), None)
        publisher.handler.handler(stream_event(*records), None)
    kit.open_task(task_id="order-1002.approval")
    deliver(message | {"task_id": "order-1002.approval"})
    broken = EndpointConnectionError(
        endpoint_url=f"https://lambda/{quote(CALLBACK_ID, safe='')}/succeed", error=QUOTING
    )
    callbacks.by_default = mails.by_default = broken
    relay.handler.handler(stream_event(*records), None)
    deliver(message | {"task_id": "order-1002.approval"})
    assert output.messages >= {"rung", "record failed, to be tried again", "request refused"}
    assert "RingsFailed" in output.text
    output.assert_silent_about(*tokens_in(mails))


@pytest.fixture
def dead_letters(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operation]:
    """The queue of the events that nobody can use, which takes every message unless told otherwise."""
    monkeypatch.setenv("DEAD_LETTERS_URL", f"https://sqs.{REGION}.amazonaws.com/111122223333/results-dlq")
    with answering("sqs", "SendMessage", Answer(document={"MessageId": "1"})) as operation:
        yield operation


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
def test_answers_by_event_are_logged_without_their_content_whatever_becomes_of_them(
    kit: Kit, output: Output, dead_letters: Operation, event: Any
) -> None:
    kit.open_task(task_id="order-1001.note", kind="note", audience=(), payload="{}")
    kit.open_task(task_id="order-1001.payment", audience=(), payload="{}", answer_contract="payment.answer")
    assert answer_by_event(event) == []
    assert output.messages & {"result received", "result refused"}
    output.assert_silent_about()


def test_stream_records_that_cannot_be_read_are_logged_without_their_content(kit: Kit, output: Output) -> None:
    kit.open_task()
    (image,) = [item for key, item in kit.items().items() if key[1] == "TASK"]
    record = stream_record(image | {"status": {"S": QUOTING}}, image)
    assert len(relay.handler.handler(stream_event(record), None)["batchItemFailures"]) == 1
    assert len(publisher.handler.handler(stream_event(record), None)["batchItemFailures"]) == 1
    assert "record failed, to be tried again" in output.messages
    output.assert_silent_about()


def test_an_audit_entry_that_was_changed_is_logged_by_its_number_alone(
    kit: Kit, archive: S3AuditArchive, output: Output
) -> None:
    kit.open_task()
    kit.decide(comment=COMMENT)
    entries = [item for key, item in kit.items().items() if key[0] == f"AUDIT#{TASK_ID}"]
    changed = [stream_record(item | {"actor": {"S": QUOTING}}, item) for item in entries]
    for records in ([stream_record(item) for item in entries], changed):
        assert publisher.handler.handler(stream_event(*records), None) == {"batchItemFailures": []}
    assert "audit entry is not what its copy holds" in output.messages
    assert f'"task_id":"{TASK_ID}","entry":"0000000001"' in output.text
    output.assert_silent_about()


def log_a_traceback() -> None:
    try:
        int(COMMENT)
    except ValueError:
        logging.getLogger("anything").exception("it failed")


@pytest.mark.parametrize(
    "leak",
    [lambda: review.handler.logger.info("clicked", token=any_token()), lambda: print(APPROVER), log_a_traceback],  # noqa: T201  what the test is about
    ids=["logged", "printed", "in a traceback"],
)
def test_this_test_would_notice_a_secret(output: Output, leak: Callable[[], None]) -> None:
    leak()
    with pytest.raises(AssertionError):
        output.assert_silent_about()
