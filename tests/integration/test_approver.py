"""The approver: each recipient is mailed once per hand-off, with a link that works and stands nowhere else."""

import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError

import review.handler
from approver.handler import handler
from countersign.contracts import envelope
from countersign.testing.builders import APPROVER, OTHER_APPROVER, REQUESTER, TASK_ID, TITLE, any_envelope, sqs_event
from tests.integration.conftest import BASE_URL, SENDER, Answer, Kit, Operation, Reaction, answering, call

BOTH = (APPROVER, OTHER_APPROVER)
LINK = re.compile(re.escape(BASE_URL) + r"/review\?t=[A-Za-z0-9_-]{43}")


def run(*bodies: str | dict[str, Any]) -> list[str]:
    """Hand messages to the approver and return the ids of those to be tried again."""
    return [failure["itemIdentifier"] for failure in handler(sqs_event(*bodies), None)["batchItemFailures"]]


def recipients(mails: Operation) -> list[str]:
    return [document["Destination"]["ToAddresses"][0] for document in mails.documents]


def token_in(mail: dict[str, Any]) -> str:
    (link,) = set(LINK.findall(mail["Content"]["Simple"]["Body"]["Text"]["Data"]))
    token: str = parse_qs(urlsplit(link).query)["t"][0]
    return token


def refusing(*refused: str, answer: Reaction = None) -> Any:
    """Return what refuses the mail to some, and sends the others'."""

    def react(request: Any) -> Reaction:
        (recipient,) = json.loads(request.body)["Destination"]["ToAddresses"]
        return (answer or Answer(400, "MessageRejected")) if recipient in refused else Answer()

    return react


def test_every_recipient_is_mailed_from_our_address_with_what_is_asked(kit: Kit, mails: Operation) -> None:
    task = kit.open_task(audience=BOTH)
    assert run(envelope.requested(task)) == []
    assert recipients(mails) == [*BOTH]
    for mail in mails.documents:
        assert mail["FromEmailAddress"] == SENDER
        assert len(mail["Destination"]["ToAddresses"]) == 1
        assert "CcAddresses" not in mail["Destination"]
        content = mail["Content"]["Simple"]
        assert TITLE in content["Subject"]["Data"]
        assert REQUESTER in content["Body"]["Text"]["Data"].replace("\N{ZERO WIDTH NON-JOINER}", "")
        assert task.callback_id not in json.dumps(mail)


def test_the_link_in_the_mail_opens_its_recipients_page(kit: Kit, mails: Operation) -> None:
    run(envelope.requested(kit.open_task(audience=BOTH)))
    for mail, recipient in zip(mails.documents, BOTH, strict=True):
        page = call(review.handler.handler, "GET", "/review", query={"t": token_in(mail)})
        assert page.status == 200
        assert recipient in page.body


def test_tokens_stand_in_the_table_as_their_sha_256_only(kit: Kit, mails: Operation) -> None:
    run(envelope.requested(kit.open_task(audience=BOTH)))
    minted = [token_in(mail) for mail in mails.documents]
    assert len(set(minted)) == 2
    stored = repr(kit.items())
    links = {pk.removeprefix("LINK#") for pk, _ in kit.items() if pk.startswith("LINK#")}
    assert links == {hashlib.sha256(token.encode()).hexdigest() for token in minted}
    assert not any(token in stored for token in minted)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, "MessageRejected"),
        Answer(429, "TooManyRequestsException"),
        Answer(500, "InternalServiceErrorException"),
        EndpointConnectionError(endpoint_url="https://email.eu-central-1.amazonaws.com", error="refused"),
    ],
    ids=repr,
)
def test_a_mailbox_that_refuses_keeps_no_mail_from_the_others_and_is_tried_again(
    kit: Kit, mails: Operation, answer: Reaction
) -> None:
    message = envelope.requested(kit.open_task(audience=BOTH))
    mails.by_default = refusing(APPROVER, answer=answer)
    assert run(message) == ["message-0"]
    assert kit.ledger.mailed(TASK_ID, 1, OTHER_APPROVER)
    assert not kit.ledger.mailed(TASK_ID, 1, APPROVER)
    mails.asked.clear()
    mails.by_default = Answer()
    assert run(message) == []
    assert recipients(mails) == [APPROVER], "only who has no mail yet"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        '{"version":1}',
        json.dumps(any_envelope(version=2)),
        json.dumps(any_envelope()).replace('"attempt": 1', '"attempt": 1, "attempt": 2'),
        "[" * 100_000,
    ],
    ids=["nothing", "no JSON", "a list", "half", "version 2", "a key twice", "deep"],
)
def test_a_message_that_is_no_envelope_goes_back_to_the_queue_and_blocks_nothing(
    kit: Kit, mails: Operation, body: str
) -> None:
    assert run(body, envelope.requested(kit.open_task())) == ["message-0"]
    assert recipients(mails) == [APPROVER]


def test_a_mail_whose_record_was_lost_goes_out_again_and_both_links_are_the_same_persons(
    kit: Kit, mails: Operation
) -> None:
    message = envelope.requested(kit.open_task())
    with answering("dynamodb", "TransactWriteItems", Answer(500, "InternalServerError")) as write:
        write.answers = [None]
        assert run(message) == ["message-0"]
    assert run(message) == []
    assert recipients(mails) == [APPROVER, APPROVER]
    for mail in mails.documents:
        assert call(review.handler.handler, "GET", "/review", query={"t": token_in(mail)}).status == 200
