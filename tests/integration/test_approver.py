"""The approver: one mail to each recipient of a hand-off, with a link of their own."""

import hashlib
import json
import re
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import bus_events.handler
from approver.handler import handler
from countersign.contracts import envelope
from countersign.domain import tasks
from countersign.domain.questions import Person
from countersign.services import lifecycle_events
from countersign.testing.builders import APPROVER, OTHER_APPROVER, REQUESTER, TITLE, any_envelope, ses_event
from tests.integration.conftest import (
    BASE_URL,
    CONFIGURATION_SET,
    REPLY_TO,
    SENDER,
    Answer,
    Kit,
    Operation,
    answering,
    look,
    on_queue,
)

BOTH = (APPROVER, OTHER_APPROVER)

run = on_queue(handler)


def recipients(mails: Operation) -> list[str]:
    return [document["Destination"]["ToAddresses"][0] for document in mails.documents]


def token_in(mail: dict[str, Any], path: str = "/review") -> str:
    text = mail["Content"]["Simple"]["Body"]["Text"]["Data"]
    (token,) = set(re.findall(re.escape(f"{BASE_URL}{path}?t=") + r"([A-Za-z0-9_-]{43})", text))
    return str(token)


def test_every_recipient_gets_one_mail_from_our_address_with_a_link_to_their_own_page(
    kit: Kit, mails: Operation
) -> None:
    task = kit.open_task(audience=BOTH)
    assert (run(envelope.requested(task)), recipients(mails)) == ([], [*BOTH])
    for mail, recipient in zip(mails.documents, BOTH, strict=True):
        assert (mail["FromEmailAddress"], mail["Destination"]) == (SENDER, {"ToAddresses": [recipient]})
        assert (mail["ReplyToAddresses"], mail["ConfigurationSetName"]) == ([REPLY_TO], CONFIGURATION_SET)
        content = mail["Content"]["Simple"]
        assert TITLE in content["Subject"]["Data"]
        assert REQUESTER in content["Body"]["Text"]["Data"].replace("\N{ZERO WIDTH NON-JOINER}", "")
        assert task.callback_id not in json.dumps(mail)
        page = look(token_in(mail))
        assert (page.status, recipient in page.body) == (200, True)


def test_each_mail_is_in_the_recipients_language_and_time_zone(
    kit: Kit, mails: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "ar")
    people = {APPROVER: Person(language="de", time_zone="Europe/Rome"), REQUESTER: Person(name="Rita Moreno")}
    assert run(envelope.requested(kit.open_task(audience=BOTH, people=people))) == []
    maria, other = (mail["Content"]["Simple"]["Body"] for mail in mails.documents)
    assert '<html lang="de" dir="ltr">' in maria["Html"]["Data"]
    assert "Rita Moreno" in maria["Text"]["Data"]
    assert "\u00a0CET" in maria["Text"]["Data"]
    assert '<html lang="ar" dir="rtl">' in other["Html"]["Data"]
    assert "\u00a0UTC" in other["Text"]["Data"]


def test_the_ledger_has_the_sha_256_of_tokens_and_not_the_tokens(kit: Kit, mails: Operation) -> None:
    run(envelope.requested(kit.open_task(audience=BOTH)))
    minted = {token_in(mail) for mail in mails.documents}
    links = {pk.removeprefix("LINK#") for pk, _ in kit.items() if pk.startswith("LINK#")}
    assert (links, len(minted)) == ({hashlib.sha256(token.encode()).hexdigest() for token in minted}, 2)
    assert not any(token in repr(kit.items()) for token in minted)


def test_the_people_of_a_withdrawn_task_get_a_mail_without_a_link(kit: Kit, mails: Operation) -> None:
    task = kit.open_task()
    run(envelope.requested(task))
    kit.ledger.commit(tasks.withdraw(kit.task(), "olga", "Ordered twice", kit.now))
    (event,) = lifecycle_events.events_of(task, kit.task())
    for _ in range(2):  # a queue may deliver twice
        assert run(event) == []
    _, mail = mails.documents
    body = mail["Content"]["Simple"]["Body"]
    assert "Ordered twice" in body["Text"]["Data"]
    assert "/review?t=" not in body["Text"]["Data"] + body["Html"]["Data"]


def test_an_inbox_hand_off_is_a_mail_with_the_link_to_the_inbox(kit: Kit, mails: Operation) -> None:
    assert run(envelope.inbox(kit.open_task(), APPROVER)) == []
    (mail,) = mails.documents
    assert TITLE not in json.dumps(mail)
    assert look(token_in(mail, "/inbox"), "/inbox").status == 200


@pytest.mark.parametrize("kind", ["requested", "inbox"])
def test_a_mail_names_its_task_by_tags_that_ses_accepts_and_reports(kit: Kit, mails: Operation, kind: str) -> None:
    task = kit.open_task(task_id=f"{'r' * 64}.{'level 1 (of 9), ' * 9}"[:200], request_id="r" * 64)
    run(envelope.requested(task) if kind == "requested" else envelope.inbox(task, APPROVER))
    (mail,) = mails.documents
    tags = {tag["Name"]: tag["Value"] for tag in mail["EmailTags"]}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", text) for text in (*tags, *tags.values()))
    event = ses_event()
    event["detail"]["mail"]["tags"] = {name: [value] for name, value in tags.items()}
    assert (on_queue(bus_events.handler.handler)(event), kit.task(task.task_id).bounced) == ([], 1)


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
def test_a_refused_mail_is_sent_again_and_the_other_recipients_get_theirs_once(
    kit: Kit, mails: Operation, answer: Answer | Exception
) -> None:
    message = envelope.requested(kit.open_task(audience=BOTH))
    mails.by_default = lambda request: answer if APPROVER.encode() in request.body else Answer()
    assert run(message) == ["message-0"]
    assert [entry.event.data["recipient"] for entry in kit.audit() if entry.event.event == "sent"] == [BOTH[1]]
    mails.asked.clear()
    mails.by_default = Answer()
    assert (run(message), recipients(mails)) == ([], [APPROVER])


@pytest.mark.parametrize("body", ["not JSON", json.dumps(any_envelope(version=2))], ids=["not JSON", "version 2"])
def test_a_message_that_is_no_envelope_goes_back_to_the_queue_and_blocks_no_other(
    kit: Kit, mails: Operation, body: str
) -> None:
    assert (run(body, envelope.requested(kit.open_task())), recipients(mails)) == (["message-0"], [APPROVER])


def test_a_mail_whose_record_was_lost_is_sent_again_and_both_links_work(kit: Kit, mails: Operation) -> None:
    message = envelope.requested(kit.open_task())
    with answering("dynamodb", "TransactWriteItems", Answer(500, "InternalServerError")) as write:
        write.answers = [None]
        assert run(message) == ["message-0"]
    assert (run(message), recipients(mails)) == ([], [APPROVER, APPROVER])
    assert [look(token_in(mail)).status for mail in mails.documents] == [200, 200]
