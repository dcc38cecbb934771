"""The channel `sns`: every recipient's message reaches whoever subscribed for them, and nobody else."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
from botocore.exceptions import EndpointConnectionError

import review.handler
from approver.handler import handler
from countersign.channels import Channel, Message
from countersign.channels.base import load
from countersign.channels.sns import SUBJECT_LIMIT
from countersign.contracts import envelope
from countersign.domain.errors import MessageRefusedError
from countersign.domain.questions import Shown
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, OTHER_APPROVER, TASK_ID, TITLE, any_message, sqs_event
from tests.integration.conftest import BASE_URL, REGION, Answer, Kit, Reaction, answering, call, session

LINK = re.compile(re.escape(BASE_URL) + r"/review\?t=([A-Za-z0-9_-]{43})")


class Topic:
    """A topic on SNS, and queues that are subscribed for one person each."""

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
        """Return the notifications that a person has got since the last call."""
        messages = self.sqs.receive_message(QueueUrl=self.queues[person], MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def topic(aws: None, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """The topic of an approver that is deployed with the channel `sns`."""
    topic = Topic()
    monkeypatch.setenv("CHANNEL", "sns")
    monkeypatch.setenv("CHANNEL_SETTINGS", json.dumps({"topic": topic.arn}))
    return topic


def run(*bodies: dict[str, Any]) -> list[str]:
    """Hand messages to the approver and return the ids of those to be tried again."""
    return [failure["itemIdentifier"] for failure in handler(sqs_event(*bodies), None)["batchItemFailures"]]


def test_each_person_gets_their_own_link_as_plain_text_and_nobody_elses(kit: Kit, topic: Topic) -> None:
    message = envelope.requested(kit.open_task(audience=(APPROVER, OTHER_APPROVER)))
    assert run(message, message) == []
    for person in (APPROVER, OTHER_APPROVER):
        (notification,) = topic.received(person)
        assert TITLE in notification["Subject"]
        assert "<" not in notification["Message"]
        (token,) = LINK.findall(notification["Message"])
        page = call(review.handler.handler, "GET", "/review", query={"t": token})
        assert page.status == 200
        assert person in page.body
    assert kit.audited() == ["opened", "minted", "sent", "minted", "sent"]


def test_no_mail_is_sent_where_another_channel_is_chosen(kit: Kit, topic: Topic) -> None:
    with answering("sesv2", "SendEmail", Answer()) as mails:
        run(envelope.requested(kit.open_task()))
    assert mails.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, "InternalError"),
        EndpointConnectionError(endpoint_url="https://sns.eu-central-1.amazonaws.com", error="refused"),
    ],
    ids=repr,
)
def test_a_message_that_the_topic_does_not_take_is_tried_again(kit: Kit, topic: Topic, answer: Reaction) -> None:
    message = envelope.requested(kit.open_task())
    with answering("sns", "Publish", answer):
        assert run(message) == ["message-0"]
    assert not kit.ledger.mailed(TASK_ID, 1, APPROVER)
    assert run(message) == []
    assert len(topic.received(APPROVER)) == 1


MESSAGE = any_message(question=Shown(f"Ünit 1:\r\n{'W' * 200}", (), ""))


def test_a_subject_is_one_line_that_the_topic_takes(topic: Topic) -> None:
    load("sns").send(MESSAGE, {"topic": topic.arn}, ())
    (notification,) = topic.received(APPROVER)
    assert len(notification["Subject"]) == SUBJECT_LIMIT
    assert "Ünit 1: WWW" in notification["Subject"]
    assert notification["Message"] == MESSAGE.texts.body


def test_a_topic_that_is_gone_is_named_by_the_error_code(aws: None) -> None:
    with pytest.raises(MessageRefusedError, match="NotFound"):
        load("sns").send(MESSAGE, {"topic": f"arn:aws:sns:{REGION}:123456789012:gone"}, ())


class Chat(Channel):
    """A channel of a fork, whose service is down at first."""

    has_secret = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, Sequence[str]]] = []
        self.down = True

    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> None:
        if self.down:
            raise URLError("refused")
        self.sent.append((settings["url"], message.recipient, message.amount, secrets))


def test_a_channel_of_a_fork_gets_its_settings_and_secret_and_is_tried_again(
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
    assert run(message) == []
    assert chat.sent == [("http://127.0.0.1:9", APPROVER, "250.00 EUR", ("s3cr3t",))]
