"""Channels: `sns`, whose messages reach the subscription of their recipient only, and a fork's own."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
from botocore.exceptions import EndpointConnectionError

from approver.handler import handler
from countersign.channels import Channel, Message
from countersign.channels.base import load
from countersign.channels.sns import SUBJECT_LIMIT
from countersign.contracts import envelope
from countersign.domain.errors import MessageRefusedError
from countersign.domain.questions import Shown
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, OTHER_APPROVER, TITLE, any_message
from tests.integration.conftest import (
    BASE_URL,
    REGION,
    Answer,
    Kit,
    Operation,
    Reaction,
    answering,
    look,
    on_queue,
    session,
)

LINK = re.compile(re.escape(BASE_URL) + r"/review\?t=([A-Za-z0-9_-]{43})")
MESSAGE = any_message(question=Shown(f"Ünit 1:\r\n{'W' * 200}", (), ""))

run = on_queue(handler)


class Topic:
    """An SNS topic, with a queue subscribed for each person."""

    def __init__(self) -> None:
        self.sqs = session().create_client("sqs", region_name=REGION)
        self.arn = client("sns").create_topic(Name="approvals")["TopicArn"]
        self.queues = {person: self._subscribe(person) for person in (APPROVER, OTHER_APPROVER)}

    def _subscribe(self, person: str) -> str:
        url: str = self.sqs.create_queue(QueueName=person.partition("@")[0])["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        filtered = {"FilterPolicy": json.dumps({"recipient": [person]})}
        client("sns").subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=arn, Attributes=filtered)
        return url

    def received(self, person: str) -> list[dict[str, Any]]:
        """Return the new notifications of a person."""
        messages = self.sqs.receive_message(QueueUrl=self.queues[person], MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def topic(aws: None, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """The topic of an approver with the channel `sns`."""
    topic = Topic()
    monkeypatch.setenv("CHANNEL", "sns")
    monkeypatch.setenv("CHANNEL_SETTINGS", json.dumps({"topic": topic.arn}))
    return topic


def test_each_person_gets_one_plain_text_with_their_own_link_and_no_mail(
    kit: Kit, topic: Topic, mails: Operation
) -> None:
    message = envelope.requested(kit.open_task(audience=(APPROVER, OTHER_APPROVER)))
    assert run(message, message) == []
    for person in (APPROVER, OTHER_APPROVER):
        (notification,) = topic.received(person)
        assert TITLE in notification["Subject"]
        assert "<" not in notification["Message"]
        (token,) = LINK.findall(notification["Message"])
        page = look(token)
        assert (page.status, person in page.body) == (200, True)
    assert (kit.audited(), mails.asked) == (["opened", "minted", "sent", "minted", "sent"], [])


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, "InternalError"),
        EndpointConnectionError(endpoint_url="https://sns.eu-central-1.amazonaws.com", error="refused"),
    ],
    ids=repr,
)
def test_a_message_that_sns_refuses_is_sent_again(kit: Kit, topic: Topic, answer: Reaction) -> None:
    message = envelope.requested(kit.open_task())
    with answering("sns", "Publish", answer):
        assert run(message) == ["message-0"]
    assert "sent" not in kit.audited()
    assert (run(message), len(topic.received(APPROVER))) == ([], 1)


def test_a_subject_is_one_line_as_long_as_sns_allows(topic: Topic) -> None:
    load("sns").send(MESSAGE, {"topic": topic.arn}, ())
    (notification,) = topic.received(APPROVER)
    assert len(notification["Subject"]) == SUBJECT_LIMIT
    assert "Ünit 1: WWW" in notification["Subject"]
    assert notification["Message"] == MESSAGE.texts.body


def test_the_error_for_a_deleted_topic_has_the_error_code(aws: None) -> None:
    with pytest.raises(MessageRefusedError, match="NotFound"):
        load("sns").send(MESSAGE, {"topic": f"arn:aws:sns:{REGION}:123456789012:gone"}, ())


class Chat(Channel):
    """A fork's channel, whose service is down at first."""

    has_secret = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, Sequence[str]]] = []
        self.down = True

    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> None:
        if self.down:
            raise URLError("refused")
        self.sent.append((settings["url"], message.recipient, message.amount, secrets))


def test_a_forks_channel_gets_its_settings_and_secret_and_its_message_is_sent_again(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Chat()
    monkeypatch.setitem(sys.modules, "extensions.channels.parley", SimpleNamespace(CHANNEL=chat))
    made = client("secretsmanager").create_secret(Name="parley", SecretString='{"active": ["s3cr3t"]}')
    monkeypatch.setenv("CHANNEL", "parley")
    monkeypatch.setenv("CHANNEL_SETTINGS", json.dumps({"url": "http://127.0.0.1:9"}))
    monkeypatch.setenv("CHANNEL_SECRET", json.dumps({"parley": made["ARN"]}))
    message = envelope.requested(kit.open_task(amount="250.00 EUR"))
    assert run(message) == ["message-0"]
    chat.down = False
    assert (run(message), chat.sent) == ([], [("http://127.0.0.1:9", APPROVER, "250.00 EUR", ("s3cr3t",))])
